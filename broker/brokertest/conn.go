package brokertest

import (
	"net"
	"os"
	"sync"
	"time"
)

// conn is a connection of a node's that the node's network can hold up.
type conn struct {
	net.Conn
	network     *network
	closed      chan struct{}
	closeOnce   sync.Once
	read, write deadline

	reading sync.Mutex
	held    []byte // read, but not passed on before a deadline
	heldErr error
}

func newConn(n *network, inner net.Conn) *conn {
	return &conn{Conn: inner, network: n, closed: make(chan struct{}), read: newDeadline(), write: newDeadline()}
}

// pass waits until bytes may pass.
func (c *conn) pass(d *deadline) error {
	if _, delay := c.network.state(); delay > 0 {
		late := time.NewTimer(delay)
		defer late.Stop()
		if err := wait(c, late.C, d); err != nil {
			return err
		}
	}
	open, _ := c.network.state()
	return wait(c, open, d)
}

// wait returns when ch is ready, or the reason why nothing is to be waited for.
func wait[T any](c *conn, ch <-chan T, d *deadline) error {
	select {
	case <-ch:
		return nil
	default:
	}
	select {
	case <-ch:
		return nil
	case <-c.closed:
		return net.ErrClosed
	case <-d.passed():
		return os.ErrDeadlineExceeded
	}
}

// Read passes on what came from the peer. What came while the node was cut off waits here.
func (c *conn) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if len(c.held) == 0 && c.heldErr == nil {
		n, err := c.Conn.Read(p)
		if passErr := c.pass(&c.read); passErr != nil {
			c.held, c.heldErr = append(c.held, p[:n]...), err
			if os.IsTimeout(err) {
				c.heldErr = nil
			}
			return 0, passErr
		}
		return n, err
	}
	if err := c.pass(&c.read); err != nil {
		return 0, err
	}
	n := copy(p, c.held)
	c.held = c.held[n:]
	if n > 0 || len(p) == 0 {
		return n, nil
	}
	err := c.heldErr
	c.heldErr = nil
	return 0, err
}

func (c *conn) Write(p []byte) (int, error) {
	if err := c.pass(&c.write); err != nil {
		return 0, err
	}
	if c.network.isMuted(c.RemoteAddr()) {
		c.Close()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

// CloseWrite ends the stream to the peer, as package env promises.
func (c *conn) CloseWrite() error {
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

func (c *conn) Close() error {
	c.closeOnce.Do(func() { close(c.closed) })
	c.network.forget(c)
	c.network.unmute(c.RemoteAddr())
	return c.Conn.Close()
}

func (c *conn) SetDeadline(t time.Time) error {
	c.read.set(t)
	c.write.set(t)
	return c.Conn.SetDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.read.set(t)
	return c.Conn.SetReadDeadline(t)
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.write.set(t)
	return c.Conn.SetWriteDeadline(t)
}

// deadline is a channel that is closed when a time has come, until another is set.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	ch    chan struct{}
}

func newDeadline() deadline { return deadline{ch: make(chan struct{})} }

func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ch
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	select {
	case <-d.ch:
		d.ch = make(chan struct{})
	default:
	}
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		close(d.ch)
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(left, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.timer == timer {
			d.timer = nil
			close(d.ch)
		}
	})
	d.timer = timer
}
