package coord

import (
	"container/heap"
	"time"
)

// Timers says which of a machine's things, by key, are to be looked at when. A timer is not taken back: whoever is looked at too
// early sets another.
type Timers struct{ heap timerHeap }

type timer struct {
	at  time.Time
	key string
}

// Push sets a timer.
func (t *Timers) Push(at time.Time, key string) { heap.Push(&t.heap, timer{at, key}) }

// First is when the first timer fires, zero when there is none.
func (t *Timers) First() time.Time {
	if len(t.heap) == 0 {
		return time.Time{}
	}
	return t.heap[0].at
}

// Pop takes one timer that is due.
func (t *Timers) Pop(now time.Time) (key string, due bool) {
	if len(t.heap) == 0 || t.heap[0].at.After(now) {
		return "", false
	}
	return heap.Pop(&t.heap).(timer).key, true
}

type timerHeap []timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].key < h[j].key
}

func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)   { *h = append(*h, x.(timer)) }

func (h *timerHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
