package commitlog

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"time"

	"odradek/broker/env"
	"odradek/broker/record"
)

// segment is one file of the log with its index. Log.mu guards its fields; base and file never change, but for file when a
// truncation has to leave the old one to its readers, or a replacement has taken the place of the segment.
type segment struct {
	base int64
	file *sharedFile

	size       int64 // bytes that are whole batches; what lies behind is not part of the log
	nextOffset int64 // Invariant: base <= nextOffset, the offset after the last batch

	firstTimestamp     int64 // of the first batch, by which segment.ms counts; record.NoTimestamp when there is none
	maxTimestamp       int64 // record.NoTimestamp when there is none
	maxTimestampOffset int64 // last offset of the first batch with maxTimestamp
	createdMs          int64
	jitter             float64 // share of segment.jitter.ms that is taken off segment.ms, in [0, 1)

	index *index // nil when it was left on the disk; see Log.loadIndex
	// abortedFirst is the least first offset of the aborted transactions whose markers are here: noneAborted without any. It
	// stays in memory when the index does not.
	abortedFirst int64

	// What follows is read and written by whoever has the log's sync turn, as well as under mu.
	sealed      bool   // nothing is appended any more
	allocated   bool   // the file may be longer than size (preallocate)
	syncedSize  int64  // bytes of the file that are durable
	entrySynced bool   // the directory entry is durable
	snapshot    []byte // producer state at nextOffset, taken when sealed, until it is written
	companions  bool   // there may be files of its indexes
}

func (l *Log) newSegment(base int64, file env.File, nowMs int64) *segment {
	s := &segment{base: base, file: l.share(file, base), createdMs: nowMs, jitter: rand.Float64()}
	s.reset()
	return s
}

// reset forgets all that observe learned.
func (s *segment) reset() {
	s.size, s.nextOffset = 0, s.base
	s.firstTimestamp, s.maxTimestamp, s.maxTimestampOffset = record.NoTimestamp, record.NoTimestamp, -1
	s.index, s.abortedFirst = &index{}, noneAborted
}

// noneAborted is past every offset.
const noneAborted = math.MaxInt64

func (l *Log) createSegment(base int64) (*segment, error) {
	cfg := l.config.Load()
	// A file of this name can only be left over from an attempt that failed.
	f, err := l.disk.Open(l.path(segmentName(base, logSuffix)), os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return nil, fmt.Errorf("create segment %d: %w", base, err)
	}
	if cfg.Preallocate {
		if err := f.Truncate(cfg.SegmentBytes); err != nil {
			return nil, fmt.Errorf("allocate segment %d: %w", base, errors.Join(err, f.Close()))
		}
	}
	s := l.newSegment(base, f, time.Now().UnixMilli())
	s.allocated = cfg.Preallocate
	return s, nil
}

// bareBytesMax is the size in bytes up to which the active segment does without index files: to read it is less than to read
// those. A node with thousands of partitions has thousands of such.
const bareBytesMax = 4 << 10

// isBare says that a segment of so many bytes has no files of indexes, but for one of aborted transactions.
func (s *segment) isBare(size int64) bool { return !s.sealed && size <= bareBytesMax }

// durable says that the segment is complete on the disk, with its index files.
func (s *segment) durable() bool {
	return s.sealed && s.entrySynced && s.syncedSize == s.size && s.snapshot == nil
}

// observe takes in the batch that starts at the segment's end.
func (s *segment) observe(batch record.Batch, indexInterval int64) {
	timestamp := batch.MaxTimestamp()
	if s.size == 0 {
		s.firstTimestamp = timestamp
	}
	if timestamp > s.maxTimestamp && batch.NumRecords() > 0 { // compaction leaves headers of what was
		s.maxTimestamp, s.maxTimestampOffset = timestamp, batch.LastOffset()
	}
	s.index.observe(s.base, batch, s.size, indexInterval, s.maxTimestamp, s.maxTimestampOffset)
	s.size += int64(batch.Size())
	s.nextOffset = batch.NextOffset()
}

// full says whether the segment must be sealed before n bytes are appended that end with lastOffset and whose greatest
// timestamp is given; Kafka's LogSegment.shouldRoll.
func (s *segment) full(n int, lastOffset, timestamp, nowMs int64, cfg *Config) bool {
	if s.size == 0 {
		return false
	}
	// Index entries hold positions in 31 bits, whatever segment.bytes says.
	if s.size+int64(n) > min(cfg.SegmentBytes, math.MaxInt32) || lastOffset-s.base > math.MaxInt32 {
		return true
	}
	waited := nowMs - s.createdMs
	if s.firstTimestamp >= 0 && timestamp >= 0 {
		waited = timestamp - s.firstTimestamp
	}
	jitter := int64(s.jitter * float64(min(cfg.SegmentJitterMs, cfg.SegmentMs)))
	return waited > cfg.SegmentMs-jitter || int64(len(s.index.offsets)+1)*indexEntrySize > cfg.IndexBytesMax
}

// rescan learns anew what the first size bytes hold, but for aborted transactions (see recoverAborted); they are known to be
// whole batches.
func (s *segment) rescan(size, indexInterval int64) error {
	s.reset()
	scan := longScanner(s.file, 0, size)
	defer scan.release()
	for {
		batch, err := scan.checked()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("segment %d: %w", s.base, err)
		}
		s.observe(batch, indexInterval)
		scan.skip(batch)
	}
}

// adopt takes over an index that was read from its files, for a segment of size bytes that ends at nextOffset.
func (s *segment) adopt(x index, size, nextOffset int64) error {
	s.reset()
	first := lookupScanner(s.file, 0, size)
	defer first.release()
	batch, err := first.header()
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return err
	}
	if len(x.times) == 0 {
		return fmt.Errorf("%w: no times", errIndexDamaged)
	}
	last := x.times[len(x.times)-1]
	s.firstTimestamp = batch.MaxTimestamp()
	s.maxTimestamp, s.maxTimestampOffset = last.timestamp, s.base+int64(last.offset)
	s.size, s.nextOffset, s.index = size, nextOffset, &x
	s.setAborted(x.aborted)
	return nil
}
