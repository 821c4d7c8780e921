package coord

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// commits holds back replies until the high watermark has passed what they tell of. It has a lock of its own, which is held
// for moments only, because it hears of commits on whatever goroutine moved the high watermark.
type commits struct {
	timeout time.Duration

	mu        sync.Mutex
	committed int64 // every record before it is committed
	waiting   []waitingReplies
	ended     *kerr.Error // why there will be no more commits, nil while there may be
	timer     *time.Timer // armed for the first of waiting
}

type waitingReplies struct {
	offset   int64 // Invariant: rises along the queue
	replies  []Reply
	deadline time.Time
}

// await sends replies when every record before offset is committed. After the timeout callers are told to try again: the records
// may yet be committed.
func (c *commits) await(offset int64, replies []Reply, now time.Time) {
	if len(replies) == 0 {
		return
	}
	c.mu.Lock()
	ended, held := c.ended, false
	if ended == nil && offset > c.committed {
		held = true
		c.waiting = append(c.waiting, waitingReplies{offset, replies, now.Add(c.timeout)})
		if len(c.waiting) == 1 {
			c.arm(now)
		}
	}
	c.mu.Unlock()
	switch {
	case ended != nil:
		refuseAll(replies, ended)
	case !held:
		answerAll(replies)
	}
}

// reached notes that every record before offset is committed.
func (c *commits) reached(offset int64) {
	c.mu.Lock()
	c.committed = max(c.committed, offset)
	n := 0
	for n < len(c.waiting) && c.waiting[n].offset <= c.committed {
		n++
	}
	due := c.take(n, time.Now())
	c.mu.Unlock()
	for _, each := range due {
		answerAll(each.replies)
	}
}

// giveUp refuses those who wait for no more than offset: the records are in the log, but when they are committed is open.
func (c *commits) giveUp(offset int64) {
	c.mu.Lock()
	n := 0
	for n < len(c.waiting) && c.waiting[n].offset <= offset {
		n++
	}
	due := c.take(n, time.Now())
	c.mu.Unlock()
	for _, each := range due {
		refuseAll(each.replies, kerr.CoordinatorNotAvailable)
	}
}

// end refuses all who wait and who will.
func (c *commits) end(err *kerr.Error) {
	c.mu.Lock()
	if c.ended == nil {
		c.ended = err
	}
	due := c.take(len(c.waiting), time.Now())
	c.mu.Unlock()
	for _, each := range due {
		refuseAll(each.replies, err)
	}
}

// expire refuses those who have waited too long.
func (c *commits) expire() {
	now := time.Now()
	c.mu.Lock()
	n := 0
	for n < len(c.waiting) && !c.waiting[n].deadline.After(now) {
		n++
	}
	due := c.take(n, now)
	if n == 0 && len(c.waiting) > 0 {
		c.arm(now)
	}
	c.mu.Unlock()
	for _, each := range due {
		refuseAll(each.replies, kerr.CoordinatorNotAvailable)
	}
}

// take removes the first n from the queue. c.mu is held.
func (c *commits) take(n int, now time.Time) []waitingReplies {
	if n == 0 {
		return nil
	}
	due := c.waiting[:n:n]
	c.waiting = c.waiting[n:]
	if len(c.waiting) > 0 {
		c.arm(now)
	} else {
		c.waiting = nil
		c.timer.Stop()
	}
	return due
}

// arm sets the timer for the first that waits. c.mu is held.
func (c *commits) arm(now time.Time) {
	wait := max(c.waiting[0].deadline.Sub(now), 0)
	if c.timer == nil {
		c.timer = time.AfterFunc(wait, c.expire)
		return
	}
	c.timer.Reset(wait)
}

func answerAll(replies []Reply) {
	for _, r := range replies {
		r.To.Answer(r.Response)
	}
}

func refuseAll(replies []Reply, err *kerr.Error) {
	for _, r := range replies {
		r.To.Refuse(err)
	}
}
