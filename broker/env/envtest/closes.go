package envtest

import (
	"errors"
	"io"
	"net"
	"time"
)

// closeCases are about how connections and listeners end.
var closeCases = []Case{
	{"net-half-close", withPair(netHalfClose)},
	{"net-clean-close", withPair(netCleanClose)},
	{"net-reset", withPair(netReset)},
	{"net-write-to-closed", withPair(netWriteToClosed)},
	{"net-close-unblocks", netCloseUnblocks},
	{"net-closed", withPair(netClosed)},
	{"net-accept-closed", netAcceptClosed},
	{"net-listener-close-keeps-connections", withPair(netListenerCloseKeepsConnections)},
	{"net-listen-again", netListenAgain},
}

func netHalfClose(t *T, a, b net.Conn) {
	t.send(a, "question")
	t.closeWrite(a)
	t.receive(b, "question")
	t.ends(b)
	_, err := a.Write([]byte("more"))
	t.failsSomehow("write after CloseWrite", err)
	t.send(b, "answer")
	t.must(b.Close())
	t.receive(a, "answer")
	t.ends(a)
}

// Whoever closes having read everything ends the stream cleanly: all that was sent arrives before the EOF.
func netCleanClose(t *T, a, b net.Conn) {
	t.send(a, "last words")
	t.must(a.Close())
	t.receive(b, "last words")
	t.ends(b)
	t.ends(b)
}

// Whoever closes with bytes unread resets the connection. Promised to the other side is an error that is not io.EOF, after
// any part of what was sent to it; Linux gives that part and ECONNRESET.
func netReset(t *T, a, b net.Conn) {
	t.send(a, "never read")
	t.send(b, "perhaps read")
	if _, err := io.ReadFull(a, make([]byte, 1)); err != nil {
		t.Fatalf("read: %v", err)
	}
	t.must(a.SetReadDeadline(time.Now().Add(late)))
	t.receive(b, "never")
	t.must(b.Close())
	_, err := io.Copy(io.Discard, a) // nil stands for EOF
	if err == nil || timedOut(err) {
		t.Errorf("got %v, want a reset", err)
	}
}

// Writes to a peer that has closed fail, if not the first then one of the next.
func netWriteToClosed(t *T, a, b net.Conn) {
	t.must(b.Close())
	for end := time.Now().Add(late); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if _, err := a.Write([]byte("anyone?")); err != nil {
			return
		}
	}
	t.Errorf("no write failed for %v", late)
}

// Close ends what is blocked on the connection or listener, with net.ErrClosed.
func netCloseUnblocks(t *T) {
	l := t.listen()
	reader, other := t.pair()
	defer other.Close()
	writer, slow := t.pair()
	defer slow.Close()
	t.fill(writer)
	blocked := make(chan error, 3)
	go func() { _, err := l.Accept(); blocked <- err }()
	go func() { _, err := reader.Read(make([]byte, 1)); blocked <- err }()
	go func() {
		for {
			if _, err := writer.Write(make([]byte, 1<<20)); err != nil {
				blocked <- err
				return
			}
		}
	}()
	time.Sleep(soon)
	t.must(errors.Join(l.Close(), reader.Close(), writer.Close()))
	t.within("what was blocked on something closed", func() {
		for range cap(blocked) {
			t.fails(<-blocked, net.ErrClosed)
		}
	})
}

func netClosed(t *T, a, b net.Conn) {
	t.must(a.Close())
	_, err := a.Read(make([]byte, 1))
	t.fails(err, net.ErrClosed)
	_, err = a.Write([]byte("x"))
	t.fails(err, net.ErrClosed)
	t.failsSomehow("deadline of a closed connection", a.SetDeadline(time.Time{}))
	t.failsSomehow("second close", a.Close())
}

func netAcceptClosed(t *T) {
	l := t.listen()
	t.must(l.Close())
	_, err := l.Accept()
	t.fails(err, net.ErrClosed)
	t.failsSomehow("second close", l.Close())
}

// pair has closed its listener: the connections live on.
func netListenerCloseKeepsConnections(t *T, a, b net.Conn) {
	t.send(a, "still here")
	t.receive(b, "still here")
	t.send(b, "so am I")
	t.receive(a, "so am I")
}

// An address can be listened on again at once, also while connections of before live or have just ended: a broker that
// restarts does that.
func netListenAgain(t *T) {
	l := t.listen()
	address := l.Addr().String()
	_, err := t.Net.Listen(address)
	t.failsSomehow("listen on an address in use", err)
	a := t.dial(address)
	defer a.Close()
	b, err := l.Accept()
	t.must(err)
	t.must(b.Close())
	t.must(l.Close())
	l, err = t.Net.Listen(address)
	t.must(err)
	defer l.Close()
	c := t.dial(address)
	defer c.Close()
	d, err := l.Accept()
	t.must(err)
	defer d.Close()
	t.send(c, "again")
	t.receive(d, "again")
}
