package vectors

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// codecs are by name what a batch may be compressed with; xerial is snappy in the framing of the Java clients.
var codecs = map[string]kgo.CompressionCodec{
	"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "xerial": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// compressed compresses a batch's records, and returns the codec's bits of the attributes.
func compressed(codec string, records []byte) ([]byte, int16) {
	if codec == "" {
		return records, 0
	}
	compressor, err := kgo.DefaultCompressor(codecs[codec])
	if err != nil {
		panic("vectors: codec " + codec + ": " + err.Error())
	}
	out, kind := compressor.Compress(new(bytes.Buffer), records)
	if codec == "xerial" {
		framed := append([]byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}, 0, 0, 0, 1, 0, 0, 0, 1)
		framed = binary.BigEndian.AppendUint32(framed, uint32(len(out)))
		out = append(framed, out...)
	}
	return out, int16(kind)
}

// decompressed describes base64-encoded record batches: their headers, but for length and CRC, and their records.
func decompressed(v any) any {
	text, ok := trimBatches(v).(string)
	if !ok {
		return v
	}
	rest, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return v
	}
	const headerSize, sizeEnd, crcAt, crcEnd = 61, 12, 17, 21
	var batches []any
	for len(rest) >= headerSize {
		batch := rest[:int(binary.BigEndian.Uint32(rest[8:]))+sizeEnd]
		rest = rest[len(batch):]
		codec := kgo.CompressionCodecType(binary.BigEndian.Uint16(batch[crcEnd:]) & 7)
		records, err := kgo.DefaultDecompressor().Decompress(batch[headerSize:], codec)
		if err != nil {
			return fmt.Sprintf("%s: %v", text, err)
		}
		batches = append(batches, fmt.Sprintf("%x | %x | %x | %x", batch[:8], batch[sizeEnd:crcAt], batch[crcEnd:headerSize], records))
	}
	return batches
}
