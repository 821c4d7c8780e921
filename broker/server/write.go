package server

import (
	"fmt"
	"io"

	"odradek/broker/env"
	"odradek/broker/wire"
)

// write is the writer goroutine: it sends answered calls in their order until the connection ends, and ends it when no
// more can come.
func (c *conn) write() {
	var batch []*Call
	g := gather{conn: c.net, vectored: vectored(c.net), progressed: c.progressed}
	for {
		c.mu.Lock()
		if c.ended {
			c.mu.Unlock()
			return
		}
		unsent := c.unsent
		c.unsent, batch = nil, batch[:0]
		if !c.writing { // else the reader is at it, and wakes this goroutine when it leaves something to do
			batch = c.queue.take(batch)
			c.writing = len(batch) > 0
		}
		drained := c.lastRead != nil && c.queue.count == 0 && !c.writing
		reason := c.lastRead
		c.mu.Unlock()
		var err error
		switch {
		case drained:
			c.end(reason)
			return
		case unsent != nil:
			_, err = c.net.Write(unsent)
		case len(batch) > 0:
			err = g.send(batch)
		default:
			select {
			case <-c.wake:
			case <-c.dead:
			}
			continue
		}
		c.settle(batch)
		if err != nil {
			c.end(err)
			return
		}
	}
}

// settle releases what was sent, or could not be, and makes room for the reader.
func (c *conn) settle(batch []*Call) {
	c.mu.Lock()
	c.writing = c.unsent != nil
	c.progress++
	c.queue.settle(batch)
	c.mu.Unlock()
	for i, call := range batch {
		if !call.response.IsZero() {
			call.response.Release()
		}
		batch[i] = nil
	}
	signal(c.room)
}

// send writes the responses of batch, as few calls to the network as it can. An error is also the wish to hang up.
func (g *gather) send(batch []*Call) error {
	g.begin()
	defer g.finish()
	for _, call := range batch {
		if call.hangUp != nil {
			if err := g.flush(); err != nil {
				return err
			}
			return fmt.Errorf("key %d version %d: %w", call.Header.Key, call.Header.Version, call.hangUp)
		}
		if call.response.IsZero() {
			continue
		}
		if err := call.response.Each(g.add); err != nil {
			return err
		}
	}
	return g.flush()
}

func (g *gather) add(bytes []byte, slice wire.Slice) error {
	if slice == nil {
		return g.bytes(bytes)
	}
	n := slice.Len()
	if n == 0 {
		return nil
	}
	if n < sendfileBytesMin {
		room, err := g.room(n)
		if err != nil {
			return err
		}
		return slice.ReadInto(room)
	}
	if inFile, ok := slice.(wire.FileSlice); ok {
		err := g.file(inFile.File(), inFile.Position(), int64(n))
		if err != nil {
			inFile.Verify()
		}
		return err
	}
	buf := make([]byte, n)
	if err := slice.ReadInto(buf); err != nil {
		return err
	}
	return g.bytes(buf)
}

// file sends n bytes of f from offset: by the kernel, or through the scratch.
func (g *gather) file(f env.File, offset, n int64) error {
	sender, ok := f.(env.Sender)
	if !ok {
		return g.copyFile(f, offset, n)
	}
	if err := g.flush(); err != nil {
		return err
	}
	for n > 0 {
		sent, err := sender.SendTo(g.conn, offset, min(n, sendPieceBytes))
		offset, n = offset+sent, n-sent
		g.progressed()
		switch {
		case err != nil:
			return err
		case sent == 0:
			return io.ErrUnexpectedEOF
		}
	}
	return nil
}

func (g *gather) copyFile(f env.File, offset, n int64) error {
	for n > 0 {
		piece, err := g.room(int(min(n, scratchBytes)))
		if err != nil {
			return err
		}
		if read, err := f.ReadAt(piece, offset); read < len(piece) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		offset, n = offset+int64(len(piece)), n-int64(len(piece))
	}
	return nil
}
