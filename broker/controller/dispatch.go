package controller

import (
	"context"
	"sync"

	"odradek/broker/metadata"
)

// dispatch hands images to the subscribers, in order, on a goroutine of its own: what they do may touch the disk, and raft must
// not wait for that.
type dispatch struct {
	mu          sync.Mutex
	wake        *sync.Cond
	queue       []update
	subscribers []func(*metadata.Image, *metadata.Delta)
	delivered   *metadata.Image
	advanced    chan struct{} // closed and replaced at each delivery
	closed      bool
	done        chan struct{}
}

type update struct {
	image *metadata.Image
	delta *metadata.Delta
	to    func(*metadata.Image, *metadata.Delta) // a new subscriber's first; nil for all
}

func newDispatch() *dispatch {
	d := &dispatch{delivered: metadata.NewImage(), advanced: make(chan struct{}), done: make(chan struct{})}
	d.wake = sync.NewCond(&d.mu)
	return d
}

func (d *dispatch) push(image *metadata.Image, delta *metadata.Delta) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queue = append(d.queue, update{image: image, delta: delta})
	d.wake.Signal()
}

// subscribe adds a subscriber. It first gets what the others were given last, as a full delta.
func (d *dispatch) subscribe(fn func(*metadata.Image, *metadata.Delta)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queue = append(d.queue, update{to: fn})
	d.wake.Signal()
}

func (d *dispatch) run() {
	defer close(d.done)
	for {
		d.mu.Lock()
		for len(d.queue) == 0 && !d.closed {
			d.wake.Wait()
		}
		if d.closed {
			d.mu.Unlock()
			return
		}
		next := d.queue[0]
		d.queue = d.queue[1:]
		subscribers, delivered := d.subscribers, d.delivered
		if next.to != nil {
			d.subscribers = append(d.subscribers[:len(subscribers):len(subscribers)], next.to)
		}
		d.mu.Unlock()

		if next.to != nil {
			next.to(delivered, metadata.Diff(metadata.NewImage(), delivered))
			continue
		}
		for _, fn := range subscribers {
			fn(next.image, next.delta)
		}
		d.mu.Lock()
		d.delivered = next.image
		close(d.advanced)
		d.advanced = make(chan struct{})
		d.mu.Unlock()
	}
}

// wait returns when the subscribers have seen a version.
func (d *dispatch) wait(ctx context.Context, version uint64) error {
	for {
		d.mu.Lock()
		reached, advanced := d.delivered.Version >= version, d.advanced
		d.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return ctx.Err()
		case <-d.done:
			return ErrClosed
		}
	}
}

// changed returns what was delivered last, and a channel that is closed at the next delivery.
func (d *dispatch) changed() (*metadata.Image, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.delivered, d.advanced
}

func (d *dispatch) close() {
	d.mu.Lock()
	d.closed = true
	d.wake.Signal()
	d.mu.Unlock()
	<-d.done
}
