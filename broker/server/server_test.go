package server

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"odradek/broker/wire"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestOrder answers pipelined calls in any order, and demands the responses in that of the requests.
func TestOrder(t *testing.T) {
	calls := make(chan *Call, 5)
	_, network := start(t, Config{Handler: handlerFunc(func(_ context.Context, call *Call) { calls <- call })})
	c := dial(t, network)
	var all []byte
	for i := range int32(5) {
		all = append(all, heartbeat(i)...)
	}
	c.send(all)
	got := make([]*Call, 5)
	for range got {
		call := <-calls
		got[call.Header.CorrelationID] = call
	}
	for _, i := range []int{3, 1, 4, 0, 2} {
		got[i].Reply(empty(got[i]))
	}
	c.expect(0, 1, 2, 3, 4)
}

func TestNoReplyAndDisconnect(t *testing.T) {
	_, network := start(t, Config{Handler: handlerFunc(func(_ context.Context, call *Call) {
		switch call.Header.CorrelationID {
		case 2:
			call.NoReply()
		case 4:
			call.Disconnect(errors.New("append failed"))
		default:
			call.Reply(empty(call))
		}
	})})
	c := dial(t, network)
	for i := range int32(5) {
		c.send(heartbeat(i + 1))
	}
	c.expect(1, 3)
	c.expectEnd()
}

// TestDisconnectWaitsItsTurn: what was asked before is answered, what was asked behind is not.
func TestDisconnectWaitsItsTurn(t *testing.T) {
	calls := make(chan *Call, 3)
	_, network := start(t, Config{Handler: handlerFunc(func(_ context.Context, call *Call) { calls <- call })})
	c := dial(t, network)
	for i := range int32(3) {
		c.send(heartbeat(i))
	}
	first, second, third := <-calls, <-calls, <-calls
	third.Reply(empty(third))
	second.Disconnect(errors.New("append failed"))
	first.Reply(empty(first))
	c.expect(0)
	c.expectEnd()
}

func TestAnsweringTwicePanics(t *testing.T) {
	result := make(chan any, 1)
	_, network := start(t, Config{Handler: handlerFunc(func(_ context.Context, call *Call) {
		call.Reply(empty(call))
		defer func() { result <- recover() }()
		call.NoReply()
	})})
	dial(t, network).send(heartbeat(1))
	if <-result == nil {
		t.Error("the second answer went unnoticed")
	}
}

// TestRequestBytesAreValidUntilTheAnswer holds calls with records while others come and go in the same blocks; released
// bytes are poisoned.
func TestRequestBytesAreValidUntilTheAnswer(t *testing.T) {
	calls := make(chan *Call, 100)
	_, network := start(t, Config{Handler: handlerFunc(func(_ context.Context, call *Call) { calls <- call })})
	c := dial(t, network)
	sizes := []int{1, 300, 5000, 100_000, 300_000, 2_000_000}
	var held []*Call
	for i := range 40 {
		c.send(produceOf(int32(i), bytes.Repeat([]byte{byte(i)}, sizes[i%len(sizes)])))
		call := <-calls
		held = append(held, call)
		if i%3 == 0 {
			released := recordsOf(call)
			call.Release()
			call.Release()
			if len(released) == 300_000 && released[0] == byte(i) { // of a buffer of its own
				t.Error("released bytes are not poisoned")
			}
		}
	}
	for i, call := range held {
		if want := bytes.Repeat([]byte{byte(i)}, sizes[i%len(sizes)]); i%3 != 0 && !bytes.Equal(recordsOf(call), want) {
			t.Errorf("request %d was damaged before it was answered", i)
		}
		call.Reply(empty(call))
		c.expect(int32(i))
	}
}

func TestPeer(t *testing.T) {
	peers := make(chan *Peer, 3)
	_, network := start(t, Config{Handler: handlerFunc(func(_ context.Context, call *Call) {
		peers <- call.Peer
		call.Reply(empty(call))
	})})
	c := dial(t, network)
	versions := kmsg.NewPtrApiVersionsRequest()
	versions.SetVersion(3)
	versions.ClientSoftwareName, versions.ClientSoftwareVersion = "kgo", "1.0"
	c.send(slices.Concat(heartbeat(1), ask(nil, versions, 2), heartbeat(3)))
	first, _, last := <-peers, <-peers, <-peers
	if first.Principal.String() != "User:ANONYMOUS" || first.ListenerName != "PLAINTEXT" || first.ClientAddr == nil || first.SoftwareName != "" {
		t.Errorf("before: %+v", first)
	}
	if last.SoftwareName != "kgo" || last.SoftwareVersion != "1.0" || last.ConnectionID != first.ConnectionID {
		t.Errorf("after: %+v", last)
	}
	c.expect(1, 2, 3)
}

// TestMute: a throttled connection's next request is looked at when its time is over.
func TestMute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, network := start(t, Config{Handler: handlerFunc(func(_ context.Context, call *Call) {
			response := empty(call)
			if call.Header.CorrelationID == 1 {
				response.Mute = 700 * time.Millisecond
			}
			call.Reply(response)
		})})
		c := dial(t, network)
		began := time.Now()
		c.send(append(heartbeat(1), heartbeat(2)...))
		c.expect(1)
		if waited := time.Since(began); waited != 0 {
			t.Errorf("the throttled response took %v", waited)
		}
		c.expect(2)
		if waited := time.Since(began); waited != 700*time.Millisecond {
			t.Errorf("the next took %v", waited)
		}
	})
}

// TestHalfClose: who has said all still gets the answers.
func TestHalfClose(t *testing.T) {
	calls := make(chan *Call, 2)
	_, network := start(t, Config{Handler: handlerFunc(func(_ context.Context, call *Call) { calls <- call })})
	c := dial(t, network)
	c.send(append(heartbeat(1), heartbeat(2)...))
	c.Conn.(interface{ CloseWrite() error }).CloseWrite()
	first, second := <-calls, <-calls
	second.Reply(empty(second))
	first.Reply(empty(first))
	c.expect(1, 2)
	c.expectEnd()
}

func TestReplyAfterTheEndIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := make(chan *Call, 1)
		ended := make(chan struct{})
		s, network := start(t, Config{DrainMax: time.Second, Handler: handlerFunc(func(ctx context.Context, call *Call) {
			calls <- call
			<-ctx.Done()
			close(ended)
		})})
		c := dial(t, network)
		c.send(ask(nil, &kmsg.FetchRequest{Version: 12}, 1))
		call := <-calls
		began := time.Now()
		s.Close()
		if took := time.Since(began); took != time.Second {
			t.Errorf("Close took %v with a call that is never answered", took)
		}
		<-ended
		records := &bytesSlice{content: []byte("abc")}
		call.Reply(fetchOf(call, records))
		if n := records.released.Load(); n != 1 {
			t.Errorf("the late reply was released %d times", n)
		}
	})
}

// TestClose: what is under way is answered, and nothing is taken any more.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network := start(t, Config{Handler: handlerFunc(func(ctx context.Context, call *Call) {
			go func() {
				<-ctx.Done() // a long poll that ends with the server
				time.Sleep(100 * time.Millisecond)
				call.Reply(empty(call))
			}()
		})})
		c, idle := dial(t, network), dial(t, network)
		c.send(heartbeat(1))
		synctest.Wait()
		began := time.Now()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 100*time.Millisecond {
			t.Errorf("Close took %v", took)
		}
		c.expect(1)
		c.expectEnd()
		idle.expectEnd()
		if _, err := network.Dial(t.Context(), testAddress); err == nil {
			t.Error("a closed server took a connection")
		}
		if err := s.Close(); err != nil {
			t.Error("the second Close:", err)
		}
	})
}

func TestPanicCostsTheConnection(t *testing.T) {
	log := new(logBuffer)
	_, network := start(t, Config{Logger: debugLogger(log), Handler: handlerFunc(func(_ context.Context, call *Call) {
		if call.Header.CorrelationID == 13 {
			panic("a fault of the program")
		}
		call.Reply(empty(call))
	})})
	bad, good := dial(t, network), dial(t, network)
	bad.send(heartbeat(13))
	bad.expectEnd()
	good.send(heartbeat(1))
	good.expect(1)
	if text := log.String(); !strings.Contains(text, "a fault of the program") || !strings.Contains(text, "server_test.go") {
		t.Errorf("the log lacks the panic or its stack:\n%s", text)
	}
}

// TestPanicIsFatal: in a test or the simulator a panic must not be swallowed.
func TestPanicIsFatal(t *testing.T) {
	s, _ := start(t, Config{PanicIsFatal: true, Handler: handlerFunc(func(context.Context, *Call) { panic("a fault of the program") })})
	defer func() {
		if fault := recover(); fault != "a fault of the program" {
			t.Errorf("recovered %v", fault)
		}
	}()
	(&conn{server: s}).handle(&Call{})
}

// TestMalformedIsOneLine: each connection that ends for what the peer sent leaves one line, at debug.
func TestMalformedIsOneLine(t *testing.T) {
	log := new(logBuffer)
	_, network := start(t, Config{Logger: debugLogger(log), Handler: echo})
	for _, bytes := range []string{"GET / HTTP/1.1\r\n\r\n", "\x00\x00\x00\x01\x00", "\xff\xff\xff\xff", "\x00\x00\x00\x0b\x03\xe7\x00\x00\x00\x00\x00\x07\x00\x01t"} {
		c := dial(t, network)
		c.send([]byte(bytes))
		c.expectEnd()
	}
	text := log.String()
	if lines := strings.Count(text, "\n"); lines != 4 || strings.Count(text, "level=DEBUG") != 4 {
		t.Errorf("%d lines:\n%s", lines, text)
	}
}

func TestApiVersionsOfAnotherVersion(t *testing.T) {
	_, network := start(t, Config{Handler: echo})
	c := dial(t, network)
	req := kmsg.NewPtrApiVersionsRequest()
	req.SetVersion(5)
	c.send(ask(nil, req, 9))
	c.expectBody(9, []byte{0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4})
}

func (c *client) expectBody(correlationID int32, want []byte) {
	c.t.Helper()
	if id, body := c.receive(); id != correlationID || !bytes.Equal(body, want) {
		c.t.Errorf("response %d: %x, want %d: %x", id, body, correlationID, want)
	}
}

func fetchOf(call *Call, records ...wire.Slice) wire.Response {
	var partitions []wire.FetchPartition
	for i, each := range records {
		partition := wire.NewFetchPartition(int32(i))
		partition.Records = each
		partitions = append(partitions, partition)
	}
	return wire.EncodeFetch(call.Header, &wire.FetchResponse{Topics: []wire.FetchTopic{{Partitions: partitions}}})
}
