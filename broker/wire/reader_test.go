package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// script is a stream that comes in chunks, each by one read, with an error between chunks where one is set.
type script struct {
	chunks [][]byte
	errAt  map[int]error
	reads  int
	end    error
}

func (s *script) Read(p []byte) (int, error) {
	if err := s.errAt[s.reads]; err != nil {
		delete(s.errAt, s.reads)
		return 0, err
	}
	s.reads++
	if len(s.chunks) == 0 {
		return 0, s.end
	}
	n := copy(p, s.chunks[0])
	if s.chunks[0] = s.chunks[0][n:]; len(s.chunks[0]) == 0 {
		s.chunks = s.chunks[1:]
	}
	return n, nil
}

func appendFrame(b, content []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(content))), content...)
}

// TestFrameReader cuts streams of frames of any size into chunks of any size, releases the frames in any order, and
// demands each as it was sent, for as long as it is held.
func TestFrameReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		sizes := rapid.SliceOfN(rapid.OneOf(
			rapid.IntRange(0, 200), rapid.IntRange(4000, 5000), rapid.IntRange(65000, 66000), rapid.IntRange(0, 300000),
		), 1, 10).Draw(t, "sizes")
		var stream []byte
		var want [][]byte
		for _, size := range sizes {
			content := make([]byte, size)
			for i := range content {
				content[i] = byte(random.Uint32())
			}
			want = append(want, content)
			stream = appendFrame(stream, content)
		}
		source := &script{end: io.EOF, errAt: map[int]error{random.IntN(20): os.ErrDeadlineExceeded}}
		longest := rapid.SampledFrom([]int{1000, 70000, 1 << 20}).Draw(t, "longest chunk")
		for rest := stream; len(rest) > 0; {
			n := min(len(rest), 1+random.IntN(longest))
			source.chunks, rest = append(source.chunks, rest[:n]), rest[n:]
		}
		pool := &Pool{Poison: true}
		reader := NewFrameReader(source, pool, 300000)
		held := map[int]Frame{}
		for i := range want {
			frame, err := reader.Next()
			for errors.Is(err, os.ErrDeadlineExceeded) {
				frame, err = reader.Next()
			}
			if err != nil {
				t.Fatalf("frame %d: %v", i, err)
			}
			held[i] = frame
			for j, frame := range held {
				if !bytes.Equal(frame.Bytes, want[j]) {
					t.Fatalf("frame %d of %d bytes is damaged after frame %d", j, len(want[j]), i)
				}
				if random.IntN(3) == 0 {
					frame.Release()
					delete(held, j)
				}
			}
		}
		_, err := reader.Next()
		for errors.Is(err, os.ErrDeadlineExceeded) {
			_, err = reader.Next()
		}
		if err != io.EOF {
			t.Fatalf("at the end: %v", err)
		}
		reader.Close()
		for j, frame := range held {
			if !bytes.Equal(frame.Bytes, want[j]) {
				t.Fatalf("frame %d is damaged by Close", j)
			}
			frame.Release()
		}
	})
}

func TestFrameReaderTakesManyFramesByOneRead(t *testing.T) {
	var stream []byte
	for range 50 {
		stream = appendFrame(stream, make([]byte, 20))
	}
	source := &script{chunks: [][]byte{stream}}
	reader := NewFrameReader(source, new(Pool), 1000)
	for range 50 {
		frame, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		frame.Release()
	}
	if source.reads != 1 {
		t.Errorf("%d reads", source.reads)
	}
}

func TestFrameReaderErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		stream []byte
		want   error
	}{
		{"nothing", nil, io.EOF},
		{"cut in the size", []byte{0, 0}, io.ErrUnexpectedEOF},
		{"cut in the content", []byte{0, 0, 0, 5, 1}, io.ErrUnexpectedEOF},
		{"cut in large content", append([]byte{0, 1, 0x11, 0}, make([]byte, 68000)...), io.ErrUnexpectedEOF},
		{"cut behind a large size", []byte{0, 1, 0x11, 0}, io.ErrUnexpectedEOF},
		{"negative size", []byte{0xff, 0xff, 0xff, 0xff}, ErrFrameSize},
		{"least size", []byte{0x80, 0, 0, 0}, ErrFrameSize},
		{"one over the limit", []byte{0, 1, 0x11, 0x71}, ErrFrameSize},
		{"text", []byte("GET / HTTP/1.1\r\n\r\n"), ErrFrameSize},
	} {
		source := &script{end: io.EOF}
		if test.stream != nil {
			source.chunks = [][]byte{test.stream}
		}
		reader := NewFrameReader(source, new(Pool), 70000)
		if _, err := reader.Next(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		reader.Close()
	}
}

// TestAnnouncedFrameCostsWhatHasCome: a hundred connections that announce 100 MB each and send little.
func TestAnnouncedFrameCostsWhatHasCome(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	pool := new(Pool)
	announced := binary.BigEndian.AppendUint32(nil, FrameBytesMax)
	for range 100 {
		reader := NewFrameReader(&script{chunks: [][]byte{announced, make([]byte, 1000)}, end: os.ErrDeadlineExceeded}, pool, FrameBytesMax)
		if _, err := reader.Next(); err != os.ErrDeadlineExceeded {
			t.Fatal(err)
		}
		defer reader.Close()
	}
	runtime.ReadMemStats(&after)
	if spent := (after.TotalAlloc - before.TotalAlloc) / 100; spent > 100<<10 {
		t.Errorf("%d KB for each", spent>>10)
	}
}

// TestLargeFramesAreReadInPlace: once a connection has shown that it sends large frames, they need no second buffer.
func TestLargeFramesAreReadInPlace(t *testing.T) {
	stream := appendFrame(nil, make([]byte, 1<<20))
	reader := NewFrameReader(&script{chunks: [][]byte{bytes.Clone(stream), bytes.Clone(stream)}, end: io.EOF}, new(Pool), FrameBytesMax)
	first, err := reader.Next()
	if err != nil {
		t.Fatal(err)
	}
	first.Release()
	reads := reader.src.(*script).reads
	if second, err := reader.Next(); err != nil || len(second.buffer.data) != 1<<20 {
		t.Fatal(err)
	}
	if more := reader.src.(*script).reads - reads; more > 2 {
		t.Errorf("%d reads for the second", more)
	}
}

func TestReleaseTwicePanics(t *testing.T) {
	reader := NewFrameReader(&script{chunks: [][]byte{appendFrame(nil, make([]byte, 100000))}}, new(Pool), FrameBytesMax)
	frame, err := reader.Next()
	if err != nil {
		t.Fatal(err)
	}
	frame.Release()
	defer func() {
		if recover() == nil {
			t.Error("the second release went unnoticed")
		}
	}()
	frame.Release()
}

func TestPoolClasses(t *testing.T) {
	p := new(Pool)
	for size, want := range map[int]int{
		0: 4096, 1: 4096, 4096: 4096, 4097: 8192, 65536: 65536, 65537: 131072,
		pooledBytesMax: pooledBytesMax, pooledBytesMax + 1: pooledBytesMax + 1,
	} {
		if got := len(p.get(size).data); got != want {
			t.Errorf("%d bytes: a buffer of %d, want %d", size, got, want)
		}
	}
}

// TestMiddlingFramesAreReadInPlace: frames as long as the one before take a read each when they come one by one, fewer when they come all
// at once, and are not copied; others among them are read as ever.
func TestMiddlingFramesAreReadInPlace(t *testing.T) {
	const size = 100_000
	frame := appendFrame(nil, bytes.Repeat([]byte{1}, size))
	small := appendFrame(nil, []byte{2})
	tiny := bytes.Repeat(small, 3)
	huge := appendFrame(nil, bytes.Repeat([]byte{3}, 1<<20))
	source := &script{chunks: [][]byte{bytes.Repeat(frame, 10), bytes.Clone(frame), tiny, bytes.Clone(frame), huge, bytes.Clone(frame)}, end: io.EOF}
	reader := NewFrameReader(source, new(Pool), FrameBytesMax)
	next := func(size int, content byte) Frame {
		t.Helper()
		frame, err := reader.Next()
		if err != nil || len(frame.Bytes) != size || frame.Bytes[0] != content || frame.Bytes[size-1] != content {
			t.Fatalf("%d bytes, %v", len(frame.Bytes), err)
		}
		return frame
	}
	next(size, 1).Release()
	begun := source.reads
	for i := range 10 {
		before := source.reads
		frame := next(size, 1)
		if frame.buffer != reader.block || source.reads-before > 1 || i == 9 && source.reads-before != 1 {
			t.Errorf("%d reads, in the block: %v", source.reads-before, frame.buffer == reader.block)
		}
		frame.Release()
	}
	if reads := source.reads - begun; reads > 6 {
		t.Errorf("%d reads of ten frames", reads)
	}
	for range 3 {
		next(1, 2).Release()
	}
	next(size, 1).Release()
	next(1<<20, 3).Release()
	next(size, 1).Release()
	if _, err := reader.Next(); err != io.EOF {
		t.Error(err)
	}
}

// TestPeek: what can be seen of the next frame is what Next then returns without a read.
func TestPeek(t *testing.T) {
	frames := [][]byte{[]byte("a"), {}, bytes.Repeat([]byte("b"), 3000), bytes.Repeat([]byte("c"), 300_000), []byte("d")}
	var stream []byte
	for _, each := range frames {
		stream = appendFrame(stream, each)
	}
	for _, cut := range []int{1, 5, 6, 7, 9, 14, 3000, 3018, len(stream) - 6, len(stream) - 5, len(stream) - 1} {
		source := &script{chunks: [][]byte{bytes.Clone(stream[:cut]), bytes.Clone(stream[cut:])}, end: io.EOF}
		reader := NewFrameReader(source, new(Pool), FrameBytesMax)
		for _, want := range frames {
			seen, before := reader.Peek(), source.reads
			frame, err := reader.Next()
			if err != nil || !bytes.Equal(frame.Bytes, want) {
				t.Fatalf("cut at %d: %d bytes, %v", cut, len(frame.Bytes), err)
			}
			if seen != nil && (!bytes.Equal(seen, want) || source.reads != before) {
				t.Errorf("cut at %d: %d bytes were seen of a frame of %d, and %d reads came after", cut, len(seen), len(want), source.reads-before)
			}
			if seen == nil && source.reads == before {
				t.Errorf("cut at %d: a frame of %d bytes was there, unseen", cut, len(want))
			}
			frame.Release()
		}
	}
	reader := NewFrameReader(&script{chunks: [][]byte{{0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}}, end: io.EOF}, new(Pool), FrameBytesMax)
	if frame, err := reader.Next(); err != nil || reader.Peek() != nil {
		t.Errorf("a negative size was seen: %v", err)
	} else {
		frame.Release()
	}
}

func TestIsPlainProduce(t *testing.T) {
	formatters := []*kmsg.RequestFormatter{kmsg.NewRequestFormatter(), kmsg.NewRequestFormatter(kmsg.FormatterClientID("")), kmsg.NewRequestFormatter(kmsg.FormatterClientID("someone"))}
	id := "t"
	for version := range int16(14) {
		for _, formatter := range formatters {
			for _, each := range []struct {
				request kmsg.Request
				want    bool
			}{
				{&kmsg.ProduceRequest{Version: version, Acks: -1}, true},
				{&kmsg.ProduceRequest{Version: version, TransactionID: &id}, version < 3},
				{&kmsg.FetchRequest{Version: version}, false},
				{&kmsg.HeartbeatRequest{Version: min(version, 4)}, false},
			} {
				frame := formatter.AppendRequest(nil, each.request, 7)[4:]
				if got := IsPlainProduce(frame); got != each.want {
					t.Errorf("version %d of %T: %v", version, each.request, got)
				}
				for cut := range frame {
					IsPlainProduce(frame[:cut])
				}
			}
		}
	}
}

func BenchmarkFrameReader(b *testing.B) {
	for _, bench := range []struct {
		name string
		size int
	}{{"100B", 100}, {"16KB", 16 << 10}, {"65KB", 65 << 10}, {"1MB", 1 << 20}} {
		b.Run(bench.name, func(b *testing.B) {
			stream := bytes.Repeat(appendFrame(nil, make([]byte, bench.size)), max(1, 65536/bench.size))
			reader := NewFrameReader(endless{stream, new(int)}, new(Pool), FrameBytesMax)
			b.SetBytes(int64(bench.size))
			b.ReportAllocs()
			for b.Loop() {
				frame, err := reader.Next()
				if err != nil {
					b.Fatal(err)
				}
				frame.Release()
			}
		})
	}
}

// endless repeats a stream.
type endless struct {
	stream []byte
	at     *int
}

func (e endless) Read(p []byte) (int, error) {
	n := copy(p, e.stream[*e.at:])
	*e.at = (*e.at + n) % len(e.stream)
	return n, nil
}
