// Package clock is a universe's virtual time: a queue of events in a total order, and the clocks that nodes read, which may
// run fast or slow and be set wrong.
//
// Nothing here looks at the wall clock. A universe's time moves only when an event is taken or when a guest is charged for
// a call, so it is a function of the seed.
package clock

import "time"

// Time is virtual nanoseconds since the universe began. It never goes back.
type Time int64

// Add returns t moved by d.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// Sub returns the span from earlier to t.
func (t Time) Sub(earlier Time) time.Duration { return time.Duration(t - earlier) }

// Event is something that happens at a moment. It can be armed, moved and cancelled any number of times, so that whoever
// owns a timer keeps one Event and allocates nothing to set it again.
type Event struct {
	at    Time
	seq   uint64
	index int // in the heap, or -1
	fire  func()
}

// NewEvent makes an event that calls fire when its time has come. It isn't armed.
func NewEvent(fire func()) *Event { return &Event{index: -1, fire: fire} }

// Armed tells whether the event waits in a queue.
func (e *Event) Armed() bool { return e.index >= 0 }

// At is the moment the event is, or was last, armed for.
func (e *Event) At() Time { return e.at }

// Queue orders events by (time, order of arming): two events of one moment fire in the order in which they were armed, so
// that no tie is ever broken by chance. It isn't safe for concurrent use; a universe has one, used by one goroutine at a time.
type Queue struct {
	now  Time
	seq  uint64
	heap []*Event
}

// Now is the present.
func (q *Queue) Now() Time { return q.now }

// Spend lets d pass without taking events; those that came due meanwhile are late. It is how a running guest is charged for
// what it does.
func (q *Queue) Spend(d time.Duration) { q.now += Time(d) }

// Arm sets e to fire at the given moment, or now if that is past. An armed event is moved.
func (q *Queue) Arm(e *Event, at Time) {
	if at < q.now {
		at = q.now
	}
	q.seq++
	e.at, e.seq = at, q.seq
	if e.index < 0 {
		e.index = len(q.heap)
		q.heap = append(q.heap, e)
		q.up(e.index)
		return
	}
	if !q.up(e.index) {
		q.down(e.index)
	}
}

// After arms a new event that calls fire once d has passed.
func (q *Queue) After(d time.Duration, fire func()) *Event {
	e := NewEvent(fire)
	q.Arm(e, q.now.Add(d))
	return e
}

// Cancel takes e out of the queue, if it is there.
func (q *Queue) Cancel(e *Event) {
	i := e.index
	if i < 0 {
		return
	}
	last := len(q.heap) - 1
	if i != last {
		q.swap(i, last)
	}
	q.heap[last] = nil
	q.heap = q.heap[:last]
	e.index = -1
	if i != last && !q.up(i) {
		q.down(i)
	}
}

// Next is the moment of the earliest event; false says that the queue is empty.
func (q *Queue) Next() (Time, bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	return q.heap[0].at, true
}

// Step takes the earliest event, moves the present to its moment and fires it. False says that the queue was empty.
func (q *Queue) Step() bool {
	if len(q.heap) == 0 {
		return false
	}
	e := q.heap[0]
	q.Cancel(e)
	q.now = max(q.now, e.at)
	e.fire()
	return true
}

// Skip moves the present forward to t when nothing is due before.
func (q *Queue) Skip(t Time) { q.now = max(q.now, t) }

func (q *Queue) less(i, j int) bool {
	a, b := q.heap[i], q.heap[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (q *Queue) swap(i, j int) {
	q.heap[i], q.heap[j] = q.heap[j], q.heap[i]
	q.heap[i].index, q.heap[j].index = i, j
}

func (q *Queue) up(i int) (moved bool) {
	for i > 0 {
		parent := (i - 1) / 2
		if !q.less(i, parent) {
			break
		}
		q.swap(i, parent)
		i, moved = parent, true
	}
	return moved
}

func (q *Queue) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(q.heap) {
			return
		}
		if right := child + 1; right < len(q.heap) && q.less(right, child) {
			child = right
		}
		if !q.less(child, i) {
			return
		}
		q.swap(i, child)
		i = child
	}
}
