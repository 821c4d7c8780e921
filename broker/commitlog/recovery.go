package commitlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"time"

	"odradek/broker/env"
	"odradek/broker/env/sometimes"
	"odradek/broker/record"
)

// Open opens the log in dir, which is made when it is missing. What lies before the recovery point is believed; what lies
// behind it, after an unclean stop, is read and checked batch by batch, and the log ends before the first that is not whole.
// A log that was closed is opened without reading a record.
func Open(disk env.Disk, dir string, cfg Config, opts Options) (*Log, error) {
	opts = opts.withDefaults()
	l := &Log{
		disk: disk, dir: dir, logger: opts.Logger, background: opts.Go, onReadError: opts.OnReadError, beside: opts.Beside,
		syncParent: opts.SyncParent, files: opts.Files, recovery: nothingTrusted,
	}
	l.producers = newProducerState()
	l.producers.purgedMs = time.Now().UnixMilli()
	l.SetConfig(cfg)
	if err := l.open(opts); err != nil {
		for _, s := range l.segments {
			s.file.release()
		}
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	return l, nil
}

func (l *Log) open(opts Options) error {
	names, err := l.list()
	if err != nil {
		return err
	}
	bases, err := l.sweep(names)
	if err != nil {
		return err
	}
	brandNew := !slices.ContainsFunc(names, isOfLog)
	hasStart, err := l.readCheckpoints(names)
	if err != nil {
		return err
	}
	syncFailed, err := l.readFailedSync(opts, names)
	if err != nil {
		return err
	}
	l.cutting, l.whole = syncFailed && opts.Cut, opts.Whole
	if bases, err = l.sweepHead(bases); err != nil {
		return err
	}
	clean, err := l.loadSegments(bases, names)
	if err != nil {
		return err
	}
	if syncFailed {
		clean = false
	}
	if syncFailed && !opts.Cut {
		if err := l.rewrite(); err != nil {
			return err
		}
	}
	if len(l.segments) > 0 {
		l.startOffset = max(l.startOffset, l.segments[0].base)
	}
	if len(l.segments) == 0 || l.startOffset > l.active().nextOffset {
		if err := l.startEmpty(brandNew); err != nil || !syncFailed {
			return err
		}
		return l.forgetFailedSync()
	}
	end := l.active().nextOffset
	l.epochs.truncateFromEnd(end)
	l.epochs.truncateFromStart(l.startOffset)
	l.tail.reset(end, l.active().size)
	if !clean {
		return l.settle(syncFailed)
	}
	l.synced.Store(end)
	if hasStart {
		// The mark of a clean stop may be older than the start, whose writing may have been cut short.
		return l.syncEntries()
	}
	return nil
}

// settle makes durable what was found: someone will build on it, and it must not be lost by a later loss of power.
func (l *Log) settle(syncFailed bool) error {
	l.recovery = nothingTrusted
	if err := l.checkpointEnd(); err != nil || !syncFailed {
		return err
	}
	return l.forgetFailedSync()
}

// rewrite writes anew what lies behind the recovery point, after an fsync of it has failed: see syncFile.
func (l *Log) rewrite() error {
	for _, s := range l.segments {
		if s.nextOffset <= l.recovery.offset {
			continue
		}
		from := int64(0)
		if s.base == l.recovery.base {
			from = l.recovery.position
		}
		if err := copyBatches(s.file, s.file, from, s.size); err != nil {
			return fmt.Errorf("segment %d: %w", s.base, err)
		}
	}
	return nil
}

// sweep removes what an interrupted change has left, and returns the bases of the segments, rising.
func (l *Log) sweep(names []string) (bases []int64, err error) {
	known := map[int64]bool{}
	for _, name := range names { // sorted, so a segment's .index comes before its .log
		if base, ok := parseSegmentName(name, logSuffix); ok {
			bases = append(bases, base)
			known[base] = true
		}
	}
	for _, name := range names {
		base, ok := int64(0), false
		for _, suffix := range indexSuffixes {
			if !ok {
				base, ok = parseSegmentName(name, suffix)
			}
		}
		orphan := ok && !known[base]
		if orphan || isLeftover(name) {
			if err := l.disk.Remove(l.path(name)); err != nil {
				return nil, err
			}
		}
	}
	return bases, nil
}

// isLeftover says that a file is of a change that was not completed, or waits for its removal.
func isLeftover(name string) bool {
	for _, suffix := range []string{temporarySuffix, cleanedSuffix, swapSuffix, deletedSuffix} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// readCheckpoints reads the checkpoint files. One that is missing or damaged makes for more to read, not for an error.
func (l *Log) readCheckpoints(names []string) (hasStart bool, err error) {
	content, hasStart, err := l.readListed(startFile, names)
	if err != nil {
		return false, err
	}
	if hasStart {
		if l.startOffset, err = decodeStart(content); err != nil {
			l.logger.Warn("log start offset is lost", "dir", l.dir, "error", err)
		}
	}
	content, ok, err := l.readListed(recoveryFile, names)
	if err != nil {
		return false, err
	}
	l.pointed = ok
	if ok {
		if l.recovery, err = decodeRecoveryPoint(content); err != nil {
			l.logger.Warn("recovery point is lost", "dir", l.dir, "error", err)
		}
	}
	content, ok, err = l.readListed(epochFile, names)
	if err != nil {
		return false, err
	}
	l.epochs.written = ok
	if ok {
		l.epochs.entries, err = decodeEpochs(content)
	}
	if !ok || err != nil {
		// The recovery point is never written before the epochs are.
		if l.recovery != nothingTrusted {
			l.logger.Warn("leader epochs are lost", "dir", l.dir, "error", err)
		}
		l.recovery, l.epochs.dirty = nothingTrusted, true
	}
	return hasStart, nil
}

// loadSegments opens the segments and finds out where the log ends. clean says that nothing behind the recovery point was
// there.
func (l *Log) loadSegments(bases []int64, names []string) (clean bool, err error) {
	sizes, err := l.openSegments(bases, names)
	if err != nil {
		return false, err
	}
	trusted := l.trustedSegments(sizes)
	l.parentSynced = trusted > 0
	for i := range trusted {
		if err := l.loadTrusted(i, sizes[i]); err != nil {
			return false, err
		}
	}
	l.epochs.truncateFromEnd(max(l.recovery.offset, 0))
	if err := l.restoreProducersAtOpen(names, l.segments[:trusted]); err != nil {
		return false, err
	}
	if l.recovery.clean && trusted == len(l.segments) && sizes[trusted-1] == l.recovery.position {
		s := l.segments[trusted-1]
		s.syncedSize, s.entrySynced = s.size, true
		return true, nil
	}
	first := max(trusted-1, 0)
	if trusted > 0 && l.segments[first].sealed && sizes[first] == l.recovery.position {
		first++ // nothing more is in it
	}
	return false, l.verifySegments(first, sizes)
}

func (l *Log) openSegments(bases []int64, names []string) (sizes []int64, err error) {
	nowMs := time.Now().UnixMilli()
	for i, base := range bases {
		f, err := l.disk.Open(l.path(segmentName(base, logSuffix)), 0)
		if err != nil {
			return nil, err
		}
		s := l.newSegment(base, f, nowMs)
		s.sealed = i < len(bases)-1
		for _, suffix := range indexSuffixes {
			s.companions = s.companions || slices.Contains(names, segmentName(base, suffix))
		}
		l.segments = append(l.segments, s)
		size, err := f.Size()
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, size)
		if s.sealed {
			s.file.rest() // unless it is found not to be settled
		}
	}
	return sizes, nil
}

// trustedSegments is how many segments the recovery point vouches for, the last of them up to its position. A recovery point
// that does not fit the files is not believed.
func (l *Log) trustedSegments(sizes []int64) int {
	for i, s := range l.segments {
		if s.base == l.recovery.base && sizes[i] >= l.recovery.position && s.base <= l.recovery.offset {
			return i + 1
		}
	}
	if l.recovery != nothingTrusted {
		l.logger.Warn("recovery point does not fit the segments", "dir", l.dir, "offset", l.recovery.offset)
	}
	l.recovery = nothingTrusted
	return 0
}

// loadTrusted learns what the i-th segment holds before the recovery point: from its index files, or, when those are damaged
// or were not written, from its batches.
func (l *Log) loadTrusted(i int, fileSize int64) error {
	s, cfg := l.segments[i], l.config.Load()
	size, next, last := fileSize, l.recovery.offset, s.base == l.recovery.base
	if last {
		size = l.recovery.position
	} else {
		next = l.segments[i+1].base
	}
	if !last {
		if err := l.peek(s, size, next); err == nil {
			l.leaveIndex(s)
			return nil
		} else if !errors.Is(err, errIndexDamaged) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	// A segment with more behind the recovery point was still written to, and its index files are older than the log.
	if (!last || size == fileSize) && !s.isBare(size) {
		x, err := loadIndex(l.disk, l.dir, s.base, size, next-s.base, indexBytesMax(cfg))
		if err == nil {
			err = s.adopt(x, size, next)
		}
		if err == nil {
			l.leaveIndex(s)
			return nil
		}
		if !errors.Is(err, errIndexDamaged) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		l.logger.Warn("index is rebuilt", "dir", l.dir, "segment", s.base, "error", err)
	}
	if err := s.rescan(size, cfg.IndexIntervalBytes); err != nil {
		return err
	}
	if s.nextOffset != next {
		return fmt.Errorf("%w: segment %d ends at %d, not %d", record.ErrCorrupt, s.base, s.nextOffset, next)
	}
	if s.isBare(size) && size == fileSize {
		var aborted []AbortedTxn
		var err error
		if s.companions {
			aborted, err = loadAborted(l.disk, l.dir, s.base, next-s.base, indexBytesMax(cfg))
		}
		if err == nil {
			s.setAborted(aborted)
			return nil
		}
		l.logger.Warn("index is rebuilt", "dir", l.dir, "segment", s.base, "error", err)
	}
	if err := l.recoverAbortedAt(i); err != nil {
		return err
	}
	if !s.sealed || size < fileSize {
		return nil
	}
	s.index.observeTime(s.base, s.maxTimestamp, s.maxTimestampOffset)
	if _, err := l.writeCompanions(s, nil); err != nil {
		return err
	}
	l.leaveIndex(s)
	return nil
}

// recoverAbortedAt is segment.recoverAborted for the i-th segment; those before it are loaded.
func (l *Log) recoverAbortedAt(i int) error {
	var spans []span
	for _, s := range l.segments[:i] {
		spans = append(spans, s.span())
	}
	s := l.segments[i]
	producers, err := l.producersAfter(spans, s.base)
	if err != nil {
		return err
	}
	return s.recoverAborted(s.size, producers)
}

// leaveIndex leaves the index of a sealed segment to the disk.
func (l *Log) leaveIndex(s *segment) {
	if s.sealed {
		s.index, s.syncedSize, s.entrySynced = nil, s.size, true
	}
}

// verifySegments goes on behind the recovery point, in the first segment given. The log ends at the first batch that is not
// whole or does not continue the log; what lies behind, in this segment and in later ones, is removed.
func (l *Log) verifySegments(first int, sizes []int64) error {
	for i := first; i < len(l.segments); i++ {
		s := l.segments[i]
		if i > 0 && s.base != l.segments[i-1].nextOffset {
			if s.base > l.startOffset {
				if l.whole {
					return fmt.Errorf("%w: segment %d follows offset %d", ErrTorn, s.base, l.segments[i-1].nextOffset)
				}
				return l.dropFrom(i)
			}
			// The removal of the head, all of it before the start, was cut short.
			if err := l.dropTo(i); err != nil {
				return err
			}
			sizes, i = sizes[i:], 0
		}
		s.syncedSize, s.entrySynced = -1, false
		if err := s.file.stay(); err != nil {
			return err
		}
		if err := l.verify(s, sizes[i]); err != nil {
			return err
		}
		if s.size < sizes[i] {
			if err := l.mayCut(s); err != nil {
				return err
			}
			l.logger.Warn("log is cut", "dir", l.dir, "offset", s.nextOffset, "segment", s.base, "bytes", sizes[i]-s.size)
			sometimes.Reached(sometimes.TailCut)
			if err := s.file.Truncate(s.size); err != nil {
				return err
			}
			if !s.sealed || l.segments[i+1].base != s.nextOffset {
				return l.dropFrom(i + 1)
			}
			// The log goes on there: what is cut was allocated and not used (preallocate).
		}
		if s.sealed {
			s.snapshot = l.producers.snapshot(s.nextOffset) // for when what is before has left the log
		}
	}
	return nil
}

// mayCut says whether what lies behind the end of s, as it was found, may be cut off. Allocated space that was never written
// (preallocate) always may.
func (l *Log) mayCut(s *segment) error {
	if !l.whole {
		return nil
	}
	var head [record.HeaderSize]byte
	n, err := s.file.ReadAt(head[:], s.size)
	if err != nil && err != io.EOF {
		return err
	}
	for _, b := range head[:n] {
		if b != 0 {
			return fmt.Errorf("%w: segment %d at offset %d", ErrTorn, s.base, s.nextOffset)
		}
	}
	return nil
}

// dropTo removes the segments before the i-th.
func (l *Log) dropTo(i int) error {
	for range i {
		s := l.segments[0]
		if err := l.removeSegmentFiles(s.base); err != nil {
			return err
		}
		l.segments = l.segments[1:]
		s.file.release()
	}
	return nil
}

// dropFrom removes the i-th segment and those after it, the newest first.
func (l *Log) dropFrom(i int) error {
	for j := len(l.segments) - 1; j >= i; j-- {
		s := l.segments[j]
		l.logger.Warn("segment is dropped", "dir", l.dir, "segment", s.base)
		if err := l.removeSegmentFiles(s.base); err != nil {
			return err
		}
		s.file.release()
		l.segments = l.segments[:j]
	}
	if i == 0 {
		return nil
	}
	s := l.active()
	if err := s.file.stay(); err != nil {
		return err
	}
	s.sealed = false
	if s.index != nil {
		return nil
	}
	if err := s.rescan(s.size, l.config.Load().IndexIntervalBytes); err != nil {
		return err
	}
	return l.recoverAbortedAt(i - 1)
}

// verify takes in what lies behind the known end of s, as long as it is whole batches that continue the log.
func (l *Log) verify(s *segment, fileSize int64) error {
	interval := l.config.Load().IndexIntervalBytes
	scan := longScanner(s.file, s.size, fileSize)
	scan.next, scan.epoch = s.nextOffset, l.epochs.last()
	defer scan.release()
	for {
		batch, err := scan.verified() // which asks the disk twice: what is cut here is lost
		if err == nil && l.cutting && batch.LastOffset() >= l.certain {
			return nil
		}
		if err == nil {
			err = l.continues(s, batch)
		}
		switch {
		case err == io.EOF, errors.Is(err, errNotRecord), isRecordError(err):
			return nil
		case err != nil:
			return err
		}
		l.take(s, batch, interval)
		scan.skip(batch)
	}
}

// errNotRecord says that a whole batch is not the next of this log: it was left by an earlier use of the file's blocks.
var errNotRecord = errors.New("batch does not continue the log")

func (l *Log) continues(s *segment, batch record.Batch) error {
	if batch.BaseOffset() < s.nextOffset || batch.LastOffset()-s.base > math.MaxInt32 || s.size > math.MaxInt32 {
		return fmt.Errorf("%w: offset %d at %d", errNotRecord, batch.BaseOffset(), s.nextOffset)
	}
	if batch.PartitionLeaderEpoch() < l.epochs.last() {
		return fmt.Errorf("%w: epoch %d after %d", errNotRecord, batch.PartitionLeaderEpoch(), l.epochs.last())
	}
	if batch.IsControl() {
		if _, err := markerOf(batch); err != nil {
			return err
		}
	}
	return nil
}

func isRecordError(err error) bool {
	for _, sentinel := range []error{record.ErrTruncated, record.ErrCorrupt, record.ErrUnsupportedMagic, record.ErrUnsupportedCodec, record.ErrTooLarge} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
}

// startEmpty makes the log empty at its start offset: it is new, or a loss of power took all that was after it.
func (l *Log) startEmpty(brandNew bool) error {
	l.recovery = nothingTrusted
	if !brandNew {
		// What the disk trusts was of files that go now.
		if err := l.writeRecoveryPoint(nothingTrusted); err != nil {
			return err
		}
	}
	if err := l.dropFrom(0); err != nil {
		return err
	}
	if !brandNew {
		if err := l.removeSnapshots(-1); err != nil {
			return err
		}
	}
	s, err := l.createSegment(l.startOffset)
	if err != nil {
		return err
	}
	l.segments = []*segment{s}
	l.parentSynced = false
	l.epochs.truncateFromEnd(0)
	l.epochs.dirty = true
	l.producers = newProducerState()
	l.tail.reset(s.base, 0)
	l.synced.Store(s.base)
	if brandNew {
		return nil // losing it loses nothing: the first Sync makes it durable
	}
	return l.syncEntries()
}
