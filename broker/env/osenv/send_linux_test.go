package osenv

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"odradek/broker/env"
)

// tcpPair returns both ends of a connection through the loopback device.
func tcpPair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	l, err := New().Net.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = New().Net.Dial(t.Context(), l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func testFile(t testing.TB, size int) (*file, []byte) {
	t.Helper()
	f, err := New().Disk.Open(filepath.Join(t.TempDir(), "data"), os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	content := make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(content)
	if _, err := f.WriteAt(content, 0); err != nil {
		t.Fatal(err)
	}
	return f.(*file), content
}

// Whatever range is asked for, sendfile sends what a plain copy sends, with the same count and the same kind of error.
func TestSendfileIsCopy(t *testing.T) {
	const size = 3 << 20
	f, _ := testFile(t, size)
	r := rand.New(rand.NewPCG(1, 0))
	for range 40 {
		offset := r.Int64N(size + 1000)
		length := 1 + r.Int64N(size)
		var want bytes.Buffer
		wantN, wantErr := env.Copy(&want, f, offset, length)
		a, b := tcpPair(t)
		received := make(chan []byte)
		go func() {
			got, _ := io.ReadAll(b)
			received <- got
		}()
		gotN, gotErr := f.sendfile(a.(*net.TCPConn), offset, length)
		a.Close()
		if got := <-received; gotN != wantN || gotErr != wantErr || !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("[%d,+%d]: sendfile %d, %v; copy %d, %v", offset, length, gotN, gotErr, wantN, wantErr)
		}
	}
}

// otherConn hides that a connection is TCP, as TLS does.
type otherConn struct{ net.Conn }

func TestSendToOtherConnections(t *testing.T) {
	f, content := testFile(t, 1<<20)
	a, b := tcpPair(t)
	go func() {
		defer a.Close()
		if n, err := f.SendTo(otherConn{a}, 10, 1<<19); n != 1<<19 || err != nil {
			t.Errorf("sent %d, %v", n, err)
		}
	}()
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, content[10:10+1<<19]) {
		t.Errorf("received %d bytes, %v, or they differ", len(got), err)
	}
}

func TestSendToClosed(t *testing.T) {
	f, _ := testFile(t, 1<<20)
	a, b := tcpPair(t)
	b.Close()
	var n int64
	var err error
	for range 100 {
		if n, err = f.SendTo(a, 0, 1<<20); err != nil {
			break
		}
	}
	var netErr *net.OpError
	if !errors.As(err, &netErr) || !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("sent %d to a closed connection: %v", n, err)
	}
	a.Close()
	if _, err := f.SendTo(a, 0, 1); !errors.Is(err, net.ErrClosed) {
		t.Errorf("send to our own closed connection: %v", err)
	}
	f.Close()
	if _, err := f.SendTo(a, 0, 1); !errors.Is(err, os.ErrClosed) {
		t.Errorf("send of a closed file: %v", err)
	}
}

// A listener must speak TCP proper, or a connection's sendfile and buffers are not what they are taken for.
func TestNoMultipath(t *testing.T) {
	_, b := tcpPair(t)
	if multipath, err := b.(*net.TCPConn).MultipathTCP(); multipath || err != nil {
		t.Errorf("multipath %v, %v", multipath, err)
	}
}

func BenchmarkSend(b *testing.B) {
	const size = 1 << 20
	f, _ := testFile(b, size)
	for name, send := range map[string]func(c net.Conn) (int64, error){
		"sendfile": func(c net.Conn) (int64, error) { return f.SendTo(c, 0, size) },
		"copy":     func(c net.Conn) (int64, error) { return env.Copy(c, f, 0, size) },
	} {
		b.Run(name, func(b *testing.B) {
			from, to := tcpPair(b)
			go io.Copy(io.Discard, to)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := send(from); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
