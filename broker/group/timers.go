package group

import (
	"container/heap"
	"time"
)

// timers says which groups are to be looked at when. A group's timer is never moved back: one that fires too early is set again,
// so that a heartbeat, which moves a deadline back, costs nothing here.
type timers struct{ heap timerHeap }

type timer struct {
	at    time.Time
	group string
}

func (t *timers) push(at time.Time, group string) { heap.Push(&t.heap, timer{at, group}) }

// first is when the first timer fires, zero when there is none.
func (t *timers) first() time.Time {
	if len(t.heap) == 0 {
		return time.Time{}
	}
	return t.heap[0].at
}

// pop takes one timer that is due.
func (t *timers) pop(now time.Time) (group string, due bool) {
	if len(t.heap) == 0 || t.heap[0].at.After(now) {
		return "", false
	}
	return heap.Pop(&t.heap).(timer).group, true
}

type timerHeap []timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)        { *h = append(*h, x.(timer)) }
func (h *timerHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
