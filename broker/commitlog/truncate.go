package commitlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"odradek/broker/env"
)

// TruncateTo removes every batch that holds offset or a later one, so that the end offset is at most offset, durably: nothing
// of it comes back, whatever happens. At or past the end it only drops the leader epochs from offset on. Before the first
// segment it leaves an empty log that starts at offset.
func (l *Log) TruncateTo(offset int64) error {
	l.writer.Lock()
	defer l.writer.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	if offset < 0 {
		return fmt.Errorf("%w: truncate to %d", ErrOffsetOutOfRange, offset)
	}
	if offset >= l.active().nextOffset {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.epochs.truncateFromEnd(offset)
		return nil
	}
	l.turn.take()
	defer l.turn.leave()
	var err error
	if offset < l.segments[0].base {
		err = l.restartAt(offset)
	} else {
		err = l.cut(offset)
	}
	if err != nil && !errors.Is(err, errNothingDone) {
		return l.fail("truncate", err)
	}
	return err
}

// errNothingDone says that a full disk has kept a truncation from beginning.
var errNothingDone = errors.New("nothing was changed")

func nothingDone(err error) error {
	if errors.Is(err, env.ErrNoSpace) {
		return fmt.Errorf("%w: %w", errNothingDone, err)
	}
	return err
}

// TruncateAndStartAt removes all that is in the log, which then starts, empty, at offset: what a follower does when its
// leader's log starts past the follower's end, or ends before the follower's start.
func (l *Log) TruncateAndStartAt(offset int64) error {
	l.writer.Lock()
	defer l.writer.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	if offset < 0 {
		return fmt.Errorf("%w: start at %d", ErrOffsetOutOfRange, offset)
	}
	return l.restart(offset)
}

// restart is TruncateAndStartAt for a caller that holds writer.
func (l *Log) restart(offset int64) error {
	l.turn.take()
	defer l.turn.leave()
	err := l.restartAt(offset)
	if err != nil && !errors.Is(err, errNothingDone) {
		return l.fail("truncate", err)
	}
	return err
}

// AdvanceStart moves the start offset forward, durably; records before it are not read any more. Going back does nothing.
// ErrOffsetOutOfRange says that offset is past the end.
func (l *Log) AdvanceStart(offset int64) error {
	l.writer.Lock()
	defer l.writer.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	return l.advance(offset)
}

// advance is AdvanceStart for a caller that holds writer.
func (l *Log) advance(offset int64) error {
	if offset <= l.startOffset {
		return nil
	}
	if end := l.active().nextOffset; offset > end {
		return fmt.Errorf("%w: start at %d, end at %d", ErrOffsetOutOfRange, offset, end)
	}
	l.turn.take()
	err := l.writeStart(offset)
	l.turn.leave()
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.startOffset = offset
	l.epochs.truncateFromStart(offset)
	return nil
}

// writeStart makes the start offset durable. The caller has the turn.
func (l *Log) writeStart(offset int64) error {
	if !l.parentSynced {
		if err := l.syncEntries(); err != nil {
			return err
		}
	}
	return env.WriteFileAtomic(l.disk, l.path(startFile), encodeStart(offset))
}

// cut is TruncateTo inside of the log. First the disk learns that less is to be trusted, then readers, then the files are
// cut, the newest first, so that a crash in between leaves a log that ends somewhere between the new end and the old.
// The caller holds writer and the turn.
func (l *Log) cut(offset int64) error {
	i := l.segmentAt(offset)
	s := l.segments[i]
	if err := s.file.stay(); err != nil {
		return err
	}
	kept, err := s.head(offset, l.config.Load().IndexIntervalBytes)
	if err != nil {
		return err
	}
	end := kept.nextOffset
	aborted, err := l.abortedOf(s, s.file)
	if err != nil {
		return err
	}
	kept.setAborted(abortedBefore(aborted, end))
	if err := l.distrust(recoveryPoint{offset: end, base: s.base, position: kept.size}); err != nil {
		return nothingDone(err)
	}
	if l.startOffset > end {
		if err := l.writeStart(end); err != nil {
			return err
		}
	}
	dropped := l.segments[i+1:]
	l.mu.Lock()
	l.segments = l.segments[: i+1 : i+1]
	s.become(kept)
	l.startOffset = min(l.startOffset, end)
	l.epochs.truncateFromEnd(end)
	l.tail.reset(end, s.size)
	l.hints.clear()
	l.mu.Unlock()
	l.synced.Store(min(l.synced.Load(), end))

	err = l.removeSegments(dropped)
	releaseAll(dropped)
	if err != nil {
		return err
	}
	if err := l.cutFile(s); err != nil {
		return err
	}
	if err := l.syncEntries(); err != nil {
		return err
	}
	s.syncedSize, s.entrySynced = s.size, true
	return l.restoreProducers(end, l.segments)
}

// head is what is left of the segment before offset.
func (s *segment) head(offset, indexInterval int64) (*segment, error) {
	kept := &segment{base: s.base, file: s.file}
	kept.reset()
	scan := longScanner(s.file, 0, s.size)
	defer scan.release()
	for {
		batch, err := scan.checked()
		if err == io.EOF || err == nil && batch.LastOffset() >= offset {
			return kept, nil
		}
		if err != nil {
			return nil, fmt.Errorf("segment %d: %w", s.base, err)
		}
		kept.observe(batch, indexInterval)
		scan.skip(batch)
	}
}

// become makes the segment active again with what head has kept. The caller holds mu.
func (s *segment) become(kept *segment) {
	s.size, s.nextOffset, s.index, s.abortedFirst = kept.size, kept.nextOffset, kept.index, kept.abortedFirst
	s.firstTimestamp, s.maxTimestamp, s.maxTimestampOffset = kept.firstTimestamp, kept.maxTimestamp, kept.maxTimestampOffset
	s.sealed, s.allocated, s.snapshot = false, false, nil // its file is cut next
}

// distrust makes sure that the recovery point and the producer snapshots on the disk do not go past r. The point goes first: it vouches for
// the snapshot that it was written with, and opening removes those that are past it.
func (l *Log) distrust(r recoveryPoint) error {
	past := l.recovery.offset > r.offset
	if past || l.recovery.clean {
		lower := r
		if !past { // the mark of a clean stop must go even where it stands: the file will end there again, but not durably at once
			lower = l.recovery
			lower.clean = false
		}
		if err := l.writeRecoveryPoint(lower); err != nil {
			return err
		}
		return l.removeSnapshots(r.offset)
	}
	if err := l.removeSnapshots(r.offset); err != nil {
		return err
	}
	return l.disk.SyncDir(l.dir)
}

// cutFile makes the segment's file as short as the segment, durably. When slices of it are out, they keep the old file, and
// the segment goes on in a copy.
func (l *Log) cutFile(s *segment) error {
	if !s.file.pinned() {
		if err := s.file.Truncate(s.size); err != nil {
			return err
		}
		return l.syncFile(s)
	}
	name := l.path(segmentName(s.base, logSuffix))
	f, err := l.disk.Open(name+temporarySuffix, os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	err = copyBatches(f, s.file, 0, s.size)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = l.disk.Rename(name+temporarySuffix, name)
	}
	if err != nil {
		_ = f.Close() // the error that counts is known
		return err
	}
	old := s.file
	l.mu.Lock()
	s.file = l.share(f, s.base)
	l.mu.Unlock()
	old.release()
	return nil
}

// removeSegments removes the files of segments, the newest first. They stay open.
func (l *Log) removeSegments(segments []*segment) error {
	for i := len(segments) - 1; i >= 0; i-- {
		if err := segments[i].file.stay(); err != nil {
			return err
		}
		if err := l.removeSegmentFiles(segments[i].base); err != nil {
			return err
		}
	}
	return nil
}

// releaseAll lets go of the files of segments that are no longer in the list.
func releaseAll(segments []*segment) {
	for _, s := range segments {
		s.file.release()
	}
}

func (l *Log) removeSegmentFiles(base int64) error {
	if err := l.disk.Remove(l.path(segmentName(base, logSuffix))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return l.removeIndexFiles(base)
}

func (l *Log) removeIndexFiles(base int64) error { return l.removeFiles(base, indexSuffixes[:]...) }

// removeFiles removes what there is of a segment's files with these suffixes.
func (l *Log) removeFiles(base int64, suffixes ...string) error {
	for _, suffix := range suffixes {
		if err := l.disk.Remove(l.path(segmentName(base, suffix))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// restartAt is TruncateAndStartAt. A start that goes forward is written first: when it is past the end, a crash at any later
// step leads Open to the same empty log. One that goes back is written when the records are gone: it would show those that
// an earlier start has hidden. The caller holds writer and the turn.
func (l *Log) restartAt(offset int64) error {
	forward := offset > l.startOffset
	if forward {
		if err := l.writeStart(offset); err != nil {
			return err
		}
	}
	if err := l.distrust(nothingTrusted); err != nil {
		if forward {
			return err // the start is written
		}
		return nothingDone(err)
	}
	if err := l.removeSegments(l.segments); err != nil {
		return err
	}
	if err := l.disk.SyncDir(l.dir); err != nil {
		return err
	}
	if !forward {
		if err := l.writeStart(offset); err != nil {
			return err
		}
	}
	fresh, err := l.createSegment(offset)
	if err != nil {
		return err
	}
	old := l.segments
	l.mu.Lock()
	l.segments = []*segment{fresh}
	l.startOffset = offset
	l.epochs.truncateFromEnd(0)
	l.tail.reset(offset, 0)
	l.hints.clear()
	l.mu.Unlock()
	releaseAll(old)
	l.setProducers(newProducerState())
	l.synced.Store(offset)
	return nil
}
