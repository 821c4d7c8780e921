package replica

import (
	"math"
	"slices"
	"sort"

	"github.com/twmb/franz-go/pkg/kerr"
)

// PendingAppend is an append whose answer may still be awaited.
type PendingAppend struct {
	partition *Partition
	// required completes the append once what it waits for, the high watermark or the synced offset, has reached it.
	required int64
	result   AppendResult
	// done is nil once it is called, or about to be.
	done func(AppendResult)
	// queue is the one that this append waits in, nil when it waits in none.
	queue *pendingQueue
}

// Expire answers the append with REQUEST_TIMED_OUT unless it has been answered. The records stay in the log, and may well
// be committed later.
func (a *PendingAppend) Expire() {
	p := a.partition
	p.mu.Lock()
	if a.queue != nil {
		a.queue.remove(a)
		p.complete(a, kerr.RequestTimedOut)
	}
	p.unlock()
}

// pendingQueue holds appends in the order of the offsets they wait for. Appends come in that order, except for the retry of
// an old batch, so that adding and releasing cost nothing to speak of.
type pendingQueue struct {
	waiting []*PendingAppend
}

func (q *pendingQueue) add(a *PendingAppend) {
	a.queue = q
	if n := len(q.waiting); n == 0 || q.waiting[n-1].required <= a.required {
		q.waiting = append(q.waiting, a)
		return
	}
	at := sort.Search(len(q.waiting), func(i int) bool { return q.waiting[i].required > a.required })
	q.waiting = slices.Insert(q.waiting, at, a)
}

// release takes out the appends that wait for reached or less and hands them to each, in order.
func (q *pendingQueue) release(reached int64, each func(*PendingAppend)) {
	n := 0
	for n < len(q.waiting) && q.waiting[n].required <= reached {
		a := q.waiting[n]
		a.queue = nil
		each(a)
		n++
	}
	if n > 0 {
		q.waiting = slices.Delete(q.waiting, 0, n)
	}
}

// releaseAll takes out all.
func (q *pendingQueue) releaseAll(each func(*PendingAppend)) { q.release(math.MaxInt64, each) }

func (q *pendingQueue) remove(a *PendingAppend) {
	a.queue = nil
	at := sort.Search(len(q.waiting), func(i int) bool { return q.waiting[i].required >= a.required })
	for ; at < len(q.waiting); at++ {
		if q.waiting[at] == a {
			q.waiting = slices.Delete(q.waiting, at, at+1)
			return
		}
	}
}

// completions are the answers that became known under a partition's lock and are given outside of it. Whoever unlocks
// while nobody is giving answers gives them all, so that they leave in the order in which they became known.
type completions struct {
	ready  []*PendingAppend
	spare  []*PendingAppend // the other half of a double buffer
	giving bool
}

// complete settles the answer of an append that left its queue; unlock gives it. p.mu is held.
func (p *Partition) complete(a *PendingAppend, err *kerr.Error) {
	a.result.Err = p.asError(err, &a.result)
	p.completions.ready = append(p.completions.ready, a)
}

// succeed settles an append that got what it waited for. p.mu is held.
func (p *Partition) succeed(a *PendingAppend) { p.complete(a, nil) }

// unlock releases p.mu and gives the answers that became known while it was held.
func (p *Partition) unlock() {
	c := &p.completions
	if c.giving {
		p.mu.Unlock()
		return
	}
	c.giving = true
	for len(c.ready) > 0 {
		batch := c.ready
		c.ready = c.spare[:0]
		p.mu.Unlock()
		for i, a := range batch {
			a.done(a.result)
			a.done = nil
			batch[i] = nil
		}
		p.mu.Lock()
		c.spare = batch
	}
	c.giving = false
	p.mu.Unlock()
}
