package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrFrameSize says that a frame's size is negative or over the limit: the peer doesn't speak this protocol, or the
// stream is out of step. Nothing can be read behind it.
var ErrFrameSize = errors.New("frame size")

const sizeBytes = 4

// FrameReader takes a stream apart into frames. One read takes as many frames as have come and fit in a block, and they are
// handed out in place; a frame larger than a block is read straight into a buffer of its own. It is for one goroutine; the
// frames it returns may be released by any.
type FrameReader struct {
	src  io.Reader
	pool *Pool
	max  int

	// Frames that fit. block.data[start:end] is read and not yet handed out. nil before the first read.
	block      *buffer
	blockBytes int // of the next block
	start, end int
	// expect is the size of the last frame, its own size included, when it is worth a look where the next ones end (expectBytesMin).
	// Otherwise 0.
	expect int

	// A large frame under way: large.data[:have] of its size bytes are there. nil when there is none.
	large      *buffer
	have, size int
	trusted    int // the largest frame that has come whole, up to trustBytesMax
}

// NewFrameReader reads frames of up to max bytes from src into buffers of pool.
func NewFrameReader(src io.Reader, pool *Pool, max int) *FrameReader {
	return &FrameReader{src: src, pool: pool, max: max, blockBytes: blockBytesMin}
}

// Next returns the next frame. io.EOF means that the stream ended between frames, io.ErrUnexpectedEOF within one.
// After any other error of the stream (a deadline) it can be called again and loses nothing.
func (r *FrameReader) Next() (Frame, error) {
	for {
		if r.large == nil {
			frame, ok, err := r.take()
			if ok || err != nil {
				return frame, err
			}
		}
		if r.large != nil {
			return r.finishLarge()
		}
		if err := r.fill(); err != nil {
			return Frame{}, err
		}
	}
}

// Peek returns the next frame's content if it has been read, whole, so that Next will return it without waiting; nil if not.
func (r *FrameReader) Peek() []byte {
	if r.large != nil || r.end-r.start < sizeBytes {
		return nil
	}
	size := int(int32(binary.BigEndian.Uint32(r.block.data[r.start:])))
	if size < 0 || size > r.end-r.start-sizeBytes {
		return nil
	}
	return r.block.data[r.start+sizeBytes:][:size:size]
}

// Close gives the buffers back. Frames that were handed out stay valid.
func (r *FrameReader) Close() {
	if r.block != nil {
		r.block.release()
		r.block = nil
	}
	if r.large != nil {
		r.large.release()
		r.large = nil
	}
	r.start, r.end = 0, 0
}

// take hands out a frame that is whole in the block, or begins a large one.
func (r *FrameReader) take() (frame Frame, ok bool, err error) {
	unread := r.end - r.start
	if unread < sizeBytes {
		return Frame{}, false, nil
	}
	content := r.start + sizeBytes
	size := int(int32(binary.BigEndian.Uint32(r.block.data[r.start:])))
	switch {
	case size < 0 || size > r.max:
		return Frame{}, false, fmt.Errorf("%w: %d bytes, of at most %d", ErrFrameSize, size, r.max)
	case content+size <= r.end:
		r.start = content + size
		r.expected(size)
		r.block.retain()
		return Frame{Bytes: r.block.data[content:r.start:r.start], buffer: r.block}, true, nil
	case sizeBytes+size > max(trustlessBytesMax, min(r.blockBytes, blockBytesMax)) && content+size > len(r.block.data):
		r.size, r.have = size, unread-sizeBytes
		r.large = r.pool.get(min(size, max(r.trusted, trustlessBytesMax, unread)))
		copy(r.large.data, r.block.data[content:r.end])
		r.start = r.end
	}
	return Frame{}, false, nil
}

// expected notes the size of a frame that has come whole.
func (r *FrameReader) expected(size int) {
	r.expect = 0
	if whole := sizeBytes + size; whole >= expectBytesMin {
		r.expect = whole
	}
}

// fill reads once into the block, after making room for the frame that is under way.
func (r *FrameReader) fill() error {
	want := sizeBytes
	unread := r.end - r.start
	if unread >= sizeBytes {
		want += int(binary.BigEndian.Uint32(r.block.data[r.start:]))
	} else if unread == 0 && r.expect <= expectBytesMax {
		want = max(want, r.expect)
	}
	r.makeRoom(want)
	room := r.block.data[r.end:r.readTo(want)]
	n, err := r.src.Read(room)
	r.end += n
	if n == len(room) && r.expect <= expectBytesMax {
		r.blockBytes = min(2*max(r.blockBytes, len(r.block.data)), blockBytesMax)
	}
	if n > 0 {
		return nil // an error that came with bytes comes again
	}
	if err == io.EOF && r.end > r.start {
		return io.ErrUnexpectedEOF
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// readTo is where in the block a read has to end: behind the frame under way, which ends want bytes from start, and as many more as fit,
// if they are as long as the last.
func (r *FrameReader) readTo(want int) int {
	limit := len(r.block.data)
	switch {
	case r.expect == 0:
		return limit
	case r.expect > expectBytesMax:
		return min(limit, max(r.end+readAheadBytes, r.start+want))
	}
	more := (limit - r.start - want) / r.expect * r.expect
	return min(limit, r.start+want+max(more, 0))
}

// makeRoom sees to it that a frame of want bytes, size included, fits behind start, and that a read is worth its call.
func (r *FrameReader) makeRoom(want int) {
	unread := r.end - r.start
	if r.block != nil && unread == 0 && !r.block.shared() && len(r.block.data) >= r.blockBytes {
		r.start, r.end = 0, 0
	}
	if r.block != nil && r.start+want <= len(r.block.data) {
		if underWay := unread >= sizeBytes; underWay || len(r.block.data)-r.end >= readBytesMin {
			return
		}
	}
	next := r.pool.get(max(r.blockBytes, want))
	if r.block != nil {
		copy(next.data, r.block.data[r.start:r.end])
		r.block.release()
	}
	r.block, r.start, r.end = next, 0, unread
}

// finishLarge reads the rest of a large frame. Its buffer begins with what the connection is trusted with and doubles as
// bytes really come.
func (r *FrameReader) finishLarge() (Frame, error) {
	for r.have < r.size {
		if r.have == len(r.large.data) {
			larger := r.pool.get(min(r.size, 2*r.have))
			copy(larger.data, r.large.data)
			r.large.release()
			r.large = larger
		}
		n, err := r.src.Read(r.large.data[r.have:min(r.size, len(r.large.data))])
		r.have += n
		switch {
		case n > 0:
		case err == io.EOF:
			return Frame{}, io.ErrUnexpectedEOF
		case err != nil:
			return Frame{}, err
		default:
			return Frame{}, io.ErrNoProgress
		}
	}
	frame := Frame{Bytes: r.large.data[:r.size:r.size], buffer: r.large}
	r.large = nil
	r.trusted = min(max(r.trusted, r.size), trustBytesMax)
	r.expected(r.size)
	return frame, nil
}
