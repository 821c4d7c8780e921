// Package courier carries requests of one kind to other nodes: what is posted for a node while a request to it is under way
// goes together in the next one. A node that nothing is posted for costs a connection that it had, and no goroutine.
package courier

import (
	"context"
	"net"
	"strconv"
	"sync"
	"time"

	"odradek/broker/env"
	"odradek/broker/metadata"
	"odradek/broker/wire"
)

// Config says what is carried. T is one of the things that go together in a request.
type Config[T any] struct {
	Net      env.Net
	ClientID string
	// Timeout bounds an exchange, with the connection that it may need.
	Timeout time.Duration
	// ItemsMax bounds what goes together.
	ItemsMax int
	// Carry sends items and sees to their answers. After an error it is called again on a new connection, if the one that it had
	// was an old one.
	Carry func(ctx context.Context, conn *wire.Conn, items []T) error
	// Failed is told of items that could not be carried.
	Failed func(items []T, err error)
}

// Courier carries things of type T. Close it.
type Courier[T any] struct {
	cfg        Config[T]
	ctx        context.Context
	cancel     context.CancelFunc
	background sync.WaitGroup

	mu     sync.Mutex
	closed bool
	routes map[int32]*route[T]
}

// route is the way to one node. Its connection belongs to the goroutine that runs while it is busy.
type route[T any] struct {
	address string
	items   []T
	busy    bool
	conn    *wire.Conn
	to      string // where conn leads
}

// New makes a Courier.
func New[T any](cfg Config[T]) *Courier[T] {
	c := &Courier[T]{cfg: cfg, routes: map[int32]*route[T]{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Post has item carried to a node. It does not wait.
func (c *Courier[T]) Post(to *metadata.Broker, item T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	r := c.routes[to.ID]
	if r == nil {
		r = &route[T]{}
		c.routes[to.ID] = r
	}
	r.address = net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port)))
	r.items = append(r.items, item)
	if !r.busy {
		r.busy = true
		c.background.Go(func() { c.run(r) })
	}
}

// Close ends what is under way, and its connections; what was posted is dropped.
func (c *Courier[T]) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.background.Wait()
	for _, r := range c.routes {
		r.hangUp()
	}
}

// run carries what is posted for a node until there is nothing.
func (c *Courier[T]) run(r *route[T]) {
	for {
		items, address := c.take(r)
		if items == nil {
			return
		}
		if err := c.carry(r, address, items); err != nil && c.ctx.Err() == nil {
			c.cfg.Failed(items, err)
		}
	}
}

func (c *Courier[T]) take(r *route[T]) (items []T, address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(r.items), c.cfg.ItemsMax)
	if n == 0 || c.closed {
		r.busy = false
		return nil, ""
	}
	items = r.items[:n:n]
	r.items = r.items[n:]
	return items, r.address
}

func (c *Courier[T]) carry(r *route[T], address string, items []T) error {
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.Timeout)
	defer cancel()
	for {
		old := r.conn != nil && r.to == address
		if !old {
			r.hangUp()
			conn, err := wire.Dial(ctx, c.cfg.Net, address, c.cfg.ClientID)
			if err != nil {
				return err
			}
			r.conn, r.to = conn, address
		}
		err := c.cfg.Carry(ctx, r.conn, items)
		if err == nil {
			return nil
		}
		r.hangUp()
		if !old || ctx.Err() != nil {
			return err
		}
	}
}

func (r *route[T]) hangUp() {
	if r.conn != nil {
		_ = r.conn.Close() // nothing of it is of use any more
		r.conn = nil
	}
}
