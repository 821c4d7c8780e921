package commitlog

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// What follows reads a log's files for tools that look at them from outside. The log itself goes by the same decoders.

// FileKind says what a file in a log's directory is.
type FileKind int

// The kinds of files, as drawn in the package comment. FileLeftover is of a change that was not completed, or waits for its
// removal: Open takes it away, but for a .swap file, which it completes.
const (
	FileUnknown FileKind = iota
	FileSegment
	FileIndex
	FileTimeIndex
	FileTxnIndex
	FileSnapshot
	FileEpochs
	FileStartOffset
	FileRecoveryPoint
	FileFailedSync
	FileLeftover
)

// KindOf tells a file of a log's directory by its name, with the offset that the name bears, where it does.
func KindOf(name string) (kind FileKind, offset int64) {
	switch name {
	case epochFile:
		return FileEpochs, 0
	case startFile:
		return FileStartOffset, 0
	case recoveryFile:
		return FileRecoveryPoint, 0
	case failedSyncFile:
		return FileFailedSync, 0
	}
	if isLeftover(name) {
		return FileLeftover, 0
	}
	for suffix, kind := range map[string]FileKind{
		logSuffix: FileSegment, indexSuffix: FileIndex, timeIndexSuffix: FileTimeIndex, txnIndexSuffix: FileTxnIndex,
		snapshotSuffix: FileSnapshot,
	} {
		if offset, ok := parseSegmentName(name, suffix); ok {
			return kind, offset
		}
	}
	return FileUnknown, 0
}

// FileName is the name of a segment's file of the kind, one of those that bear an offset.
func FileName(kind FileKind, offset int64) string {
	suffix := map[FileKind]string{
		FileSegment: logSuffix, FileIndex: indexSuffix, FileTimeIndex: timeIndexSuffix, FileTxnIndex: txnIndexSuffix,
		FileSnapshot: snapshotSuffix,
	}[kind]
	if suffix == "" {
		panic(fmt.Sprintf("commitlog: files of kind %d have no offset", kind))
	}
	return segmentName(offset, suffix)
}

// MayLackIndex says that the last segment of a log, when it has so many bytes, has no offset and time index on the disk.
func MayLackIndex(size int64) bool { return size <= bareBytesMax }

// OffsetEntry is an entry of an offset index: the batch at Position, in bytes, ends with the Offset, counted from the segment's
// base.
type OffsetEntry struct{ Offset, Position int32 }

// DecodeOffsetIndex reads the entries of an offset index as they are. What is left is less than an entry.
func DecodeOffsetIndex(content []byte) (entries []OffsetEntry, left []byte) {
	for ; len(content) >= indexEntrySize; content = content[indexEntrySize:] {
		e := decodeIndexEntry(content)
		entries = append(entries, OffsetEntry{e.offset, e.position})
	}
	return entries, content
}

// TimeEntry is an entry of a time index: no record before the Offset, counted from the segment's base, is later than Timestamp,
// and the batch that ends with it has a record of that time.
type TimeEntry struct {
	Timestamp int64
	Offset    int32
}

// DecodeTimeIndex reads the entries of a time index as they are. What is left is less than an entry.
func DecodeTimeIndex(content []byte) (entries []TimeEntry, left []byte) {
	for ; len(content) >= timeIndexEntrySize; content = content[timeIndexEntrySize:] {
		e := decodeTimeEntry(content)
		entries = append(entries, TimeEntry{e.timestamp, e.offset})
	}
	return entries, content
}

// DecodeTxnIndex reads the aborted transactions of the segment at base. The error says that they can't be those of one.
func DecodeTxnIndex(content []byte, base int64) ([]AbortedTxn, error) {
	return decodeAborted(content, base, math.MaxInt64-base)
}

// EpochStart says that a leader epoch begins at an offset.
type EpochStart struct {
	Epoch int32
	Start int64
}

// DecodeEpochs reads a leader-epoch-checkpoint.
func DecodeEpochs(content []byte) ([]EpochStart, error) {
	entries, err := decodeEpochs(content)
	starts := make([]EpochStart, len(entries))
	for i, e := range entries {
		starts[i] = EpochStart{e.epoch, e.start}
	}
	return starts, err
}

// DecodeStartOffset reads a log-start-offset-checkpoint.
func DecodeStartOffset(content []byte) (int64, error) { return decodeStart(content) }

// RecoveryPoint is a place before which everything was durable when it was written: Offset, which lies in the segment Base at
// Position, in bytes. Clean says that the log was closed there. An offset of -1 vouches for nothing.
type RecoveryPoint struct {
	Offset, Base, Position int64
	Clean                  bool
	NoProducers            bool // none was known there: there is no snapshot
}

// DecodeRecoveryPoint reads a recovery-point-checkpoint.
func DecodeRecoveryPoint(content []byte) (RecoveryPoint, error) {
	r, err := decodeRecoveryPoint(content)
	return RecoveryPoint{r.offset, r.base, r.position, r.clean, r.noProducers}, err
}

// SnapshotProducer is what a snapshot says of a producer. TxnFirstOffset is -1 when it has no open transaction.
type SnapshotProducer struct {
	ID               int64
	Epoch            int16
	CoordinatorEpoch int32
	LastTimestamp    int64
	TxnFirstOffset   int64
	Batches          []SnapshotBatch // of the epoch, the oldest first
}

// SnapshotBatch is a batch of a producer that would be known again.
type SnapshotBatch struct {
	FirstSequence, LastSequence int32
	FirstOffset, LastOffset     int64
	Timestamp                   int64
}

// DecodeSnapshot reads a producer snapshot: the producers, by rising id, as of an offset.
func DecodeSnapshot(content []byte) (offset int64, producers []SnapshotProducer, err error) {
	offset, state, err := decodeSnapshot(content)
	for _, id := range slices.Sorted(maps.Keys(state.producers)) {
		p := state.producers[id]
		info := SnapshotProducer{ID: id, Epoch: p.epoch, CoordinatorEpoch: p.coordinatorEpoch, LastTimestamp: p.lastTimestamp, TxnFirstOffset: p.txnFirstOffset}
		for _, b := range p.batches[:p.count] {
			info.Batches = append(info.Batches, SnapshotBatch{b.firstSequence(), b.lastSequence, b.firstOffset(), b.lastOffset, b.timestamp})
		}
		producers = append(producers, info)
	}
	return offset, producers, err
}
