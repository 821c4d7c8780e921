package controller

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// pending is a request at the active controller. done is called exactly once, from any goroutine, and must not block; a nil
// error comes with a response and the version that includes its effects.
type pending struct {
	req  kmsg.Request
	conn *serverConn // nil when it is this node's own
	done func(resp kmsg.Response, version uint64, err error)
}

// queue holds the requests that wait for the active controller. Each is taken or refused, also across its closing.
type queue struct {
	wake   chan struct{} // has an element when something is queued
	mu     sync.Mutex
	items  []*pending
	closed bool
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// put adds a request, or refuses it.
func (q *queue) put(p *pending) {
	q.mu.Lock()
	refused := q.closed || len(q.items) >= requestsQueuedMax
	if !refused {
		q.items = append(q.items, p)
	}
	q.mu.Unlock()
	if refused {
		p.done(nil, 0, errNotActive)
		return
	}
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take removes up to n requests.
func (q *queue) take(n int) []*pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) > n {
		taken := q.items[:n:n]
		q.items = q.items[n:]
		q.signal()
		return taken
	}
	taken := q.items
	q.items = nil
	return taken
}

// close refuses what is there and all that comes.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	left := q.items
	q.items = nil
	q.mu.Unlock()
	for _, p := range left {
		p.done(nil, 0, errNotActive)
	}
}
