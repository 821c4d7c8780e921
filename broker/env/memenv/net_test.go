package memenv_test

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"odradek/broker/env/memenv"
)

func listen(t *testing.T, n *memenv.Net, address string) net.Listener {
	t.Helper()
	l, err := n.Listen(address)
	must(t, err)
	return l
}

func TestHangIsLifted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memenv.NewNet()
		defer listen(t, n, "a:1").Close()
		n.Hang("a:1", true)
		dialed := make(chan error)
		go func() {
			_, err := n.Dial(t.Context(), "a:1")
			dialed <- err
		}()
		synctest.Wait()
		select {
		case err := <-dialed:
			t.Fatalf("the dial did not hang: %v", err)
		default:
		}
		n.Hang("a:1", false)
		must(t, <-dialed)
	})
}

// A listener that accepts nothing leaves dials without an answer once its backlog is full.
func TestFullBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memenv.NewNet()
		l := listen(t, n, "a:1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		count := 0
		for ; ; count++ {
			if _, err := n.Dial(ctx, "a:1"); err != nil {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("dial %d: %v", count, err)
				}
				break
			}
		}
		if count != 128 {
			t.Errorf("the backlog took %d", count)
		}
		dialed := make(chan error)
		go func() {
			_, err := n.Dial(t.Context(), "a:1")
			dialed <- err
		}()
		synctest.Wait()
		if _, err := l.Accept(); err != nil {
			t.Error(err)
		}
		must(t, <-dialed)
	})
}

func TestCloseResetsWhatWasNotAccepted(t *testing.T) {
	n := memenv.NewNet()
	l := listen(t, n, "a:1")
	c, err := n.Dial(t.Context(), "a:1")
	must(t, err)
	must(t, l.Close())
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read: %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("write: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	n := memenv.NewNet()
	listen(t, n, "a:1")
	listen(t, n, "b:1")
	everywhere := listen(t, n, ":2")
	for address, want := range map[string]error{
		"a:1": nil, "b:1": nil, "c:1": syscall.ECONNREFUSED, "a:2": nil, "c:2": nil, everywhere.Addr().String(): nil, "a:3": syscall.ECONNREFUSED,
	} {
		if _, err := n.Dial(t.Context(), address); !errors.Is(err, want) {
			t.Errorf("dial of %s: %v", address, err)
		}
	}
	for _, address := range []string{"a", "a:b", "a:-1", "a:65536", ""} {
		if _, err := n.Listen(address); err == nil {
			t.Errorf("listened on %q", address)
		}
		if _, err := n.Dial(t.Context(), address); err == nil {
			t.Errorf("dialed %q", address)
		}
	}
	if _, err := n.Listen("a:1"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("listened twice: %v", err)
	}
}

// On this network a reset takes along what had arrived, as systems may.
func TestResetDropsWhatArrived(t *testing.T) {
	n := memenv.NewNet()
	l := listen(t, n, "a:1")
	a, err := n.Dial(t.Context(), "a:1")
	must(t, err)
	b, err := l.Accept()
	must(t, err)
	for _, c := range []net.Conn{a, b} {
		_, err := io.WriteString(c, "unread")
		must(t, err)
	}
	must(t, b.Close())
	if n, err := a.Read(make([]byte, 10)); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read %d bytes, %v", n, err)
	}
}
