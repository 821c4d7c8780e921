package wire

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// Pool keeps buffers for frames. Its zero value is ready. It is safe for concurrent use.
type Pool struct {
	// Poison overwrites what is released, so that whoever still reads it meets a wrong checksum at once instead of, some
	// day, another request's bytes. For tests and the simulator. Set before first use.
	Poison bool

	classes [bufferClasses]sync.Pool // of *buffer, by power of two
}

const (
	smallestClassBits = 12 // 4 KiB, blockBytesMin
	largestClassBits  = 22 // 4 MiB, pooledBytesMax
	bufferClasses     = largestClassBits - smallestClassBits + 1

	poison = 0xDB
)

// buffer is bytes that one or more frames point into.
//
// Invariant: refs counts the frames that are not released, and one for the reader that still fills it.
type buffer struct {
	data []byte
	refs atomic.Int32
	pool *Pool
}

// get returns a buffer of at least size bytes with one reference.
func (p *Pool) get(size int) *buffer {
	var b *buffer
	if class := classOf(size); class < bufferClasses {
		b, _ = p.classes[class].Get().(*buffer)
		size = 1 << (class + smallestClassBits)
	}
	if b == nil {
		b = &buffer{data: make([]byte, size), pool: p}
	}
	b.refs.Store(1)
	return b
}

// classOf is the class whose buffers hold size bytes; bufferClasses or more when none does.
func classOf(size int) int {
	return max(0, bits.Len(uint(max(size, 1)-1))-smallestClassBits)
}

func (b *buffer) retain() { b.refs.Add(1) }

// shared says whether somebody besides the caller holds it.
func (b *buffer) shared() bool { return b.refs.Load() > 1 }

func (b *buffer) release() {
	switch refs := b.refs.Add(-1); {
	case refs > 0:
		return
	case refs < 0:
		panic("wire: a frame is released twice")
	}
	if b.pool.Poison {
		for i := range b.data {
			b.data[i] = poison
		}
	}
	if class := classOf(len(b.data)); class < bufferClasses {
		b.pool.classes[class].Put(b)
	}
}

// Frame is the content of one frame, without its size.
type Frame struct {
	// Bytes is valid until Release.
	Bytes  []byte
	buffer *buffer
}

// Release gives the bytes back. It must be called exactly once, by whoever the frame was handed to; more panics.
func (f Frame) Release() { f.buffer.release() }
