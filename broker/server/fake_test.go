package server

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"odradek/broker/env/memenv"
	"odradek/broker/wire"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const testAddress = "broker:9092"

var testVersions = wire.NewRegistry(
	wire.Range{Key: 0, Min: 3, Max: 13}, wire.Range{Key: 1, Min: 4, Max: 18}, wire.Range{Key: 3, Min: 0, Max: 13},
	wire.Range{Key: 12, Min: 0, Max: 4}, wire.Range{Key: 18, Min: 0, Max: 4},
)

// handlerFunc is a Handler.
type handlerFunc func(ctx context.Context, call *Call)

func (f handlerFunc) Handle(ctx context.Context, call *Call) { f(ctx, call) }

// echo answers every request with an empty response of its kind.
var echo = handlerFunc(func(_ context.Context, call *Call) { call.Reply(empty(call)) })

func empty(call *Call) wire.Response {
	return wire.EncodeResponse(call.Header, call.Request.ResponseKind())
}

// logBuffer takes what is logged.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// start runs a server on a network in memory, with what config sets, until the test ends.
func start(t testing.TB, config Config) (*Server, *memenv.Net) {
	t.Helper()
	network := memenv.NewNet()
	config.Net, config.Address, config.ListenerName = network, testAddress, "PLAINTEXT"
	if config.Versions == nil {
		config.Versions = testVersions
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	config.PoisonFrames = true
	s, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Close() })
	return s, network
}

// client is a raw connection that writes and reads frames.
type client struct {
	net.Conn
	t      testing.TB
	reader *wire.FrameReader
}

func dial(t testing.TB, network *memenv.Net) *client {
	t.Helper()
	conn, err := network.Dial(context.Background(), testAddress)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{conn, t, wire.NewFrameReader(conn, new(wire.Pool), wire.FrameBytesMax)}
}

// ask appends a whole frame with req in it.
func ask(b []byte, req kmsg.Request, correlationID int32) []byte {
	return append(b, kmsg.NewRequestFormatter(kmsg.FormatterClientID("t")).AppendRequest(nil, req, correlationID)...)
}

func heartbeat(correlationID int32) []byte {
	return ask(nil, &kmsg.HeartbeatRequest{Version: 3}, correlationID)
}

// produceOf is a produce with these records.
func produceOf(correlationID int32, records []byte) []byte {
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(9)
	topic, partition := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	partition.Records = records
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	return ask(nil, req, correlationID)
}

func recordsOf(call *Call) []byte {
	return call.Request.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records
}

func (c *client) send(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// receive returns the correlation id of the next response, and what is behind it.
func (c *client) receive() (int32, []byte) {
	c.t.Helper()
	frame, err := c.reader.Next()
	if err != nil {
		c.t.Fatal("no response: ", err)
	}
	b := frame.Bytes
	return int32(b[0])<<24 | int32(b[1])<<16 | int32(b[2])<<8 | int32(b[3]), b[4:]
}

func (c *client) expect(correlationIDs ...int32) {
	c.t.Helper()
	for _, want := range correlationIDs {
		if got, _ := c.receive(); got != want {
			c.t.Fatalf("response %d, want %d", got, want)
		}
	}
}

// expectEnd demands that the server hangs up without another byte.
func (c *client) expectEnd() {
	c.t.Helper()
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if frame, err := c.reader.Next(); err == nil {
		c.t.Fatalf("a response of %d bytes", len(frame.Bytes))
	} else if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		c.t.Fatal("the connection is still open")
	} else if err == io.ErrUnexpectedEOF {
		c.t.Fatal("half a response")
	}
}
