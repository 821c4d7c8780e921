package server

import (
	"bytes"

	"odradek/broker/wire"
)

// handled sees to it that the answers at the head of the queue leave, now that the handler has returned. When no further request has
// come, the reader sends them itself, as far as the connection takes them at once: waking the writer costs more than the call
// to the network, and the peer waits for both. When the next has come and is a produce, which waits for nobody, its answer goes out by the
// same call. Otherwise the writer sends them while the reader goes on.
func (c *conn) handled() {
	next := c.reader.Peek()
	if c.try != nil && next != nil && wire.IsPlainProduce(next) {
		c.mu.Lock()
		c.handling = nil
		c.mu.Unlock()
		return
	}
	more := c.try == nil || next != nil
	c.mu.Lock()
	c.handling = nil
	if !c.queue.ready() || c.writing || c.ended { // whoever writes looks again
		c.mu.Unlock()
		return
	}
	if more || !c.queue.small() {
		c.mu.Unlock()
		signal(c.wake)
		return
	}
	batch := c.queue.take(c.flushing[:0])
	c.writing = true
	c.mu.Unlock()
	c.flush(batch)
}

// flush sends what the reader has taken.
func (c *conn) flush(batch []*Call) {
	scratch := scratches.Get().(*[scratchBytes]byte)
	defer scratches.Put(scratch)
	out, err := encode(scratch[:0], batch)
	sent := 0
	if err == nil && len(out) > 0 {
		sent, err = c.try(out)
	}
	c.mu.Lock()
	if err == nil && sent < len(out) {
		c.unsent = bytes.Clone(out[sent:])
	}
	c.mu.Unlock()
	c.flushing = batch
	c.settle(batch)
	switch {
	case err != nil:
		c.end(err)
	case sent < len(out) || c.answered():
		signal(c.wake)
	}
}

// answered says whether there is something for the writer to do.
func (c *conn) answered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queue.ready()
}

// encode puts small responses one behind the other.
func encode(out []byte, batch []*Call) ([]byte, error) {
	for _, call := range batch {
		if call.response.IsZero() {
			continue
		}
		err := call.response.Each(func(bytes []byte, slice wire.Slice) error {
			if slice == nil {
				out = append(out, bytes...)
				return nil
			}
			at := len(out)
			out = out[:at+slice.Len()]
			return slice.ReadInto(out[at:])
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
