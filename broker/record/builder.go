package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Builder makes a batch. Make one with NewBuilder, set the fields that differ, Append records and Build; then it can be used
// for the next batch, whose fields stay as they are.
type Builder struct {
	BaseOffset           int64
	PartitionLeaderEpoch int32
	Codec                Codec
	Xerial               bool // frame snappy as snappy-java does
	TimestampType        TimestampType
	Transactional        bool
	Control              bool
	ProducerID           int64
	ProducerEpoch        int16
	BaseSequence         int32

	body          []byte
	scratch       []byte
	count         int32
	lastDelta     int32
	baseTimestamp int64
	maxTimestamp  int64
	based         bool // baseTimestamp is given, not the first record's
	horizon       bool // baseTimestamp is a delete horizon
}

// NewBuilder makes a Builder of plain batches: offset 0, no leader epoch, no producer id, not compressed.
func NewBuilder() *Builder {
	return &Builder{
		PartitionLeaderEpoch: -1,
		ProducerID:           NoProducerID,
		ProducerEpoch:        NoProducerEpoch,
		BaseSequence:         NoSequence,
	}
}

// Append adds a record at the next offset; the record's own Offset is not looked at.
func (b *Builder) Append(r Record) {
	delta := int32(0)
	if b.count > 0 {
		delta = b.lastDelta + 1
	}
	b.append(r, delta)
}

// AppendAt adds a record at its own Offset, as compaction does, which leaves gaps. Offsets must rise.
func (b *Builder) AppendAt(r Record) {
	delta := r.Offset - b.BaseOffset
	if delta < 0 || delta > math.MaxInt32 || b.count > 0 && delta <= int64(b.lastDelta) {
		panic(fmt.Sprintf("record: offset %d can't follow in a batch at %d", r.Offset, b.BaseOffset))
	}
	b.append(r, int32(delta))
}

func (b *Builder) append(r Record, delta int32) {
	if b.count == 0 {
		b.maxTimestamp = r.Timestamp
		if !b.based {
			b.baseTimestamp = r.Timestamp
		}
	}
	b.maxTimestamp = max(b.maxTimestamp, r.Timestamp)
	b.lastDelta = delta
	b.count++

	s := append(b.scratch[:0], byte(r.Attributes))
	s = binary.AppendVarint(s, r.Timestamp-b.baseTimestamp)
	s = binary.AppendVarint(s, int64(delta))
	s = appendBytes(s, r.Key)
	s = appendBytes(s, r.Value)
	s = binary.AppendVarint(s, int64(len(r.Headers)))
	for _, h := range r.Headers {
		s = binary.AppendVarint(s, int64(len(h.Key)))
		s = append(s, h.Key...)
		s = appendBytes(s, h.Value)
	}
	b.scratch = s
	b.body = binary.AppendVarint(b.body, int64(len(s)))
	b.body = append(b.body, s...)
}

func appendBytes(dst, field []byte) []byte {
	if field == nil {
		return binary.AppendVarint(dst, -1)
	}
	dst = binary.AppendVarint(dst, int64(len(field)))
	return append(dst, field...)
}

// Len is how many records were appended.
func (b *Builder) Len() int { return int(b.count) }

// Build returns the batch, in memory of its own, and empties the builder. Without records there is no batch.
func (b *Builder) Build() (Batch, error) {
	if b.count == 0 {
		return nil, errors.New("record: a batch without records")
	}
	out := make([]byte, HeaderSize, HeaderSize+len(b.body))
	var err error
	if b.Codec == Snappy && b.Xerial {
		out = CompressXerial(out, b.body)
	} else if out, err = Compress(b.Codec, out, b.body); err != nil {
		return nil, err
	}
	if len(out)-LogOverhead > math.MaxInt32 {
		return nil, fmt.Errorf("%w: a batch of %d bytes", ErrTooLarge, len(out))
	}
	batch := Batch(out)
	b.header(batch)
	b.body, b.count, b.lastDelta = b.body[:0], 0, 0
	return batch, nil
}

func (b *Builder) header(batch Batch) {
	put := binary.BigEndian
	batch.SetBaseOffset(b.BaseOffset)
	put.PutUint32(batch[lengthAt:], uint32(len(batch)-LogOverhead))
	batch.SetPartitionLeaderEpoch(b.PartitionLeaderEpoch)
	batch[magicAt] = Magic
	put.PutUint16(batch[attributesAt:], uint16(b.attributes()))
	put.PutUint32(batch[lastOffsetDeltaAt:], uint32(b.lastDelta))
	put.PutUint64(batch[baseTimestampAt:], uint64(b.baseTimestamp))
	put.PutUint64(batch[maxTimestampAt:], uint64(b.maxTimestamp))
	put.PutUint64(batch[producerIDAt:], uint64(b.ProducerID))
	put.PutUint16(batch[producerEpochAt:], uint16(b.ProducerEpoch))
	put.PutUint32(batch[baseSequenceAt:], uint32(b.BaseSequence))
	put.PutUint32(batch[numRecordsAt:], uint32(b.count))
	put.PutUint32(batch[crcAt:], batch.computeCRC())
}

func (b *Builder) attributes() int16 {
	attributes := int16(b.Codec)
	if b.TimestampType == LogAppendTime {
		attributes |= timestampTypeMask
	}
	if b.Transactional {
		attributes |= transactionalMask
	}
	if b.Control {
		attributes |= controlMask
	}
	if b.horizon {
		attributes |= deleteHorizonMask
	}
	return attributes
}
