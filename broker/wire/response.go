package wire

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"odradek/broker/env"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Slice is a piece of a response that lies elsewhere, in a log's segment. A commitlog's slice is one.
type Slice interface {
	// Len is how many bytes it has.
	Len() int
	// ReadInto fills buf, which is of Len bytes, with them.
	ReadInto(buf []byte) error
	// Release lets go of what it lies in. It is called exactly once.
	Release()
}

// FileSlice is a Slice that can say where in a file it lies: it can then be sent by the kernel (env.Sender), or be read a
// piece at a time.
type FileSlice interface {
	Slice
	File() env.File
	// Position is where it begins in the file, in bytes.
	Position() int64
	// Verify is called when it could not be sent, which may be the file's fault or the connection's.
	Verify()
}

// Response is a whole response frame, its size included: bytes with slices between them. It is a small handle; what it
// holds comes from a pool and returns there by Release. The zero Response is none.
type Response struct {
	// Mute is how long the connection's further requests are to be left unread once this response is given (a quota's
	// throttle time).
	Mute time.Duration

	*arena
}

// arena holds a response. Invariant: slices are in order of at, and at <= len(bytes).
type arena struct {
	bytes  []byte
	slices []placedSlice
}

// placedSlice is sent after bytes[:at].
type placedSlice struct {
	at    int
	slice Slice
}

var arenas = sync.Pool{New: func() any { return new(arena) }}

// arenaBytesMax is the largest buffer, in bytes, that an arena keeps when it returns to the pool.
const arenaBytesMax = 1 << 20

// newArena returns an arena that begins with room for the frame's size.
func newArena() *arena {
	a := arenas.Get().(*arena)
	a.bytes = append(a.bytes[:0], 0, 0, 0, 0)
	return a
}

// finish makes the arena a response, by writing the frame's size.
func (a *arena) finish() Response {
	r := Response{arena: a}
	binary.BigEndian.PutUint32(a.bytes, uint32(r.Len()-sizeBytes))
	return r
}

// EncodeResponse encodes resp as the answer to the request of header h, in that request's version.
func EncodeResponse(h Header, resp kmsg.Response) Response {
	if resp.Key() != h.Key {
		panic(fmt.Sprintf("wire: a response of key %d to a request of key %d", resp.Key(), h.Key))
	}
	resp.SetVersion(h.Version)
	a := newArena()
	a.bytes = appendResponseHeader(a.bytes, h.CorrelationID, h.Key, resp.IsFlexible())
	a.bytes = resp.AppendTo(a.bytes)
	return a.finish()
}

// IsZero says whether there is no response.
func (r Response) IsZero() bool { return r.arena == nil }

// Len is the size of the whole frame, in bytes.
func (r Response) Len() int {
	n := len(r.bytes)
	for _, s := range r.slices {
		n += s.slice.Len()
	}
	return n
}

// SliceLenMax is the size of the largest slice, in bytes.
func (r Response) SliceLenMax() int {
	n := 0
	for _, s := range r.slices {
		n = max(n, s.slice.Len())
	}
	return n
}

// MemoryLen is how many of the bytes are held in memory, in bytes.
func (r Response) MemoryLen() int { return len(r.bytes) }

// Each calls fn for the response's pieces in order, each either bytes or a slice, until fn fails.
func (r Response) Each(fn func(bytes []byte, slice Slice) error) error {
	at := 0
	for _, s := range r.slices {
		if s.at > at {
			if err := fn(r.bytes[at:s.at], nil); err != nil {
				return err
			}
		}
		at = s.at
		if err := fn(nil, s.slice); err != nil {
			return err
		}
	}
	if at < len(r.bytes) {
		return fn(r.bytes[at:], nil)
	}
	return nil
}

// Release lets go of the slices and gives the memory back. It must be called exactly once; the server does for every
// response it is given, sent or not.
func (r Response) Release() {
	for i := range r.slices {
		r.slices[i].slice.Release()
		r.slices[i] = placedSlice{}
	}
	a := r.arena
	a.slices = a.slices[:0]
	if cap(a.bytes) > arenaBytesMax {
		a.bytes = nil
	}
	arenas.Put(a)
}

// AppendTo appends the whole frame to b, reading the slices. For tests and small responses.
func (r Response) AppendTo(b []byte) ([]byte, error) {
	err := r.Each(func(bytes []byte, slice Slice) error {
		if slice == nil {
			b = append(b, bytes...)
			return nil
		}
		at := len(b)
		b = append(b, make([]byte, slice.Len())...)
		return slice.ReadInto(b[at:])
	})
	return b, err
}
