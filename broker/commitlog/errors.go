package commitlog

import (
	"errors"
	"fmt"
)

// What a log answers besides record.ErrCorrupt and its like, and the disk's own errors; test with errors.Is.
var (
	// ErrOffsetOutOfRange says that the log does not hold the offset.
	ErrOffsetOutOfRange = errors.New("offset out of range")
	// ErrMessageTooLarge says that a batch is larger than max.message.bytes.
	ErrMessageTooLarge = errors.New("record batch is larger than max.message.bytes")
	// ErrRecordListTooLarge says that what came in one append is larger than a segment may be.
	ErrRecordListTooLarge = errors.New("record batches are larger than segment.bytes")
	// ErrInvalidTimestamp says that a timestamp is outside message.timestamp.before.max.ms and after.max.ms, or that the
	// producer claims to have stamped the log append time where that is the leader's to do.
	ErrInvalidTimestamp = errors.New("invalid timestamp")
	// ErrOutOfOrderSequence says that an idempotent producer's batch does not follow the one before.
	ErrOutOfOrderSequence = errors.New("out of order sequence number")
	// ErrInvalidProducerEpoch says that the producer's epoch is older than one already seen.
	ErrInvalidProducerEpoch = errors.New("invalid producer epoch")
	// ErrInvalidTxnState says that a producer wrote outside of its transaction while that was open.
	ErrInvalidTxnState = errors.New("invalid transaction state")
	// ErrCoordinatorFenced says that a transaction marker comes from an older coordinator than one seen before.
	ErrCoordinatorFenced = errors.New("transaction coordinator fenced")
	// ErrStaleLeaderEpoch says that batches carry an older leader epoch than the log's last.
	ErrStaleLeaderEpoch = errors.New("leader epoch goes back")
	// ErrNotContiguous says that a follower's batches start before the log's end, or their offsets don't rise.
	ErrNotContiguous = errors.New("batches do not continue the log")
	// ErrChanged says that the segments that were to be replaced are not what they were: the log was truncated meanwhile.
	ErrChanged = errors.New("segments have changed")
	// ErrTorn says that the end of a log that was to be whole can't be read as batches that continue it.
	ErrTorn = errors.New("log is torn")
	// ErrStorage says that the disk failed in a way after which nothing is known of what it holds. The log answers every
	// later append, truncation and sync with it, until it is opened again.
	ErrStorage = errors.New("log failed")
	// ErrClosed says that the log was closed or deleted.
	ErrClosed = errors.New("log is closed")
)

// InvalidRecordsError says which records of a batch are the reason that it is refused.
type InvalidRecordsError struct {
	Kind    error   // record.ErrInvalid or ErrInvalidTimestamp
	Indexes []int32 // places in the batch, from 0; the first invalidRecordsMax
	Total   int
	Reason  string
}

// invalidRecordsMax bounds how many records of a batch are named: a batch of a few bytes may hold millions, and each takes its
// place in the answer.
const invalidRecordsMax = 1_000

func (e *InvalidRecordsError) add(index int32) {
	e.Total++
	if len(e.Indexes) < invalidRecordsMax {
		e.Indexes = append(e.Indexes, index)
	}
}

func (e *InvalidRecordsError) Error() string {
	return fmt.Sprintf("%d records, the first at %d: %s", e.Total, e.Indexes[0], e.Reason)
}

// Unwrap gives the kind.
func (e *InvalidRecordsError) Unwrap() error { return e.Kind }
