package envtest

import (
	"net"
	"os"
	"time"
)

// deadlineCases are about time limits of reads; those of writes are met in fill.
var deadlineCases = []Case{
	{"net-read-deadline", withPair(netReadDeadline)},
	{"net-deadline-past", withPair(netDeadlinePast)},
	{"net-deadline-while-blocked", withPair(netDeadlineWhileBlocked)},
	{"net-deadline-extended", withPair(netDeadlineExtended)},
	{"net-write-deadline", withPair(netWriteDeadline)},
	{"net-deadlines-apart", withPair(netDeadlinesApart)},
}

// expires checks that a read ends by its deadline.
func (t *T) expires(c net.Conn) {
	n, err := c.Read(make([]byte, 1))
	if n != 0 || !timedOut(err) {
		t.Fatalf("read %d bytes, %v; want a timeout", n, err)
	}
	t.fails(err, os.ErrDeadlineExceeded)
}

func netReadDeadline(t *T, a, b net.Conn) {
	start := time.Now()
	t.must(a.SetReadDeadline(start.Add(soon)))
	t.expires(a)
	if waited := time.Since(start); waited < soon || waited > late {
		t.Errorf("a deadline of %v took %v", soon, waited)
	}
	t.expires(a) // it stays expired
	t.must(a.SetReadDeadline(time.Now().Add(late)))
	t.send(b, "later")
	t.receive(a, "later")
}

// A deadline that has passed fails also what need not wait; lifted, the bytes are still there.
func netDeadlinePast(t *T, a, b net.Conn) {
	t.send(b, "early")
	t.receive(a, "e")
	t.must(a.SetDeadline(time.Now().Add(-time.Second)))
	t.expires(a)
	if _, err := a.Write([]byte("x")); !timedOut(err) {
		t.Errorf("write: got %v, want a timeout", err)
	}
	t.must(a.SetDeadline(time.Time{}))
	t.receive(a, "arly")
	t.send(a, "y")
	t.receive(b, "y")
}

// A deadline set from elsewhere wakes a read that is blocked already.
func netDeadlineWhileBlocked(t *T, a, b net.Conn) {
	for _, limit := range []time.Duration{-time.Second, soon} {
		t.must(a.SetReadDeadline(time.Time{}))
		blocked := make(chan error, 1)
		go func() { _, err := a.Read(make([]byte, 1)); blocked <- err }()
		time.Sleep(soon)
		t.must(a.SetReadDeadline(time.Now().Add(limit)))
		t.within("a read", func() { t.fails(<-blocked, os.ErrDeadlineExceeded) })
	}
}

// A later deadline takes the place of the one before, also for a read that waits already.
func netDeadlineExtended(t *T, a, b net.Conn) {
	const first = 10 * soon // far enough that a busy machine doesn't get there before it is extended
	t.must(a.SetReadDeadline(time.Now().Add(first)))
	read := make(chan error, 1)
	go func() { _, err := a.Read(make([]byte, 1)); read <- err }()
	time.Sleep(soon)
	t.must(a.SetReadDeadline(time.Now().Add(late)))
	time.Sleep(first)
	t.send(b, "x")
	t.must(<-read)
}

// After a write that timed out the connection goes on where its count says.
func netWriteDeadline(t *T, a, b net.Conn) {
	total := t.fill(a)
	drained := make(chan error, 1)
	go func() {
		for left := total; left > 0; {
			n, err := b.Read(make([]byte, min(left, 1<<20)))
			if left -= n; err != nil {
				drained <- err
				return
			}
		}
		drained <- nil
	}()
	t.must(<-drained)
	t.send(a, "next")
	t.receive(b, "next")
}

// Reading and writing have deadlines of their own.
func netDeadlinesApart(t *T, a, b net.Conn) {
	t.must(a.SetReadDeadline(time.Now().Add(-time.Second)))
	t.send(a, "x")
	t.receive(b, "x")
	t.must(a.SetReadDeadline(time.Time{}))
	t.must(a.SetWriteDeadline(time.Now().Add(-time.Second)))
	t.send(b, "y")
	t.receive(a, "y")
}
