package bench

import (
	"context"
	"sync"
	"time"
)

// catching is how consumers that begin late catch up with what is written meanwhile.
type catching struct {
	mu      sync.Mutex
	began   time.Time // of reading; zero before
	backlog int64     // what was written by then and not read
	seen    int64     // what was to be read when it was last looked
	caught  time.Time // zero until then
}

// beside reads what is written meanwhile. It closes ready when writing may begin: with the consumers reading, or, when a backlog is wanted,
// at once, and they begin when that is as long as the workload says.
func (r *run) beside(ctx context.Context, ready chan<- struct{}, written <-chan struct{}) error {
	if r.BacklogSeconds == 0 {
		return r.consume(ctx, ready, written)
	}
	close(ready)
	if !sleepUntil(ctx, time.Now().Add(duration(r.BacklogSeconds))) {
		return context.Cause(ctx)
	}
	backlog, _ := r.produced.counts()
	r.catching.begin(backlog, backlog*int64(r.readers()), time.Now())
	return r.consume(ctx, make(chan struct{}), written)
}

func (c *catching) begin(backlog, due int64, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began, c.backlog, c.seen = now, backlog, due
}

// look is called now and then: the consumers have caught up when they have read what was written at the look before.
func (c *catching) look(due, read int64, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.began.IsZero() || !c.caught.IsZero() {
		return
	}
	if read >= c.seen {
		c.caught = now
	}
	c.seen = due
}

// result is how long a backlog of how many records took; ended is when all was read, if it was not caught up with before.
func (c *catching) result(ended time.Time) (backlog int64, seconds float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.began.IsZero() {
		return 0, 0
	}
	if c.caught.IsZero() {
		c.caught = ended
	}
	return c.backlog, c.caught.Sub(c.began).Seconds()
}
