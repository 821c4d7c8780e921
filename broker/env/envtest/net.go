package envtest

import (
	"errors"
	"io"
	"net"
	"time"
)

// Times of the net cases. Within a simulation and a synctest bubble they cost nothing.
const (
	soon = 50 * time.Millisecond // a deadline that is waited for
	late = 20 * time.Second      // one that must not be reached
)

// halfCloser is what every connection of an env.Net can do beside net.Conn.
type halfCloser interface{ CloseWrite() error }

func (t *T) listen() net.Listener {
	l, err := t.Net.Listen(net.JoinHostPort(t.Host, "0"))
	t.must(err)
	return l
}

func (t *T) dial(address string) net.Conn {
	c, err := t.Net.Dial(t.ctx, address)
	t.must(err)
	return c
}

// pair returns both ends of a new connection.
func (t *T) pair() (dialed, accepted net.Conn) {
	l := t.listen()
	defer l.Close()
	dialed = t.dial(l.Addr().String())
	accepted, err := l.Accept()
	t.must(err)
	return dialed, accepted
}

// withPair runs a case that is about one connection, and closes what it left open.
func withPair(run func(t *T, a, b net.Conn)) func(*T) {
	return func(t *T) {
		a, b := t.pair()
		defer a.Close()
		defer b.Close()
		run(t, a, b)
	}
}

func (t *T) send(c net.Conn, text string) {
	n, err := c.Write([]byte(text))
	t.must(err)
	if n != len(text) {
		t.Fatalf("wrote %d of %d bytes without an error", n, len(text))
	}
}

// receive reads exactly what is wanted.
func (t *T) receive(c net.Conn, want string) {
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("received %.40q, %v; want %.40q", got[:n], err, want)
	}
}

// ends checks that the stream is at its clean end.
func (t *T) ends(c net.Conn) {
	t.must(c.SetReadDeadline(time.Now().Add(late)))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatalf("read %d bytes, %v; want EOF", n, err)
	}
}

func (t *T) closeWrite(c net.Conn) {
	half, ok := c.(halfCloser)
	if !ok {
		t.Fatalf("a %T has no CloseWrite", c)
	}
	t.must(half.CloseWrite())
}

// fill writes until the other side's window is full, and returns how much went in. It proves on the way that a write to
// a reader who doesn't read blocks, and that it honours its deadline.
func (t *T) fill(c net.Conn) int {
	const enough = 64 << 20
	chunk := noise(7, 256<<10)
	for total := 0; ; {
		t.must(c.SetWriteDeadline(time.Now().Add(soon)))
		n, err := c.Write(chunk)
		total += n
		if timedOut(err) {
			t.must(c.SetWriteDeadline(time.Time{}))
			return total
		}
		t.must(err)
		if total > enough {
			t.Fatalf("%d bytes were taken that nobody reads", total)
		}
	}
}

func timedOut(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) && netErr.Timeout()
}

// within runs what must come back by itself, and soon.
func (t *T) within(what string, run func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		run()
	}()
	timer := time.NewTimer(late)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		t.Fatalf("%s still blocks after %v", what, late)
	}
}
