package replica

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errInterrupted ends a poll early, because there is more to fetch than it asked for.
var errInterrupted = errors.New("interrupted by a change of partitions")

// interruptSpacing is the least time between two interruptions: a burst of new partitions costs one.
const interruptSpacing = 20 * time.Millisecond

// inbox is what a fetcher is told while it works: partitions that come and go. What comes while a poll waits at the leader
// ends that poll, or a new partition would not be fetched, and nothing written to it committed, until the poll runs out.
type inbox struct {
	mu sync.Mutex
	// changes says of each changed partition whether it is to be fetched now. The last word counts.
	changes map[*Partition]bool
	// urgent says that changes bring a partition to fetch.
	urgent bool
	// signal holds a token while there are changes.
	signal chan struct{}
	// interrupt ends the poll that is under way, nil when none is.
	interrupt context.CancelCauseFunc
	// interruptedAt is when a poll was ended last.
	interruptedAt time.Time
	// timer is set while an interruption waits for its time.
	timer *time.Timer
}

func newInbox() *inbox {
	return &inbox{changes: make(map[*Partition]bool), signal: make(chan struct{}, 1)}
}

func (b *inbox) put(p *Partition, fetch bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changes[p] = fetch
	select {
	case b.signal <- struct{}{}:
	default:
	}
	if fetch {
		b.urgent = true
		b.interruptSoon()
	}
}

// interruptSoon ends the poll that is under way, unless the last one ended so is too recent: then a little later. b.mu is
// held.
func (b *inbox) interruptSoon() {
	if !b.urgent || b.interrupt == nil || b.timer != nil {
		return
	}
	if wait := interruptSpacing - time.Since(b.interruptedAt); wait > 0 {
		b.timer = time.AfterFunc(wait, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.timer = nil
			b.interruptSoon()
		})
		return
	}
	b.interruptedAt = time.Now()
	b.interrupt(errInterrupted)
	b.interrupt = nil
}

// take returns the changes since the last call.
func (b *inbox) take() map[*Partition]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	changes := b.changes
	b.changes = make(map[*Partition]bool)
	b.urgent = false
	select {
	case <-b.signal:
	default:
	}
	return changes
}

// polling tells that a poll begins that interrupt ends; false, when there is something new to fetch already.
func (b *inbox) polling(interrupt context.CancelCauseFunc) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.urgent {
		return false
	}
	b.interrupt = interrupt
	return true
}

// polled tells that the poll has ended.
func (b *inbox) polled() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.interrupt = nil
}
