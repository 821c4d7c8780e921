package envtest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"odradek/broker/env"
	"odradek/broker/env/envtest"
	"odradek/broker/env/memenv"
)

// memConn is what the connections of memenv offer.
type memConn interface {
	net.Conn
	CloseWrite() error
}

// brokenNet is a network whose connections are broken.
type brokenNet struct {
	env.Net
	wrap func(memConn) net.Conn
}

func (n brokenNet) Dial(ctx context.Context, address string) (net.Conn, error) {
	c, err := n.Net.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	return n.wrap(c.(memConn)), nil
}

func (n brokenNet) Listen(address string) (net.Listener, error) {
	l, err := n.Net.Listen(address)
	return brokenListener{l, n.wrap}, err
}

type brokenListener struct {
	net.Listener
	wrap func(memConn) net.Conn
}

func (l brokenListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.wrap(c.(memConn)), nil
}

type changingConn struct{ memConn }

func (c changingConn) Read(p []byte) (int, error) {
	n, err := c.memConn.Read(p)
	if i := bytes.IndexByte(p[:n], 'h'); i >= 0 {
		p[i] = 'H'
	}
	return n, err
}

type fillingConn struct{ memConn }

func (c fillingConn) Read(p []byte) (int, error) { return io.ReadFull(c.memConn, p) }

// cleanConn reads what is unread before it closes, and so never resets.
type cleanConn struct{ memConn }

func (c cleanConn) Close() error {
	c.SetReadDeadline(time.Now().Add(time.Millisecond))
	io.Copy(io.Discard, c.memConn)
	return c.memConn.Close()
}

// takingConn says that it wrote all, and drops what it had no room for.
type takingConn struct{ memConn }

func (c takingConn) Write(p []byte) (int, error) {
	c.SetWriteDeadline(time.Now().Add(time.Millisecond))
	c.memConn.Write(p)
	return len(p), nil
}

// impatientConn forgets a deadline that is set anew.
type impatientConn struct {
	memConn
	deadline *time.Time
}

func (c impatientConn) SetReadDeadline(at time.Time) error {
	if !c.deadline.IsZero() {
		at = *c.deadline
	}
	*c.deadline = at
	return c.memConn.SetReadDeadline(at)
}

func TestBrokenNetsAreCaught(t *testing.T) {
	for name, c := range map[string]struct {
		wrap     func(memConn) net.Conn
		caughtBy string
	}{
		"no CloseWrite":         {func(c memConn) net.Conn { return struct{ net.Conn }{c} }, "net-half-close"},
		"bytes change":          {func(c memConn) net.Conn { return changingConn{c} }, "net-echo"},
		"reads fill up":         {func(c memConn) net.Conn { return fillingConn{c} }, "net-short-read"},
		"close never resets":    {func(c memConn) net.Conn { return cleanConn{c} }, "net-reset"},
		"no backpressure":       {func(c memConn) net.Conn { return takingConn{c} }, "net-backpressure"},
		"deadlines do not move": {func(c memConn) net.Conn { return impatientConn{c, new(time.Time)} }, "net-deadline-extended"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mustCatch(t, c.caughtBy, envtest.World{Env: env.Env{Net: brokenNet{memenv.NewNet(), c.wrap}, Disk: memenv.NewDisk()}})
			})
		})
	}
}

// A World without a hanging address leaves cases out, and says so.
func TestLeftOut(t *testing.T) {
	left := 0
	synctest.Test(t, func(t *testing.T) {
		envtest.RunAll(envtest.World{Env: memenv.New(), Dir: "suite", Host: "node"}, func(name string, err error) {
			switch {
			case errors.Is(err, envtest.ErrLeftOut):
				left++
			case err != nil:
				t.Errorf("%s: %v", name, err)
			}
		})
	})
	if left != 2 {
		t.Errorf("%d cases were left out", left)
	}
}
