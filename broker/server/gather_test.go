package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"

	"odradek/broker/env"
	"odradek/broker/wire"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// bytesSlice is a wire.Slice in memory.
type bytesSlice struct {
	content  []byte
	fault    error
	released atomic.Int32
}

func (s *bytesSlice) Len() int { return len(s.content) }
func (s *bytesSlice) ReadInto(buf []byte) error {
	if len(buf) != len(s.content) {
		panic("ReadInto wants a buffer of the slice's length")
	}
	copy(buf, s.content)
	return s.fault
}
func (s *bytesSlice) Release() { s.released.Add(1) }

// fileSlice lies in a file of its own, after a byte that isn't its.
type fileSlice struct {
	*bytesSlice
	file     env.File
	verified int
}

func (s *fileSlice) File() env.File  { return s.file }
func (s *fileSlice) Position() int64 { return 1 }
func (s *fileSlice) Verify()         { s.verified++ }

// memoryFile is a file of a byte and content. The methods that reading doesn't need are not there.
type memoryFile struct {
	env.File
	content []byte
}

func (f *memoryFile) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(append([]byte{0xEE}, f.content...)).ReadAt(p, off)
}

// sendingFile sends itself.
type sendingFile struct{ memoryFile }

func (f *sendingFile) SendTo(conn net.Conn, offset, length int64) (int64, error) {
	return env.Copy(conn, &f.memoryFile, offset, length)
}

func fetch(correlationID int32) []byte {
	req := kmsg.NewPtrFetchRequest()
	req.SetVersion(12)
	return ask(nil, req, correlationID)
}

// recorder takes what is written.
type recorder struct {
	net.Conn
	written bytes.Buffer
	writes  int
}

func (r *recorder) Write(p []byte) (int, error) { r.writes++; return r.written.Write(p) }

// brokenFile sends a part of itself, and no more.
type brokenFile struct{ memoryFile }

var errBroken = errors.New("broken")

func (f *brokenFile) SendTo(net.Conn, int64, int64) (int64, error) { return 10, errBroken }

// TestSlicesThatCantBeSentAreVerified, once, and only they.
func TestSlicesThatCantBeSentAreVerified(t *testing.T) {
	content := make([]byte, scratchBytes)
	for _, test := range []struct {
		file     env.File
		verified int
	}{{&sendingFile{memoryFile{content: content}}, 0}, {&brokenFile{}, 1}} {
		slice := &fileSlice{bytesSlice: &bytesSlice{content: content}, file: test.file}
		g := gather{conn: new(recorder), progressed: func() {}}
		if err := g.add(nil, slice); slice.verified != test.verified || (err != nil) != (test.verified > 0) {
			t.Errorf("%T: verified %d times, %v", test.file, slice.verified, err)
		}
	}
}

// TestGatherSendsWhatWasAnswered sends batches of responses with slices of every kind and size through a gather, with
// writev and without, and demands exactly their bytes.
func TestGatherSendsWhatWasAnswered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		var batch []*Call
		var want []byte
		for range rapid.IntRange(1, 6).Draw(t, "responses") {
			call := &Call{Header: wire.Header{Key: 1, Version: 12}}
			var partitions []wire.FetchPartition
			for range rapid.IntRange(0, 3).Draw(t, "partitions") {
				size := rapid.SampledFrom([]int{0, 1, 3000, 5000, sendfileBytesMin - 1, sendfileBytesMin, scratchBytes, 600_000}).Draw(t, "size")
				content := make([]byte, size)
				for i := range content {
					content[i] = byte(random.Uint32())
				}
				p := wire.NewFetchPartition(0)
				p.Records = drawSlice(t, content)
				partitions = append(partitions, p)
			}
			if rapid.IntRange(0, 4).Draw(t, "no reply") > 0 {
				call.response = wire.EncodeFetch(call.Header, &wire.FetchResponse{Topics: []wire.FetchTopic{{Partitions: partitions}}})
				want, _ = call.response.AppendTo(want)
			}
			batch = append(batch, call)
		}
		r := new(recorder)
		g := gather{conn: r, vectored: rapid.Bool().Draw(t, "vectored"), progressed: func() {}}
		for range 2 { // nothing of the first round may be left for the second
			r.written.Reset()
			if err := g.send(batch); err != nil || !bytes.Equal(r.written.Bytes(), want) {
				t.Fatalf("%v: %d bytes, want %d", err, r.written.Len(), len(want))
			}
		}
	})
}

func drawSlice(t *rapid.T, content []byte) wire.Slice {
	inMemory := &bytesSlice{content: content}
	file := memoryFile{content: content}
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		return inMemory
	case 1:
		return &fileSlice{bytesSlice: inMemory, file: &file}
	default:
		return &fileSlice{bytesSlice: inMemory, file: &sendingFile{file}}
	}
}

// TestManyAnswersAreOneWrite: the small responses that wait are put together.
func TestManyAnswersAreOneWrite(t *testing.T) {
	var batch []*Call
	for range 100 {
		call := &Call{Header: wire.Header{Key: 12, Version: 3}}
		call.response = wire.EncodeResponse(call.Header, kmsg.NewPtrHeartbeatResponse())
		batch = append(batch, call)
	}
	r := new(recorder)
	g := gather{conn: r, progressed: func() {}}
	if err := g.send(batch); err != nil || r.writes != 1 {
		t.Errorf("%v, %d writes", err, r.writes)
	}
}

// TestTruncatedFileEndsTheConnection: the length is already announced, so that nothing else can follow.
func TestTruncatedFileEndsTheConnection(t *testing.T) {
	short := make([]byte, sendfileBytesMin)
	announced := &bytesSlice{content: make([]byte, sendfileBytesMin+1)}
	for name, file := range map[string]env.File{
		"read": &memoryFile{content: short},
		"sent": &sendingFile{memoryFile{content: short}},
	} {
		t.Run(name, func(t *testing.T) {
			slice := &fileSlice{bytesSlice: announced, file: file}
			_, network := start(t, Config{Handler: handlerFunc(func(_ context.Context, call *Call) { call.Reply(fetchOf(call, slice)) })})
			c := dial(t, network)
			c.send(fetch(1))
			if _, err := c.reader.Next(); err != io.ErrUnexpectedEOF && err != io.EOF {
				t.Errorf("%v, want half a response or none", err)
			}
		})
	}
}

// TestReadFault: a slice that can't be read ends the connection, and is released.
func TestReadFault(t *testing.T) {
	slice := &bytesSlice{content: make([]byte, 10), fault: errors.New("bad sector")}
	s, network := start(t, Config{Handler: handlerFunc(func(_ context.Context, call *Call) { call.Reply(fetchOf(call, slice)) })})
	c := dial(t, network)
	c.send(fetch(1))
	c.expectEnd()
	s.Close()
	if n := slice.released.Load(); n != 1 {
		t.Errorf("released %d times", n)
	}
}
