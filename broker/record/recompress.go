package record

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Body is the records as they are encoded, decompressed into at most limit bytes where they are compressed. The errors are
// those of Decompress. The batch must have passed Verify.
func (b Batch) Body(limit int) ([]byte, error) { return Decompress(b.Codec(), b[HeaderSize:], limit) }

// Recompressed is the batch with its records, of which body is the encoding that Body gave, compressed as c says, in memory of
// its own: what a broker stores when the topic's compression.type is not the producer's codec. Snappy is framed as
// snappy-java does, as Kafka writes it. Everything else in the header stays, but for a delete horizon, which is not a producer's
// to set: its base timestamp is one like any other. The error is ErrTooLarge or a codec's.
func (b Batch) Recompressed(c Compression, body []byte) (Batch, error) {
	out := make([]byte, HeaderSize, HeaderSize+len(body)/2)
	copy(out, b[:HeaderSize])
	var err error
	if c.Codec == Snappy {
		out = CompressXerial(out, body)
	} else if out, err = c.Append(out, body); err != nil {
		return nil, err
	}
	if len(out)-LogOverhead > math.MaxInt32 {
		return nil, fmt.Errorf("%w: a batch of %d bytes", ErrTooLarge, len(out))
	}
	batch := Batch(out)
	attributes := b.Attributes()&^(codecMask|deleteHorizonMask) | int16(c.Codec)
	binary.BigEndian.PutUint16(batch[attributesAt:], uint16(attributes))
	binary.BigEndian.PutUint32(batch[lengthAt:], uint32(len(batch)-LogOverhead))
	binary.BigEndian.PutUint32(batch[crcAt:], batch.computeCRC())
	return batch, nil
}
