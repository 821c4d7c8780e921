package record

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codec says how the records of a batch are compressed; its value is that of the attributes' bits.
type Codec int8

// Kafka's codecs.
const (
	None   Codec = 0
	Gzip   Codec = 1
	Snappy Codec = 2
	LZ4    Codec = 3
	Zstd   Codec = 4
)

// zstdWindowMax bounds what a frame's header may ask for, in bytes: what zstd's highest level uses.
const zstdWindowMax = 128 << 20

// Known says whether the codec exists.
func (c Codec) Known() bool { return c >= None && c <= Zstd }

// String is the codec's name in Kafka's compression.type.
func (c Codec) String() string {
	switch c {
	case None:
		return "none"
	case Gzip:
		return "gzip"
	case Snappy:
		return "snappy"
	case LZ4:
		return "lz4"
	case Zstd:
		return "zstd"
	}
	return fmt.Sprintf("codec %d", int8(c))
}

// Decompressors are costly to make and cheap to reset.
var (
	gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}
	lz4Readers  = sync.Pool{New: func() any { return lz4.NewReader(nil) }}
	zstdReaders = sync.Pool{New: func() any {
		r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindowMax))
		return must(r, err)
	}}
)

// must asserts that constant options are right.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Decompress returns src, decompressed, or ErrTooLarge when that is more than limit bytes, or ErrCorrupt. Without a codec
// it returns src itself. Memory stays within limit and the codec's window, whatever src claims.
func Decompress(codec Codec, src []byte, limit int) ([]byte, error) {
	switch codec {
	case None:
		if len(src) > limit {
			return nil, fmt.Errorf("%w: %d of %d bytes", ErrTooLarge, len(src), limit)
		}
		return src, nil
	case Gzip:
		r := gzipReaders.Get().(*gzip.Reader)
		defer gzipReaders.Put(r)
		if err := r.Reset(bytes.NewReader(src)); err != nil {
			return nil, corrupt(codec, err)
		}
		return readBounded(codec, r, len(src), limit)
	case Snappy:
		return decompressSnappy(src, limit)
	case LZ4:
		r := lz4Readers.Get().(*lz4.Reader)
		defer lz4Readers.Put(r)
		r.Reset(bytes.NewReader(src))
		return readBounded(codec, r, len(src), limit)
	case Zstd:
		r := zstdReaders.Get().(*zstd.Decoder)
		defer zstdReaders.Put(r)
		if err := r.Reset(bytes.NewReader(src)); err != nil {
			return nil, corrupt(codec, err)
		}
		return readBounded(codec, r, len(src), limit)
	}
	return nil, fmt.Errorf("%w: %d", ErrUnsupportedCodec, codec)
}

func corrupt(codec Codec, err error) error { return fmt.Errorf("%w: %s: %w", ErrCorrupt, codec, err) }

// readBounded reads r to its end, growing from what sourceSize suggests, and stops at the first byte past limit.
func readBounded(codec Codec, r io.Reader, sourceSize, limit int) ([]byte, error) {
	buf := bytes.NewBuffer(make([]byte, 0, min(sourceSize*4+bytes.MinRead, limit+bytes.MinRead)))
	n, err := buf.ReadFrom(io.LimitReader(r, int64(limit)+1))
	if n > int64(limit) {
		return nil, fmt.Errorf("%w: %s, more than %d bytes", ErrTooLarge, codec, limit)
	}
	if err != nil {
		return nil, corrupt(codec, err)
	}
	return buf.Bytes(), nil
}
