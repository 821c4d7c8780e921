package replica

import (
	"sync"
	"time"
)

// lagChecker looks, every half of replica.lag.time.max.ms, at the partitions that have followers behind. While there are
// none no timer runs.
type lagChecker struct {
	interval time.Duration

	mu sync.Mutex
	// watched holds each partition once.
	watched []*Partition
	timer   *time.Timer // nil while none is armed
	stopped bool
}

// watch puts p on the list until a check finds that it needs none.
func (c *lagChecker) watch(p *Partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watched = append(c.watched, p)
	c.arm()
}

// arm starts the timer unless it runs. c.mu is held.
func (c *lagChecker) arm() {
	if c.timer == nil && !c.stopped && len(c.watched) > 0 {
		c.timer = time.AfterFunc(c.interval, c.check)
	}
}

func (c *lagChecker) check() {
	c.mu.Lock()
	watched := c.watched
	c.watched = nil
	c.mu.Unlock()

	now := time.Now()
	again := watched[:0]
	for _, p := range watched {
		if p.checkLag(now) {
			again = append(again, p)
		}
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer = nil
	c.watched = append(c.watched, again...)
	c.arm()
}

func (c *lagChecker) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	if c.timer != nil {
		c.timer.Stop()
	}
}
