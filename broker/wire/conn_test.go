package wire_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"odradek/broker/env/memenv"
	"odradek/broker/wire"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var registry = wire.NewRegistry(wire.Range{Key: 1, Min: 4, Max: 18}, wire.Range{Key: 3, Min: 0, Max: 13}, wire.Range{Key: 18, Min: 0, Max: 4})

// peer answers each request on the connections to it by what reply makes of it; nil hangs up.
func peer(t *testing.T, reply func(h wire.Header, req kmsg.Request) []byte) *wire.Conn {
	t.Helper()
	network := memenv.NewNet()
	listener, err := network.Listen("peer:9092")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn, reply)
		}
	}()
	conn, err := wire.Dial(t.Context(), network, "peer:9092", "node-1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); listener.Close() })
	return conn
}

func serve(conn net.Conn, reply func(h wire.Header, req kmsg.Request) []byte) {
	defer conn.Close()
	reader := wire.NewFrameReader(conn, new(wire.Pool), wire.FrameBytesMax)
	for {
		frame, err := reader.Next()
		if err != nil {
			return
		}
		h, req, err := wire.Parse(frame.Bytes, registry.Supports)
		if err != nil {
			return
		}
		out := reply(h, req)
		if out == nil {
			return
		}
		conn.Write(out)
		frame.Release()
	}
}

func encode(h wire.Header, resp kmsg.Response) []byte {
	b, _ := wire.EncodeResponse(h, resp).AppendTo(nil)
	return b
}

func TestConnDo(t *testing.T) {
	conn := peer(t, func(h wire.Header, req kmsg.Request) []byte {
		if h.ClientID != "node-1" {
			t.Errorf("client id %q", h.ClientID)
		}
		resp := kmsg.NewPtrMetadataResponse()
		resp.ControllerID = h.CorrelationID
		return encode(h, resp)
	})
	for version := int16(1); version <= 13; version++ {
		req := kmsg.NewPtrMetadataRequest()
		req.SetVersion(version)
		resp, err := conn.Do(t.Context(), req)
		if err != nil {
			t.Fatalf("v%d: %v", version, err)
		}
		if got := resp.(*kmsg.MetadataResponse); got.ControllerID != int32(version) || got.Version != version {
			t.Errorf("v%d: %+v", version, got)
		}
	}
}

// TestConnUsesTheResponseAgain: a fetcher's steady state copies no records and allocates little.
func TestConnUsesTheResponseAgain(t *testing.T) {
	answer := kmsg.NewPtrFetchResponse()
	topic, partition := kmsg.NewFetchResponseTopic(), kmsg.NewFetchResponseTopicPartition()
	partition.RecordBatches = make([]byte, 1<<20)
	topic.Partitions = append(topic.Partitions, partition)
	answer.Topics = append(answer.Topics, topic)
	var encoded []byte
	conn := peer(t, func(h wire.Header, req kmsg.Request) []byte {
		if encoded == nil {
			encoded = encode(h, answer)
		}
		binary.BigEndian.PutUint32(encoded[4:], uint32(h.CorrelationID))
		return encoded
	})
	req, resp := kmsg.NewPtrFetchRequest(), kmsg.NewPtrFetchResponse()
	req.SetVersion(17)
	for range 20 {
		if err := conn.DoInto(t.Context(), req, resp); err != nil {
			t.Fatal(err)
		}
		if n := len(resp.Topics[0].Partitions[0].RecordBatches); n != 1<<20 {
			t.Fatalf("%d bytes of records", n)
		}
	}
}

func TestConnFaults(t *testing.T) {
	frame := func(content ...byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(content))), content...)
	}
	for _, test := range []struct {
		name string
		out  []byte
		want error
	}{
		{"hangs up", nil, io.EOF},
		{"another correlation id", frame(0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0), wire.ErrCorrelation},
		{"no header", frame(0, 0), wire.ErrMalformed},
		{"body cut", frame(0, 0, 0, 1, 0, 0, 0), wire.ErrMalformed},
		{"count that no frame can back", frame(0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff), wire.ErrMalformed},
		{"bytes left over", frame(0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 9), wire.ErrMalformed},
		{"absurd size", []byte{0xff, 0xff, 0xff, 0xff}, wire.ErrFrameSize},
	} {
		t.Run(test.name, func(t *testing.T) {
			conn := peer(t, func(wire.Header, kmsg.Request) []byte { return test.out })
			req := kmsg.NewPtrMetadataRequest()
			req.SetVersion(0)
			if _, err := conn.Do(t.Context(), req); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if _, err := conn.Do(t.Context(), req); !errors.Is(err, wire.ErrBroken) {
				t.Errorf("afterwards: %v, want %v", err, wire.ErrBroken)
			}
		})
	}
}

func TestConnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		conn := peer(t, func(wire.Header, kmsg.Request) []byte { <-hang; return nil })
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		_, err := conn.Do(ctx, kmsg.NewPtrMetadataRequest())
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if _, err := conn.Do(t.Context(), kmsg.NewPtrMetadataRequest()); !errors.Is(err, wire.ErrBroken) {
			t.Errorf("afterwards: %v", err)
		}
		close(hang)
		conn.Close()
	})
}

func TestDialRefused(t *testing.T) {
	if _, err := wire.Dial(t.Context(), memenv.NewNet(), "nobody:1", "node-1"); err == nil {
		t.Error("connected to nobody")
	}
}
