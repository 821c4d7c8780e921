package memenv

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"odradek/broker/env"
)

// windowBytes is how much may be on its way in one direction: a Write beyond waits for the reader.
const windowBytes = 64 << 10

// link is what the two ends of a connection share.
type link struct {
	mu      sync.Mutex
	changed *sync.Cond
}

// conn is one end of a connection: a net.Conn with CloseWrite. All but the first four fields are guarded by the link's
// lock.
type conn struct {
	link          *link
	peer          *conn
	local, remote address

	arrived    []byte // sent by the peer and not read yet; at most windowBytes
	eof        bool   // the peer sends no more
	reset      bool   // the peer is gone, and bytes may be lost
	closed     bool
	writeEnded bool

	readDeadline, writeDeadline deadline
}

// newConnection returns the two ends of a connection.
func newConnection(from, to address) (dialed, accepted *conn) {
	l := &link{}
	l.changed = sync.NewCond(&l.mu)
	dialed = &conn{link: l, local: from, remote: to}
	accepted = &conn{link: l, local: to, remote: from, peer: dialed}
	dialed.peer = accepted
	return dialed, accepted
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

func (c *conn) Read(p []byte) (int, error) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, c.fail("read", net.ErrClosed)
		case c.readDeadline.expired:
			return 0, c.fail("read", os.ErrDeadlineExceeded)
		case len(p) == 0:
			return 0, nil
		case len(c.arrived) > 0:
			n := copy(p, c.arrived)
			c.arrived = c.arrived[n:]
			c.link.changed.Broadcast()
			return n, nil
		case c.reset:
			return 0, c.fail("read", os.NewSyscallError("read", syscall.ECONNRESET))
		case c.eof:
			return 0, io.EOF
		}
		c.link.changed.Wait()
	}
}

var _ env.TryWriter = (*Net)(nil)

// TryWriter implements env.TryWriter.
func (*Net) TryWriter(of net.Conn) func(p []byte) (n int, err error) {
	if c, ok := of.(*conn); ok {
		return func(p []byte) (int, error) { return c.write(p, false) }
	}
	return nil
}

func (c *conn) Write(p []byte) (int, error) { return c.write(p, true) }

// write writes all of p, or with wait unset what there is room for.
func (c *conn) write(p []byte, wait bool) (int, error) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	for done := 0; ; {
		switch {
		case c.closed:
			return done, c.fail("write", net.ErrClosed)
		case c.writeDeadline.expired:
			return done, c.fail("write", os.ErrDeadlineExceeded)
		case c.writeEnded, c.reset:
			return done, c.fail("write", os.NewSyscallError("write", syscall.EPIPE))
		case c.peer.closed:
			// As with TCP the first write is taken, and the answer to it is a reset.
			c.breakDown()
			return len(p), nil
		}
		n := min(len(p)-done, windowBytes-len(c.peer.arrived))
		if n > 0 {
			c.peer.arrived = append(c.peer.arrived, p[done:done+n]...)
			done += n
			c.link.changed.Broadcast()
		}
		if done == len(p) || !wait {
			return done, nil
		}
		c.link.changed.Wait()
	}
}

// breakDown ends a connection whose other end is gone. What had arrived is lost too, as it is on some systems. The lock
// is held.
func (c *conn) breakDown() {
	c.reset = true
	c.arrived = nil
	c.link.changed.Broadcast()
}

// CloseWrite ends the stream to the peer; reading goes on.
func (c *conn) CloseWrite() error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.fail("close", net.ErrClosed)
	}
	c.writeEnded = true
	c.peer.eof = true
	c.link.changed.Broadcast()
	return nil
}

// Close ends both directions. When something had arrived that nobody read the peer is told by a reset.
func (c *conn) Close() error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	return c.close(len(c.arrived) > 0)
}

// abort closes with a reset, as the death of the process does.
func (c *conn) abort() {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.close(true)
}

func (c *conn) close(reset bool) error {
	if c.closed {
		return c.fail("close", net.ErrClosed)
	}
	c.closed = true
	c.arrived = nil
	c.readDeadline.clear()
	c.writeDeadline.clear()
	c.peer.eof = true
	if reset {
		c.peer.breakDown()
	}
	c.link.changed.Broadcast()
	return nil
}

func (c *conn) SetDeadline(t time.Time) error {
	return c.setDeadlines(t, &c.readDeadline, &c.writeDeadline)
}

func (c *conn) SetReadDeadline(t time.Time) error { return c.setDeadlines(t, &c.readDeadline) }

func (c *conn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(t, &c.writeDeadline) }

func (c *conn) setDeadlines(t time.Time, deadlines ...*deadline) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.fail("set", net.ErrClosed)
	}
	for _, d := range deadlines {
		d.set(t, c.link)
	}
	return nil
}

// deadline is guarded by the link's lock. Its timer belongs to whoever sets it, and so to that goroutine's bubble.
type deadline struct {
	timer   *time.Timer
	expired bool
}

func (d *deadline) clear() {
	if d.timer != nil {
		d.timer.Stop()
	}
	d.timer, d.expired = nil, false
}

func (d *deadline) set(t time.Time, l *link) {
	d.clear()
	defer l.changed.Broadcast()
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		d.expired = true
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(left, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if d.timer == timer {
			d.expired = true
			l.changed.Broadcast()
		}
	})
	d.timer = timer
}
