package record

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/snappy"
)

// xerialMagic opens what snappy-java's SnappyOutputStream writes, followed by two int32 (version and least compatible
// version) and then by chunks: int32 length, one snappy block.
var xerialMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

const (
	xerialHeaderSize = 16
	// xerialChunkSize is how much snappy-java puts into a block, in bytes.
	xerialChunkSize = 32 << 10
)

// CompressXerial appends src to dst in snappy-java's framing, as Kafka's Java clients send it.
func CompressXerial(dst, src []byte) []byte {
	dst = append(dst, xerialMagic...)
	dst = binary.BigEndian.AppendUint32(dst, 1)
	dst = binary.BigEndian.AppendUint32(dst, 1)
	for len(src) > 0 {
		chunk := src[:min(len(src), xerialChunkSize)]
		src = src[len(chunk):]
		block := snappy.Encode(nil, chunk)
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(block)))
		dst = append(dst, block...)
	}
	return dst
}

func decompressSnappy(src []byte, limit int) ([]byte, error) {
	if !bytes.HasPrefix(src, xerialMagic) {
		return appendSnappyBlock(nil, src, limit)
	}
	if len(src) < xerialHeaderSize {
		return nil, fmt.Errorf("%w: snappy: header of %d bytes", ErrCorrupt, len(src))
	}
	var out []byte
	for src = src[xerialHeaderSize:]; len(src) > 0; {
		if len(src) < 4 {
			return nil, fmt.Errorf("%w: snappy: chunk cut short", ErrCorrupt)
		}
		size := binary.BigEndian.Uint32(src)
		src = src[4:]
		if uint64(size) > uint64(len(src)) {
			return nil, fmt.Errorf("%w: snappy: chunk of %d bytes in %d", ErrCorrupt, size, len(src))
		}
		var err error
		if out, err = appendSnappyBlock(out, src[:size], limit); err != nil {
			return nil, err
		}
		src = src[size:]
	}
	return out, nil
}

// appendSnappyBlock appends one decompressed block to out, which may grow to limit bytes.
func appendSnappyBlock(out, block []byte, limit int) ([]byte, error) {
	size, err := snappy.DecodedLen(block)
	if err != nil {
		return nil, corrupt(Snappy, err)
	}
	if size > limit-len(out) {
		return nil, fmt.Errorf("%w: snappy, more than %d bytes", ErrTooLarge, limit)
	}
	decoded, err := snappy.Decode(nil, block)
	if err != nil {
		return nil, corrupt(Snappy, err)
	}
	if out == nil {
		return decoded, nil
	}
	return append(out, decoded...), nil
}
