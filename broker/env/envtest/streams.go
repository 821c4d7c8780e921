package envtest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"

	"odradek/broker/env"
)

// streamCases are about bytes on a connection.
var streamCases = []Case{
	{"net-echo", netEcho},
	{"net-order", withPair(netOrder)},
	{"net-both-ways", withPair(netBothWays)},
	{"net-short-read", withPair(netShortRead)},
	{"net-backpressure", withPair(netBackpressure)},
	{"net-try-write", withPair(netTryWrite)},
	{"net-many-connections", netManyConnections},
	{"net-send-file", withPair(netSendFile)},
	{"net-send-file-concurrently", netSendFileConcurrently},
	{"net-send-file-deadline", withPair(netSendFileDeadline)},
}

func netEcho(t *T) {
	l := t.listen()
	defer l.Close()
	a := t.dial(l.Addr().String())
	defer a.Close()
	t.send(a, "hello") // before it was accepted
	b, err := l.Accept()
	t.must(err)
	defer b.Close()
	t.receive(b, "hello")
	t.send(b, "hello to you")
	t.receive(a, "hello to you")
	for _, c := range []net.Conn{a, b} {
		if c.LocalAddr() == nil || c.RemoteAddr() == nil {
			t.Errorf("a connection from %v to %v", c.LocalAddr(), c.RemoteAddr())
		}
	}
}

// A megabyte, written and read in pieces of any size.
func netOrder(t *T, a, b net.Conn) {
	const size = 1 << 20
	want := noise(1, size)
	go func() {
		defer a.Close()
		r := rand.New(rand.NewPCG(2, 0))
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 1+r.IntN(20_000))
			if _, err := a.Write(rest[:n]); err != nil {
				t.Errorf("write: %v", err)
				return
			}
			rest = rest[n:]
		}
	}()
	r := rand.New(rand.NewPCG(3, 0))
	got := make([]byte, 0, size+1)
	for {
		n, err := b.Read(got[len(got):min(cap(got), len(got)+1+r.IntN(1_500))])
		got = got[:len(got)+n]
		if err == io.EOF || len(got) > size {
			break
		}
		t.must(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%d bytes arrived, and differ from byte %d", len(got), mismatch(got[:min(len(got), size)], want))
	}
}

func netBothWays(t *T, a, b net.Conn) {
	const size = 300_000
	var all sync.WaitGroup
	for i, c := range []net.Conn{a, b} {
		all.Go(func() {
			if _, err := c.Write(noise(uint64(i), size)); err != nil {
				t.Errorf("write: %v", err)
			}
		})
		all.Go(func() {
			got := make([]byte, size)
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, noise(uint64(1-i), size)) {
				t.Errorf("read: %v, or the bytes differ", err)
			}
		})
	}
	all.Wait()
}

// A read gives what is there, and does not wait until its buffer is full.
func netShortRead(t *T, a, b net.Conn) {
	t.send(a, "abc")
	t.must(b.SetReadDeadline(time.Now().Add(late)))
	p := make([]byte, 100)
	n, err := b.Read(p)
	if n < 1 || n > 3 || err != nil || string(p[:n]) != "abc"[:n] {
		t.Errorf("read %q, %v", p[:n], err)
	}
}

// A writer waits for a reader, and what a write said that it wrote arrives.
func netBackpressure(t *T, a, b net.Conn) {
	before := t.fill(a)
	const size = 300_000
	written := make(chan error, 1)
	go func() {
		_, err := a.Write(noise(8, size))
		written <- errors.Join(err, a.Close())
	}()
	got, err := io.ReadAll(b)
	t.must(err)
	t.must(<-written)
	if len(got) != before+size {
		t.Fatalf("%d bytes arrived of %d", len(got), before+size)
	}
	chunk := noise(7, 256<<10)
	if !bytes.Equal(got[:min(before, len(chunk))], chunk[:min(before, len(chunk))]) || !bytes.Equal(got[before:], noise(8, size)) {
		t.Errorf("the bytes differ")
	}
}

func netManyConnections(t *T) {
	const count, size = 64, 10_000
	l := t.listen()
	defer l.Close()
	var all sync.WaitGroup
	all.Go(func() {
		for range count {
			c, err := l.Accept()
			if err != nil {
				t.Errorf("accept: %v", err)
				return
			}
			all.Go(func() {
				defer c.Close()
				if _, err := io.Copy(c, c); err != nil {
					t.Errorf("echo: %v", err)
				}
			})
		}
	})
	for i := range count {
		all.Go(func() {
			c, err := t.Net.Dial(t.ctx, l.Addr().String())
			if err != nil {
				t.Errorf("dial: %v", err)
				return
			}
			defer c.Close()
			want, got := noise(uint64(i), size), make([]byte, size)
			if _, err := c.Write(want); err != nil {
				t.Errorf("write: %v", err)
			}
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
				t.Errorf("echo of connection %d: %v, or the bytes differ", i, err)
			}
		})
	}
	all.Wait()
}

// env.SendFile moves any range of a file, by sendfile where the implementation has it, and says when the file is shorter.
func netSendFile(t *T, a, b net.Conn) {
	content := string(noise(1, 200_000))
	f := t.create("a", content)
	defer f.Close()
	for _, c := range []struct {
		offset, length, want int64
	}{{0, 200_000, 200_000}, {1, 10, 10}, {199_999, 1, 1}, {5_000, 0, 0}, {100_000, 100_001, 100_000}, {300_000, 1, 0}} {
		sent := make(chan error, 1)
		go func() {
			n, err := env.SendFile(a, f, c.offset, c.length)
			if n != c.want {
				t.Errorf("sent %d of [%d,+%d], want %d", n, c.offset, c.length, c.want)
			}
			sent <- err
		}()
		if c.want > 0 {
			t.receive(b, content[c.offset:c.offset+c.want])
		}
		if err := <-sent; c.want < c.length {
			t.fails(err, io.ErrUnexpectedEOF)
		} else if err != nil {
			t.Errorf("send [%d,+%d]: %v", c.offset, c.length, err)
		}
	}
	t.send(a, "end")
	t.receive(b, "end")
}

// One open file serves many connections at once: its ranges share no position.
func netSendFileConcurrently(t *T) {
	const part, parts = 150_000, 6
	content := noise(1, part*parts)
	f := t.create("a", string(content))
	defer f.Close()
	var all sync.WaitGroup
	for i := range parts {
		a, b := t.pair()
		all.Go(func() {
			defer a.Close()
			if _, err := env.SendFile(a, f, int64(i*part), part); err != nil {
				t.Errorf("send: %v", err)
			}
		})
		all.Go(func() {
			defer b.Close()
			if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, content[i*part:(i+1)*part]) {
				t.Errorf("connection %d received %d bytes, %v, or they differ", i, len(got), err)
			}
		})
	}
	all.Wait()
}

// A write deadline ends a transfer to a reader who doesn't read, and the count says how much the reader will get.
func netSendFileDeadline(t *T, a, b net.Conn) {
	const size = 64 << 20
	f := t.open("a", os.O_CREATE)
	defer f.Close()
	t.write(f, "start", 0)
	t.must(f.Truncate(size))
	t.must(a.SetWriteDeadline(time.Now().Add(soon)))
	n, err := env.SendFile(a, f, 0, size)
	if !timedOut(err) || n == size {
		t.Fatalf("sent %d bytes to nobody: %v", n, err)
	}
	t.must(a.Close())
	got, err := io.Copy(io.Discard, b)
	if got != n || err != nil {
		t.Errorf("%d bytes arrived, %v; %d were sent", got, err, n)
	}
}

// Who tries to write is never held up by a reader who is behind, and what it was told was written arrives.
func netTryWrite(t *T, a, b net.Conn) {
	try := env.TryWriterOf(t.Net, a)
	if try == nil {
		return
	}
	const most = 64 << 20 // no connection takes as much
	block := noise(9, 100_000)
	written := 0
	for {
		n, err := try(block[written%len(block):])
		t.must(err)
		if written += n; n == 0 {
			break
		}
		if written > most {
			t.Fatalf("a connection that nobody reads from takes %d bytes", written)
		}
	}
	got := make([]byte, len(block))
	for read := 0; read < written; read += len(got) {
		got = got[:min(len(got), written-read)]
		_, err := io.ReadFull(b, got)
		t.must(err)
		if !bytes.Equal(got, block[:len(got)]) {
			t.Fatalf("what arrived differs from byte %d", read+mismatch(got, block))
		}
	}
	t.send(a, "end") // the connection works on in the ordinary way
	t.receive(b, "end")
	t.must(a.Close())
	if n, err := try([]byte("x")); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed connection takes %d bytes, %v", n, err)
	}
}
