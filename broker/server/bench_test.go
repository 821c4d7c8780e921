//go:build unix

package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"

	"odradek/broker/env"
	"odradek/broker/env/osenv"
	"odradek/broker/wire"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// startReal runs a server on loopback and dials it.
func startReal(t testing.TB, handler Handler) *client {
	t.Helper()
	network := osenv.New().Net
	s, err := Open(Config{Net: network, Address: "127.0.0.1:0", Handler: handler, Versions: testVersions, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	conn, err := network.Dial(context.Background(), s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); s.Close() })
	return &client{conn, t, wire.NewFrameReader(conn, new(wire.Pool), wire.FrameBytesMax)}
}

// logFile is a file on the real disk with content behind its first byte.
func logFile(t testing.TB, content []byte) env.File {
	t.Helper()
	f, err := osenv.New().Disk.Open(filepath.ToSlash(filepath.Join(t.TempDir(), "segment")), os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.WriteAt(append([]byte{0xEE}, content...), 0); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestRealNetwork fetches from a file of every size by writev and sendfile, pipelined.
func TestRealNetwork(t *testing.T) {
	content := make([]byte, 3<<20)
	for i := range content {
		content[i] = byte(i * i >> 7)
	}
	file := logFile(t, content)
	sizes := []int{0, 1, 100, copyBytesMax, sendfileBytesMin - 1, sendfileBytesMin, scratchBytes, sendPieceBytes, 3 << 20}
	c := startReal(t, handlerFunc(func(_ context.Context, call *Call) {
		size := sizes[int(call.Header.CorrelationID)%len(sizes)]
		call.Reply(fetchOf(call, &fileSlice{bytesSlice: &bytesSlice{content: content[:size]}, file: file}))
	}))
	go func() {
		for i := range int32(100) {
			c.Write(fetch(i))
		}
	}()
	for i := range 100 {
		id, body := c.receive()
		resp := kmsg.NewPtrFetchResponse()
		resp.SetVersion(12)
		if err := resp.ReadFrom(body[1:]); err != nil || id != int32(i) {
			t.Fatal(id, err)
		}
		if got := resp.Topics[0].Partitions[0].RecordBatches; !bytes.Equal(got, content[:sizes[i%len(sizes)]]) {
			t.Fatalf("response %d: %d bytes of records differ from %d", i, len(got), sizes[i%len(sizes)])
		}
	}
}

// BenchmarkRoundTrip is a request and its response, one at a time.
func BenchmarkRoundTrip(b *testing.B) {
	c := startReal(b, echo)
	req := heartbeat(1)
	b.ReportAllocs()
	for b.Loop() {
		c.send(req)
		frame, err := c.reader.Next()
		if err != nil {
			b.Fatal(err)
		}
		frame.Release()
	}
}

// BenchmarkPipelinedProduce is produces sent without waiting, and answered at once.
func BenchmarkPipelinedProduce(b *testing.B) {
	for _, bench := range []struct {
		name string
		size int
	}{{"1KB", 1 << 10}, {"16KB", 16 << 10}, {"1MB", 1 << 20}} {
		b.Run(bench.name, func(b *testing.B) {
			c := startReal(b, echo)
			req := produceOf(1, make([]byte, bench.size))
			b.SetBytes(int64(bench.size))
			b.ReportAllocs()
			b.ResetTimer()
			go func() {
				var many net.Buffers
				for left := b.N; left > 0; {
					n := min(left, max(1, 65536/len(req)))
					many = many[:0]
					for range n {
						many = append(many, req)
					}
					out := many
					if _, err := out.WriteTo(c); err != nil {
						return
					}
					left -= n
				}
			}()
			for range b.N {
				frame, err := c.reader.Next()
				if err != nil {
					b.Fatal(err)
				}
				frame.Release()
			}
		})
	}
}

// BenchmarkFetch is responses of a megabyte out of a file, which the kernel sends.
func BenchmarkFetch(b *testing.B) {
	const size = 1 << 20
	content := &bytesSlice{content: make([]byte, size)}
	slice := &fileSlice{bytesSlice: content, file: logFile(b, content.content)}
	c := startReal(b, handlerFunc(func(_ context.Context, call *Call) { call.Reply(fetchOf(call, slice)) }))
	req := fetch(1)
	sink := make([]byte, 2*size)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		c.send(req)
		if _, err := io.ReadFull(c, sink[:4]); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, sink[:binary.BigEndian.Uint32(sink)]); err != nil {
			b.Fatal(err)
		}
	}
}
