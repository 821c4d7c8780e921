package commitlog

import (
	"fmt"
	"io"

	"odradek/broker/record"
)

// decompressedMax bounds what a batch is decompressed to when a timestamp is looked for in it, in bytes.
const decompressedMax = 256 << 20

// stamped is a record that was found by its time.
type stamped struct {
	offset, timestamp int64
	epoch             int32
}

var notFound = stamped{-1, -1, -1}

// OffsetForTimestamp is the first record of timestamp ts or later, before endOffset, with its leader epoch: -1, -1, -1 when
// there is none. It is what ListOffsets asks for, to the record: a batch may be decompressed for it.
func (l *Log) OffsetForTimestamp(ts, endOffset int64) (offset, timestamp int64, epoch int32, err error) {
	found, err := l.findTime(ts, endOffset)
	return found.offset, found.timestamp, found.epoch, err
}

// MaxTimestamp is the first record of the greatest timestamp before endOffset, with its leader epoch: -1, -1, -1 when there
// is none.
func (l *Log) MaxTimestamp(endOffset int64) (offset, timestamp int64, epoch int32, err error) {
	greatest, err := l.greatestTimestamp(endOffset)
	if err != nil || greatest == record.NoTimestamp {
		return -1, -1, -1, err
	}
	return l.OffsetForTimestamp(greatest, endOffset)
}

func (l *Log) findTime(ts, endOffset int64) (stamped, error) {
	for from := l.StartOffset(); ; {
		v, err := l.view(from, endOffset)
		if err != nil || v.file == nil {
			return notFound, err
		}
		found := notFound
		if v.maxTimestamp >= ts {
			found, err = v.findTime(ts, from)
		}
		v.file.release()
		if err != nil || found != notFound {
			return found, err
		}
		from = v.nextOffset
	}
}

// findTime is the first record of the view from offset from on with timestamp ts or later.
func (v *view) findTime(ts, from int64) (stamped, error) {
	position, err := v.log.timePosition(v, ts, from)
	if err != nil {
		return notFound, err
	}
	scan := longScanner(v.file, position, v.size)
	defer scan.release()
	for {
		batch, err := scan.header()
		if err == io.EOF || err == nil && batch.BaseOffset() >= v.bound {
			return notFound, nil
		}
		if err == nil && batch.LastOffset() >= from && batch.MaxTimestamp() >= ts {
			if batch, err = scan.whole(); err == nil {
				found, findErr := v.timeInBatch(batch, ts, from)
				if findErr != nil || found != notFound {
					return found, findErr
				}
			}
		}
		if err != nil {
			return notFound, fmt.Errorf("segment %d: %w", v.base, err)
		}
		scan.skip(batch)
	}
}

func (v *view) timeInBatch(batch record.Batch, ts, from int64) (stamped, error) {
	for r, err := range batch.Records(decompressedMax) {
		if err != nil {
			return notFound, fmt.Errorf("batch at %d: %w", batch.BaseOffset(), err)
		}
		if r.Timestamp >= ts && r.Offset >= from && r.Offset < v.bound {
			return stamped{r.Offset, r.Timestamp, batch.PartitionLeaderEpoch()}, nil
		}
	}
	return notFound, nil
}

// timePosition is a position in the view at or before the first batch from offset from on with a record of ts or later.
func (l *Log) timePosition(v *view, ts, from int64) (int64, error) {
	for range 2 {
		l.mu.RLock()
		x, same := v.segment.index, v.segment.file == v.file && v.segment.size >= v.size
		if !same {
			l.mu.RUnlock()
			return 0, nil
		}
		if x != nil {
			position := x.floorOffset(max(x.floorTime(ts), from-v.base))
			l.mu.RUnlock()
			return position, nil
		}
		l.mu.RUnlock()
		if err := l.loadIndex(v.segment, v.file); err != nil {
			return 0, err
		}
	}
	return 0, nil // the index left again at once: go through the whole segment
}

// greatestTimestamp is the greatest timestamp before endOffset that is still in the log.
func (l *Log) greatestTimestamp(endOffset int64) (int64, error) {
	greatest := record.NoTimestamp
	for from := l.StartOffset(); ; {
		v, err := l.view(from, endOffset)
		if err != nil || v.file == nil {
			return greatest, err
		}
		switch {
		case v.maxTimestamp <= greatest:
		case v.base >= from && v.maxTimestampOffset < v.bound:
			greatest = v.maxTimestamp
		default: // the record that has it may not be seen
			greatest, err = v.greatestTimestamp(from, greatest)
		}
		v.file.release()
		if err != nil {
			return greatest, err
		}
		from = v.nextOffset
	}
}

func (v *view) greatestTimestamp(from, greatest int64) (int64, error) {
	scan := longScanner(v.file, 0, v.size)
	defer scan.release()
	for {
		batch, err := scan.header()
		if err == io.EOF || err == nil && batch.LastOffset() >= v.bound {
			return greatest, nil
		}
		if err == nil && batch.BaseOffset() < from && batch.LastOffset() >= from {
			// Part of this batch is before the log's start.
			if batch, err = scan.whole(); err == nil {
				greatest, err = greatestFrom(batch, from, greatest)
			}
		} else if err == nil && batch.BaseOffset() >= from && batch.NumRecords() > 0 {
			greatest = max(greatest, batch.MaxTimestamp())
		}
		if err != nil {
			return greatest, fmt.Errorf("segment %d: %w", v.base, err)
		}
		scan.skip(batch)
	}
}

func greatestFrom(batch record.Batch, from, greatest int64) (int64, error) {
	for r, err := range batch.Records(decompressedMax) {
		if err != nil {
			return greatest, err
		}
		if r.Offset >= from {
			greatest = max(greatest, r.Timestamp)
		}
	}
	return greatest, nil
}
