package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"odradek/broker/server/hostile"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const hostileStreams = 20_000

// TestHostileStreams sends twenty thousand streams that are malformed, truncated, oversized or out of order, and holds
// two hundred more connections that announce 100 MB each. The server must go on to serve, within bounded memory.
func TestHostileStreams(t *testing.T) {
	s, network := start(t, Config{Handler: handlerFunc(func(_ context.Context, call *Call) {
		if produce, ok := call.Request.(*kmsg.ProduceRequest); ok && produce.Acks == 0 {
			call.NoReply()
			return
		}
		call.Reply(empty(call))
	})})
	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := heap()
	for range 200 {
		dial(t, network).send(binary.BigEndian.AppendUint32(nil, 100<<20))
	}
	var most uint64
	for sent, generator := 0, hostile.New(1); sent < hostileStreams; sent += 20 {
		var batch sync.WaitGroup
		for range 20 {
			stream := generator.Next()
			batch.Go(func() { attack(t, network.Dial, stream) })
		}
		batch.Wait()
		if sent%2000 == 0 {
			most = max(most, heap())
		}
	}
	if grown := int64(most) - int64(before); grown > 64<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
	c := dial(t, network)
	c.send(ask(nil, &kmsg.ApiVersionsRequest{}, 7))
	c.expect(7)

	s.mu.Lock()
	open := len(s.conns)
	s.mu.Unlock()
	if open > 250 {
		t.Errorf("%d connections are still open", open)
	}
}

// attack sends a stream, closes that side, and waits until the server has hung up.
func attack(t *testing.T, dial func(context.Context, string) (net.Conn, error), stream hostile.Stream) {
	conn, err := dial(context.Background(), testAddress)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.Copy(conn, bytes.NewReader(stream.Bytes)); err != nil {
		return // it hung up already
	}
	conn.(interface{ CloseWrite() error }).CloseWrite()
	if _, err := io.Copy(io.Discard, conn); err != nil {
		if timeout, ok := err.(interface{ Timeout() bool }); ok && timeout.Timeout() {
			t.Errorf("%s: the server neither answers nor hangs up\n%x", stream.Kind, stream.Bytes)
		}
	}
}
