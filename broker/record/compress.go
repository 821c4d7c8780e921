package record

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Compression is a codec and how hard it tries: the level as Kafka's compression.gzip.level, compression.lz4.level and
// compression.zstd.level give it. 0 is each codec's own default; the others have no levels.
//
// The libraries have fewer levels than the originals: zstd knows four, of which the nearest is taken, and lz4's levels above 9
// are the ninth. Kafka's lz4 level of 9, its default, is the fast compressor, as there.
type Compression struct {
	Codec Codec
	Level int
}

// CompressionOf is the codec at its own default level.
func CompressionOf(codec Codec) Compression { return Compression{Codec: codec} }

// lz4FastLevel is the level by which Kafka names lz4's fast compressor.
const lz4FastLevel = 9

// writers are the compressors of each compression, which are costly to make and cheap to reset: a *sync.Pool a Compression.
var writers sync.Map

// writersOf is the pool of a compression; fresh is called when it is empty.
func writersOf(c Compression, fresh func() any) *sync.Pool {
	if pool, ok := writers.Load(c); ok {
		return pool.(*sync.Pool)
	}
	pool, _ := writers.LoadOrStore(c, &sync.Pool{New: fresh})
	return pool.(*sync.Pool)
}

// Compress appends src, compressed at the codec's own level, to dst. Snappy is written as one plain block.
func Compress(codec Codec, dst, src []byte) ([]byte, error) {
	return CompressionOf(codec).Append(dst, src)
}

// Append appends src, compressed, to dst. Snappy is written as one plain block.
func (c Compression) Append(dst, src []byte) ([]byte, error) {
	switch c.Codec {
	case None:
		return append(dst, src...), nil
	case Gzip:
		level := c.Level
		if level == 0 {
			level = gzip.DefaultCompression
		}
		pool := writersOf(Compression{Gzip, level}, func() any { return must(gzip.NewWriterLevel(nil, level)) })
		return compressStream(pool, dst, src)
	case Snappy:
		return append(dst, snappy.Encode(nil, src)...), nil
	case LZ4:
		level := c.lz4Level()
		pool := writersOf(Compression{LZ4, int(level)}, func() any {
			w := lz4.NewWriter(nil)
			return must(w, w.Apply(lz4.CompressionLevelOption(level)))
		})
		return compressStream(pool, dst, src)
	case Zstd:
		level := zstd.SpeedDefault
		if c.Level != 0 {
			level = zstd.EncoderLevelFromZstd(c.Level)
		}
		pool := writersOf(Compression{Zstd, int(level)}, func() any {
			return must(zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithEncoderLevel(level)))
		})
		w := pool.Get().(*zstd.Encoder)
		defer pool.Put(w)
		return w.EncodeAll(src, dst), nil
	}
	return nil, fmt.Errorf("%w: %d", ErrUnsupportedCodec, c.Codec)
}

// lz4Level is the library's name of the level.
func (c Compression) lz4Level() lz4.CompressionLevel {
	if c.Level <= 0 || c.Level == lz4FastLevel {
		return lz4.Fast
	}
	return lz4.CompressionLevel(1 << (8 + min(c.Level, 9)))
}

type resetWriter interface {
	io.WriteCloser
	Reset(io.Writer)
}

func compressStream(pool *sync.Pool, dst, src []byte) ([]byte, error) {
	w := pool.Get().(resetWriter)
	defer pool.Put(w)
	out := bytes.NewBuffer(dst)
	w.Reset(out)
	if _, err := w.Write(src); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
