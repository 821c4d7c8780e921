//go:build wasip1

package guestenv

import (
	"net"
	"syscall"
	"time"

	"odradek/broker/env"
)

// listener is a net.TCPListener with what the wasip1 port of package net lacks: its address, and net.ErrClosed. No lock is
// needed for closed, as a guest has one thread.
type listener struct {
	tcp     *net.TCPListener
	address net.Addr
	closed  bool
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.address }

// Close implements net.Listener.
func (l *listener) Close() error {
	l.closed = true
	return l.tcp.Close()
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.tcp.AcceptTCP()
	switch {
	case err != nil && l.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.address, Err: net.ErrClosed}
	case err != nil:
		return nil, err
	}
	return newConn(c)
}

// conn is a net.TCPConn with what the wasip1 port lacks: its addresses, and net.ErrClosed, in whose place a connection that
// was made of a file says that the file is closed.
type conn struct {
	tcp           *net.TCPConn
	local, remote net.Addr
	closed        bool
}

func newConn(c *net.TCPConn) (net.Conn, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	wrapped := &conn{tcp: c}
	err = raw.Control(func(fd uintptr) {
		wrapped.local, wrapped.remote = socketAddress(int32(fd), false), socketAddress(int32(fd), true)
	})
	if err != nil {
		return nil, err
	}
	return wrapped, nil
}

// check puts right the error of a connection that was closed meanwhile, and names the ends in any other.
func (c *conn) check(op string, err error) error {
	failed, ok := err.(*net.OpError) // io.EOF isn't one
	switch {
	case err == nil:
		return nil
	case c.closed:
		return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: net.ErrClosed}
	case ok:
		failed.Source, failed.Addr = c.local, c.remote
	}
	return err
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.tcp.Read(p)
	return n, c.check("read", err)
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.tcp.Write(p)
	return n, c.check("write", err)
}

var _ env.TryWriter = network{}

// TryWriter implements env.TryWriter.
func (network) TryWriter(of net.Conn) func(p []byte) (n int, err error) {
	c, ok := of.(*conn)
	if !ok {
		return nil
	}
	try := env.TryWrites(c.tcp)
	if try == nil {
		return nil
	}
	return func(p []byte) (int, error) {
		n, err := try(p)
		if err != nil {
			err = c.check("write", &net.OpError{Op: "write", Net: "tcp", Err: err})
		}
		return n, err
	}
}

// Close implements net.Conn.
func (c *conn) Close() error {
	first := !c.closed
	c.closed = true // before what waits on it wakes up
	err := c.tcp.Close()
	if first {
		return err
	}
	return c.check("close", err)
}

// CloseWrite lets the peer read to EOF.
func (c *conn) CloseWrite() error { return c.check("close", c.tcp.CloseWrite()) }

// CloseRead makes reads end at once.
func (c *conn) CloseRead() error { return c.check("close", c.tcp.CloseRead()) }

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error { return c.check("set", c.tcp.SetDeadline(t)) }

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error { return c.check("set", c.tcp.SetReadDeadline(t)) }

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.check("set", c.tcp.SetWriteDeadline(t)) }

// SyscallConn implements syscall.Conn.
func (c *conn) SyscallConn() (syscall.RawConn, error) { return c.tcp.SyscallConn() }
