package commitlog

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sort"

	"odradek/broker/env"
	"odradek/broker/record"
)

// AbortedTxn is a transaction whose marker says that its records are not to be read.
type AbortedTxn struct {
	ProducerID  int64
	FirstOffset int64 // of its first record
	LastOffset  int64 // of its marker
	// LastStableOffset is that of the log's end as of the marker: whatever is aborted later begins there or after it.
	LastStableOffset int64
}

// The aborted transactions whose markers a segment holds, <base>.txnindex, in entries of Kafka's, by rising last offset,
// big-endian:
//
//	version int16 = 0 | producer id int64 | first offset int64 | last offset int64 | last stable offset int64
//
// A segment without any has no such file: a node's logs are many, and most have no transactions.
const (
	abortedVersion   = 0
	abortedEntrySize = 34
)

func encodeAborted(all []AbortedTxn) []byte {
	put := binary.BigEndian
	out := make([]byte, 0, len(all)*abortedEntrySize)
	for _, a := range all {
		out = put.AppendUint16(out, abortedVersion)
		for _, field := range [...]int64{a.ProducerID, a.FirstOffset, a.LastOffset, a.LastStableOffset} {
			out = put.AppendUint64(out, uint64(field))
		}
	}
	return out
}

// decodeAborted reads what encodeAborted wrote for a segment of count offsets from base on.
func decodeAborted(content []byte, base, count int64) ([]AbortedTxn, error) {
	if len(content)%abortedEntrySize != 0 {
		return nil, fmt.Errorf("%w: %d bytes of aborted transactions", errIndexDamaged, len(content))
	}
	get := binary.BigEndian
	all := make([]AbortedTxn, 0, len(content)/abortedEntrySize)
	last := base - 1
	for ; len(content) > 0; content = content[abortedEntrySize:] {
		at := func(i int) int64 { return int64(get.Uint64(content[2+8*i:])) }
		a := AbortedTxn{ProducerID: at(0), FirstOffset: at(1), LastOffset: at(2), LastStableOffset: at(3)}
		if version := get.Uint16(content); version != abortedVersion {
			return nil, fmt.Errorf("%w: aborted transaction of version %d", errIndexDamaged, version)
		}
		if a.LastOffset <= last || a.LastOffset-base >= count || a.FirstOffset < 0 || a.FirstOffset > a.LastOffset {
			return nil, fmt.Errorf("%w: aborted transaction %d", errIndexDamaged, len(all))
		}
		all, last = append(all, a), a.LastOffset
	}
	return all, nil
}

// loadAborted reads a segment's aborted transactions.
func loadAborted(disk env.Disk, dir string, base, count, bytesMax int64) ([]AbortedTxn, error) {
	content, err := env.ReadFile(disk, dir+"/"+segmentName(base, txnIndexSuffix), bytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeAborted(content, base, count)
}

// writeAborted makes the file of a segment's aborted transactions durable, or sees to it that there is none. An older one
// may be of records that were truncated; or the recovery point on the disk still vouches for it, so that it is replaced in one step: a
// list cut short by a death is a valid one.
func (l *Log) writeAborted(name string, all []AbortedTxn) error {
	if len(all) > 0 {
		return env.WriteFileAtomic(l.disk, l.path(name), encodeAborted(all))
	}
	if err := l.disk.Remove(l.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// AbortedTransactions are the aborted transactions that have records, or their marker, from offset from on and a record before
// end, which must not be past the last stable offset: what a reader of committed records in between has to pass over. They
// come by first offset, rising.
func (l *Log) AbortedTransactions(from, end int64) ([]AbortedTxn, error) {
	var found []AbortedTxn
	for next := from; ; {
		s, file, err := l.abortedFrom(next, end)
		if err != nil || s == nil {
			slices.SortStableFunc(found, func(a, b AbortedTxn) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
			return found, err
		}
		l.mu.RLock()
		x, after := s.index, s.nextOffset
		if x != nil {
			found = appendAborted(found, x.aborted, from, end)
		}
		l.mu.RUnlock()
		if x == nil {
			err = l.loadIndex(s, file)
		} else {
			next = after
		}
		file.release()
		if err != nil {
			return nil, err
		}
	}
}

// abortedOf are a segment's aborted transactions. ErrChanged says that file is not the segment's any more.
func (l *Log) abortedOf(s *segment, file *sharedFile) ([]AbortedTxn, error) {
	for {
		l.mu.RLock()
		x, none, same := s.index, s.abortedFirst == noneAborted, s.file == file
		var all []AbortedTxn
		if x != nil {
			all = x.aborted
		}
		l.mu.RUnlock()
		switch {
		case !same:
			return nil, fmt.Errorf("%w: segment %d", ErrChanged, s.base)
		case x != nil || none:
			return all, nil
		}
		if err := l.loadIndex(s, file); err != nil {
			return nil, err
		}
	}
}

// abortedFrom pins the first segment from the one that holds offset from on that knows of an aborted transaction with
// records before end; nil when there is none.
func (l *Log) abortedFrom(from, end int64) (*segment, *sharedFile, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return nil, nil, fmt.Errorf("%w: %s", ErrClosed, l.dir)
	}
	for _, s := range l.segments[l.segmentAt(from):] {
		if s.nextOffset > from && s.abortedFirst < end {
			return s, s.file.pin(), nil
		}
	}
	return nil, nil, nil
}

// appendAborted adds to found those of all, which rise by last offset, that have something from offset from on and before end.
func appendAborted(found, all []AbortedTxn, from, end int64) []AbortedTxn {
	for _, a := range all[sort.Search(len(all), func(i int) bool { return all[i].LastOffset >= from }):] {
		if a.FirstOffset < end {
			found = append(found, a)
		}
		if a.LastStableOffset >= end {
			break
		}
	}
	return found
}

// abortedBefore keeps of a segment's aborted transactions those that ended before end.
func abortedBefore(all []AbortedTxn, end int64) []AbortedTxn {
	return slices.Clone(all[:sort.Search(len(all), func(i int) bool { return all[i].LastOffset >= end })])
}

// noteAborted takes in a transaction whose marker the segment has got.
func (s *segment) noteAborted(a AbortedTxn) {
	s.index.aborted = append(s.index.aborted, a)
	s.abortedFirst = min(s.abortedFirst, a.FirstOffset)
}

// setAborted makes all the segment's aborted transactions.
func (s *segment) setAborted(all []AbortedTxn) {
	s.index.aborted, s.abortedFirst = nil, noneAborted
	for _, a := range all {
		s.noteAborted(a)
	}
}

// recoverAborted learns anew which aborted transactions the markers of a segment of size bytes end: from the producers' state
// at its base, and its batches.
func (s *segment) recoverAborted(size int64, producers producerState) error {
	s.setAborted(nil)
	return eachForProducers(s.file, 0, size, func(batch record.Batch) {
		if a, ok := producers.applyBatch(batch); ok {
			s.noteAborted(a)
		}
	})
}

// eachForProducers visits the batches in a file from a position on. What is learnt of them gets into producer snapshots and indexes.
func eachForProducers(file io.ReaderAt, position, size int64, visit func(record.Batch)) error {
	scan := longScanner(file, position, size)
	defer scan.release()
	for {
		batch, err := scan.checked()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		visit(batch)
		scan.skip(batch)
	}
}
