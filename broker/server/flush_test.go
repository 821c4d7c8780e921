package server

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"runtime"
	"sync/atomic"
	"testing"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/wire"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// countingNet counts how a server's connections are written to.
type countingNet struct {
	*memenv.Net
	writes, tries atomic.Int32
}

type countingListener struct {
	net.Listener
	net *countingNet
}

type countingConn struct {
	net.Conn
	net *countingNet
}

func (n *countingNet) Listen(address string) (net.Listener, error) {
	l, err := n.Net.Listen(address)
	return &countingListener{l, n}, err
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &countingConn{c, l.net}, err
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.net.writes.Add(1)
	return c.Conn.Write(p)
}

func (n *countingNet) TryWriter(conn net.Conn) func(p []byte) (int, error) {
	try := n.Net.TryWriter(conn.(*countingConn).Conn)
	return func(p []byte) (int, error) {
		n.tries.Add(1)
		return try(p)
	}
}

func startCounted(t *testing.T, handler Handler) (*countingNet, *client) {
	t.Helper()
	network := &countingNet{Net: memenv.NewNet()}
	s, err := Open(Config{Net: network, Address: testAddress, Handler: handler, Versions: testVersions, Logger: slog.New(slog.DiscardHandler), PoisonFrames: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Close() })
	return network, dial(t, network.Net)
}

// An answer that is there when the handler returns costs one call to the network, and no goroutine has to be woken for it.
func TestReaderAnswers(t *testing.T) {
	network, c := startCounted(t, echo)
	const requests = 50
	for i := range int32(requests) {
		c.send(heartbeat(i))
		c.expect(i)
	}
	if tries, writes := network.tries.Load(), network.writes.Load(); tries != requests || writes != 0 {
		t.Errorf("%d answers by %d calls of the reader and %d of the writer", requests, tries, writes)
	}
}

// Produces that come together are answered together, by the reader. What comes behind them and may wait does not hold their answers back.
func TestProducesAreAnsweredTogether(t *testing.T) {
	release := make(chan struct{})
	network, c := startCounted(t, handlerFunc(func(_ context.Context, call *Call) {
		if call.Header.Key == kmsg.Heartbeat.Int16() {
			<-release
		}
		call.Reply(empty(call))
	}))
	c.send(heartbeat(1)) // its handler waits while all the rest arrives
	var rest []byte
	const produces = 20
	for i := range int32(produces) {
		rest = append(rest, produceOf(2+i, make([]byte, 100))...)
	}
	c.send(rest)
	c.send(heartbeat(2 + produces))
	release <- struct{}{}
	for i := range int32(1 + produces) {
		c.expect(1 + i)
	}
	release <- struct{}{}
	c.expect(2 + produces)
	if tries, writes := network.tries.Load(), network.writes.Load(); tries+writes > 6 {
		t.Errorf("%d answers by %d calls of the reader and %d of the writer", 2+produces, tries, writes)
	}
}

// An answer that comes after the handler has returned is the writer's.
func TestWriterAnswersLater(t *testing.T) {
	calls := make(chan *Call, 1)
	network, c := startCounted(t, handlerFunc(func(_ context.Context, call *Call) { calls <- call }))
	for i := range int32(10) {
		c.send(heartbeat(i))
		call := <-calls
		c.send(heartbeat(-i)) // its reader is in the next handler, or about to be
		next := <-calls
		call.Reply(empty(call))
		c.expect(i)
		next.Reply(empty(next))
		c.expect(-i)
	}
	if network.tries.Load()+network.writes.Load() < 20 {
		t.Errorf("%d and %d calls for 20 answers that were awaited one by one", network.tries.Load(), network.writes.Load())
	}
}

// What the connection does not take at once arrives all the same, in its place.
func TestReaderLeavesTheRest(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcde"), 1000) // less than a slice that goes by sendfile
	network, c := startCounted(t, handlerFunc(func(_ context.Context, call *Call) {
		slices := make([]wire.Slice, 15) // 225 KB, more than a connection takes at once
		for i := range slices {
			slices[i] = &bytesSlice{content: content}
		}
		call.Reply(fetchOf(call, slices[:15-int(call.Header.CorrelationID)%15]...))
	}))
	const requests = 60
	for i := range int32(requests) {
		c.send(fetch(i)) // nobody reads the answers yet
		for i == 0 && network.tries.Load() == 0 {
			runtime.Gosched()
		}
	}
	for i := range requests {
		id, body := c.receive()
		resp := kmsg.NewPtrFetchResponse()
		resp.SetVersion(12)
		if err := resp.ReadFrom(body[1:]); err != nil || int(id) != i {
			t.Fatal(id, err)
		}
		partitions := resp.Topics[0].Partitions
		if len(partitions) != 15-i%15 {
			t.Fatalf("answer %d has %d partitions", i, len(partitions))
		}
		for _, each := range partitions {
			if !bytes.Equal(each.RecordBatches, content) {
				t.Fatalf("answer %d differs", i)
			}
		}
	}
	if network.tries.Load() == 0 || network.writes.Load() == 0 {
		t.Errorf("%d calls of the reader, %d of the writer: one of them was not tried", network.tries.Load(), network.writes.Load())
	}
}

var _ env.TryWriter = (*countingNet)(nil)
