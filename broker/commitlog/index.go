package commitlog

import (
	"encoding/binary"
	"fmt"
	"sort"

	"odradek/broker/env"
	"odradek/broker/record"
)

const (
	indexEntrySize     = 8
	timeIndexEntrySize = 12
)

// indexEntry says that the batch whose last offset is base + offset starts at position.
type indexEntry struct{ offset, position int32 }

// timeEntry says that no record before base + offset has a timestamp greater than timestamp, and that the batch whose last
// offset it is has one of it.
type timeEntry struct {
	timestamp int64
	offset    int32
}

// index is a segment's sparse index, in memory while the segment is written to: 20 bytes for every index.interval.bytes, and
// 32 for every aborted transaction. A
// sealed segment's lies in its files and is searched there.
//
// Invariant: offsets and times rise strictly in every field.
type index struct {
	offsets []indexEntry
	times   []timeEntry
	// aborted are the aborted transactions whose markers the segment holds, by rising last offset.
	aborted []AbortedTxn
	// since counts the bytes since the last entry.
	since int64
}

// observe takes in the batch at position; maxTimestamp and maxOffset are the segment's so far, this batch included.
func (x *index) observe(base int64, batch record.Batch, position, interval, maxTimestamp, maxOffset int64) {
	if x.since > interval {
		x.offsets = append(x.offsets, indexEntry{int32(batch.LastOffset() - base), int32(position)})
		x.observeTime(base, maxTimestamp, maxOffset)
		x.since = 0
	}
	x.since += int64(batch.Size())
}

func (x *index) observeTime(base, maxTimestamp, maxOffset int64) {
	last := timeEntry{record.NoTimestamp, -1}
	if n := len(x.times); n > 0 {
		last = x.times[n-1]
	}
	if maxTimestamp > last.timestamp {
		x.times = append(x.times, timeEntry{maxTimestamp, int32(maxOffset - base)})
	}
}

// floor finds the last of n entries for which ok is true; ok must be true of a head of them. -1 is none.
func floor(n int, ok func(i int) bool) int {
	return sort.Search(n, func(i int) bool { return !ok(i) }) - 1
}

// floorOffset is a position at or before the batch that holds offset.
func (x *index) floorOffset(relative int64) int64 {
	i := floor(len(x.offsets), func(i int) bool { return int64(x.offsets[i].offset) <= relative })
	if i < 0 {
		return 0
	}
	return int64(x.offsets[i].position)
}

// floorBoundary is the last indexed start of a batch at or before position, with nothing from relative on before it.
func (x *index) floorBoundary(position, relative int64) int64 {
	i := floor(len(x.offsets), func(i int) bool {
		return int64(x.offsets[i].position) <= position && int64(x.offsets[i].offset) < relative
	})
	if i < 0 {
		return 0
	}
	return int64(x.offsets[i].position)
}

// floorTime is the relative offset from which to look for the first record of timestamp or later.
func (x *index) floorTime(timestamp int64) int64 {
	i := floor(len(x.times), func(i int) bool { return x.times[i].timestamp <= timestamp })
	if i < 0 {
		return 0
	}
	return int64(x.times[i].offset)
}

func (x *index) encodeOffsets() []byte {
	out := make([]byte, 0, len(x.offsets)*indexEntrySize)
	for _, e := range x.offsets {
		out = binary.BigEndian.AppendUint32(out, uint32(e.offset))
		out = binary.BigEndian.AppendUint32(out, uint32(e.position))
	}
	return out
}

func (x *index) encodeTimes() []byte {
	out := make([]byte, 0, len(x.times)*timeIndexEntrySize)
	for _, e := range x.times {
		out = binary.BigEndian.AppendUint64(out, uint64(e.timestamp))
		out = binary.BigEndian.AppendUint32(out, uint32(e.offset))
	}
	return out
}

// errIndexDamaged says that an index file can't belong to its segment; it is then rebuilt.
var errIndexDamaged = fmt.Errorf("%w: index", record.ErrCorrupt)

// decodeIndex reads both files and checks that they can be those of a segment of size bytes and count offsets.
func decodeIndex(offsets, times []byte, size, count int64) (index, error) {
	var x index
	if len(offsets)%indexEntrySize != 0 || len(times)%timeIndexEntrySize != 0 {
		return x, fmt.Errorf("%w: %d and %d bytes", errIndexDamaged, len(offsets), len(times))
	}
	x.offsets = make([]indexEntry, 0, len(offsets)/indexEntrySize)
	last := indexEntry{-1, 0} // the first batch, at 0, never has an entry
	for ; len(offsets) > 0; offsets = offsets[indexEntrySize:] {
		e := decodeIndexEntry(offsets)
		if e.offset <= last.offset || e.position <= last.position || int64(e.position) >= size || int64(e.offset) >= count {
			return x, fmt.Errorf("%w: entry %d", errIndexDamaged, len(x.offsets))
		}
		x.offsets, last = append(x.offsets, e), e
	}
	x.times = make([]timeEntry, 0, len(times)/timeIndexEntrySize)
	lastTime := timeEntry{record.NoTimestamp, -1}
	for ; len(times) > 0; times = times[timeIndexEntrySize:] {
		e := decodeTimeEntry(times)
		if e.timestamp <= lastTime.timestamp || e.offset <= lastTime.offset || int64(e.offset) >= count {
			return x, fmt.Errorf("%w: time entry %d", errIndexDamaged, len(x.times))
		}
		x.times, lastTime = append(x.times, e), e
	}
	return x, nil
}

func decodeIndexEntry(b []byte) indexEntry {
	return indexEntry{int32(binary.BigEndian.Uint32(b)), int32(binary.BigEndian.Uint32(b[4:]))}
}

func decodeTimeEntry(b []byte) timeEntry {
	return timeEntry{int64(binary.BigEndian.Uint64(b)), int32(binary.BigEndian.Uint32(b[8:]))}
}

// loadIndex reads a segment's index files.
func loadIndex(disk env.Disk, dir string, base, size, count, bytesMax int64) (index, error) {
	offsets, err := env.ReadFile(disk, dir+"/"+segmentName(base, indexSuffix), bytesMax)
	if err != nil {
		return index{}, err
	}
	times, err := env.ReadFile(disk, dir+"/"+segmentName(base, timeIndexSuffix), bytesMax*2)
	if err != nil {
		return index{}, err
	}
	x, err := decodeIndex(offsets, times, size, count)
	if err != nil {
		return index{}, err
	}
	x.aborted, err = loadAborted(disk, dir, base, count, abortedBytesMax)
	return x, err
}

// peek learns of a sealed segment of size bytes, which ends at next, without reading its index: of that only the end of the time
// index. Whether the rest is what it should be comes out when it is read, see Log.loadIndex.
func (l *Log) peek(s *segment, size, next int64) error {
	info, err := l.disk.Stat(l.path(segmentName(s.base, indexSuffix)))
	if err != nil {
		return err
	}
	if info.Size%indexEntrySize != 0 {
		return fmt.Errorf("%w: %d bytes", errIndexDamaged, info.Size)
	}
	last, err := l.lastTime(s.base)
	if err != nil {
		return err
	}
	aborted, err := loadAborted(l.disk, l.dir, s.base, next-s.base, abortedBytesMax)
	if err != nil {
		return err
	}
	if int64(last.offset) >= next-s.base || last.offset < 0 {
		return fmt.Errorf("%w: last time is of %d", errIndexDamaged, last.offset)
	}
	return s.adopt(index{times: []timeEntry{last}, aborted: aborted}, size, next)
}

// lastTime reads the last entry of a segment's time index.
func (l *Log) lastTime(base int64) (timeEntry, error) {
	f, err := l.disk.Open(l.path(segmentName(base, timeIndexSuffix)), 0)
	if err != nil {
		return timeEntry{}, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return timeEntry{}, err
	}
	if size == 0 || size%timeIndexEntrySize != 0 {
		return timeEntry{}, fmt.Errorf("%w: %d bytes of times", errIndexDamaged, size)
	}
	var entry [timeIndexEntrySize]byte
	if n, err := f.ReadAt(entry[:], size-timeIndexEntrySize); n < len(entry) {
		return timeEntry{}, err
	}
	return decodeTimeEntry(entry[:]), nil
}

// abortedBytesMax bounds what is read of a segment's aborted transactions, in bytes: more than a segment has room for.
const abortedBytesMax = 1 << 30
