package record

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

const (
	// HeaderSize is the size of a batch's header, in bytes: what must be read to know a batch.
	HeaderSize = 61
	// LogOverhead is the size of the base offset and the length, in bytes: what the batch length does not count.
	LogOverhead = 12
	// Magic is the only message format here.
	Magic = 2

	lengthAt          = 8
	leaderEpochAt     = 12
	magicAt           = 16
	crcAt             = 17
	attributesAt      = 21
	lastOffsetDeltaAt = 23
	baseTimestampAt   = 27
	maxTimestampAt    = 35
	producerIDAt      = 43
	producerEpochAt   = 51
	baseSequenceAt    = 53
	numRecordsAt      = 57

	codecMask         = 0x07
	timestampTypeMask = 0x08
	transactionalMask = 0x10
	controlMask       = 0x20
)

// NoProducerID, NoProducerEpoch and NoSequence stand in batches of producers that are not idempotent; NoTimestamp in
// records without one.
const (
	NoProducerID    int64 = -1
	NoProducerEpoch int16 = -1
	NoSequence      int32 = -1
	NoTimestamp     int64 = -1
)

// TimestampType says who stamped the records.
type TimestampType int8

const (
	// CreateTime: the producer did.
	CreateTime TimestampType = 0
	// LogAppendTime: the leader did, with one time for the whole batch, its max timestamp.
	LogAppendTime TimestampType = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Batch is exactly one batch, or at least its header. Split is what makes one of foreign bytes: the methods trust that
// there are HeaderSize bytes.
type Batch []byte

func (b Batch) int64(at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) }
func (b Batch) int32(at int) int32 { return int32(binary.BigEndian.Uint32(b[at:])) }
func (b Batch) int16(at int) int16 { return int16(binary.BigEndian.Uint16(b[at:])) }

// BaseOffset is the offset of the first record (of before compaction).
func (b Batch) BaseOffset() int64 { return b.int64(0) }

// LastOffset is the offset of the last record, inclusive.
func (b Batch) LastOffset() int64 { return b.BaseOffset() + int64(b.LastOffsetDelta()) }

// NextOffset is the offset after the last record.
func (b Batch) NextOffset() int64 { return b.LastOffset() + 1 }

// LastOffsetDelta is LastOffset less BaseOffset.
func (b Batch) LastOffsetDelta() int32 { return b.int32(lastOffsetDeltaAt) }

// Size is the size of the whole batch in bytes, as the header tells it; the slice may hold less.
func (b Batch) Size() int { return int(b.int32(lengthAt)) + LogOverhead }

// PartitionLeaderEpoch is the epoch of the leader that appended the batch.
func (b Batch) PartitionLeaderEpoch() int32 { return b.int32(leaderEpochAt) }

// Magic is the version of the format.
func (b Batch) Magic() int8 { return int8(b[magicAt]) }

// CRC is the checksum that the header claims.
func (b Batch) CRC() uint32 { return binary.BigEndian.Uint32(b[crcAt:]) }

// Attributes are the bits drawn in the package comment.
func (b Batch) Attributes() int16 { return b.int16(attributesAt) }

// Codec is how the records are compressed; foreign bytes may name one that does not exist.
func (b Batch) Codec() Codec { return Codec(b.Attributes() & codecMask) }

// TimestampType says who stamped the records.
func (b Batch) TimestampType() TimestampType {
	if b.Attributes()&timestampTypeMask != 0 {
		return LogAppendTime
	}
	return CreateTime
}

// IsTransactional says whether the records belong to a transaction.
func (b Batch) IsTransactional() bool { return b.Attributes()&transactionalMask != 0 }

// IsControl says whether the records are control records (markers of transactions), which no consumer is shown.
func (b Batch) IsControl() bool { return b.Attributes()&controlMask != 0 }

// BaseTimestamp is what the records' timestamps are relative to, in milliseconds since 1970: that of the first record, or the
// delete horizon.
func (b Batch) BaseTimestamp() int64 { return b.int64(baseTimestampAt) }

// MaxTimestamp is the greatest of the records', in milliseconds since 1970.
func (b Batch) MaxTimestamp() int64 { return b.int64(maxTimestampAt) }

// ProducerID is the idempotent producer's, or NoProducerID.
func (b Batch) ProducerID() int64 { return b.int64(producerIDAt) }

// ProducerEpoch is the idempotent producer's, or NoProducerEpoch.
func (b Batch) ProducerEpoch() int16 { return b.int16(producerEpochAt) }

// BaseSequence is the sequence number of the first record, or NoSequence.
func (b Batch) BaseSequence() int32 { return b.int32(baseSequenceAt) }

// LastSequence is the sequence number of the last record, or NoSequence. Sequences wrap from MaxInt32 to 0.
func (b Batch) LastSequence() int32 {
	if b.BaseSequence() == NoSequence {
		return NoSequence
	}
	return AddSequence(b.BaseSequence(), b.LastOffsetDelta())
}

// NumRecords is how many records the header claims.
func (b Batch) NumRecords() int32 { return b.int32(numRecordsAt) }

// SetBaseOffset stamps the base offset; the CRC does not cover it.
func (b Batch) SetBaseOffset(offset int64) { binary.BigEndian.PutUint64(b, uint64(offset)) }

// SetPartitionLeaderEpoch stamps the leader epoch; the CRC does not cover it.
func (b Batch) SetPartitionLeaderEpoch(epoch int32) {
	binary.BigEndian.PutUint32(b[leaderEpochAt:], uint32(epoch))
}

// SetLogAppendTime makes ms the time of every record and computes the CRC anew.
func (b Batch) SetLogAppendTime(ms int64) {
	binary.BigEndian.PutUint16(b[attributesAt:], uint16(b.Attributes()|timestampTypeMask))
	binary.BigEndian.PutUint64(b[maxTimestampAt:], uint64(ms))
	binary.BigEndian.PutUint32(b[crcAt:], b.computeCRC())
}

// SetCreateTime leaves the records their own times and computes the CRC anew.
func (b Batch) SetCreateTime() {
	binary.BigEndian.PutUint16(b[attributesAt:], uint16(b.Attributes()&^timestampTypeMask))
	binary.BigEndian.PutUint32(b[crcAt:], b.computeCRC())
}

func (b Batch) computeCRC() uint32 { return crc32.Checksum(b[attributesAt:], castagnoli) }

// AddSequence is the sequence number n after sequence, which wraps from MaxInt32 to 0.
func AddSequence(sequence, n int32) int32 {
	if sequence > math.MaxInt32-n {
		return n - (math.MaxInt32 - sequence) - 1
	}
	return sequence + n
}

// SubSequence is the sequence number n before sequence, which wraps from 0 to MaxInt32.
func SubSequence(sequence, n int32) int32 {
	if sequence < n {
		return math.MaxInt32 - (n - sequence) + 1
	}
	return sequence - n
}
