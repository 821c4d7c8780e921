package commitlog

import (
	"errors"
	"io/fs"
	"time"
)

// SegmentInfo describes a segment to who plans what to keep. A segment holds the records from Base on before Next; with
// compaction it may lack any of them.
type SegmentInfo struct {
	Base, Next int64 // Invariant: Next is the Base of the segment after
	Size       int64 // bytes
	// FirstMs is the timestamp of the first batch, NewestMs the greatest of all, in milliseconds since 1970; the time when the
	// segment was made or opened where the records have none.
	FirstMs, NewestMs int64
	Active            bool // it is appended to
	// Settled: before the recovery point, on the disk with all that is its own. Only such segments are dropped or replaced.
	Settled bool
}

// Segments describes the segments, oldest first, the active one last. It is empty when the log is closed.
func (l *Log) Segments() []SegmentInfo {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return nil
	}
	infos := make([]SegmentInfo, len(l.segments))
	for i, s := range l.segments {
		infos[i] = SegmentInfo{
			Base: s.base, Next: s.nextOffset, Size: s.size, FirstMs: s.firstTimestamp, NewestMs: s.maxTimestamp,
			Active: s == l.active(), Settled: s.durable(),
		}
		if s.firstTimestamp < 0 {
			infos[i].FirstMs = s.createdMs
		}
		if s.maxTimestamp < 0 {
			infos[i].NewestMs = s.createdMs
		}
	}
	return infos
}

// DropHead removes the segments that lie wholly before the start offset, and returns how many. When all records do, the active
// segment is closed first, and goes by a later call, once it is settled. Files stay for file.delete.delay.ms; readers keep
// what they have open.
func (l *Log) DropHead() (dropped int, err error) {
	l.writer.Lock()
	if err := l.usable(); err != nil {
		l.writer.Unlock()
		return 0, err
	}
	if s := l.active(); s.size > 0 && s.nextOffset <= l.startOffset {
		if err := l.roll(); err != nil {
			l.writer.Unlock()
			return 0, err
		}
	}
	if s := l.segments[0]; s == l.active() || s.nextOffset > l.startOffset {
		l.writer.Unlock()
		return 0, nil
	}
	l.turn.take()
	defer l.turn.leave()
	head, err := l.cutHead()
	l.writer.Unlock()
	if err != nil || len(head) == 0 {
		return 0, err
	}
	if err := l.removeHead(head); err != nil {
		return 0, l.fail("drop head", err)
	}
	return len(head), nil
}

// cutHead takes the settled segments before the start out of the list, after the recovery point has left them: what it says of
// the producers stays true. Segments that a full disk has kept from being settled are tried again first. The caller holds
// writer and the turn.
func (l *Log) cutHead() ([]*segment, error) {
	if l.sealLate {
		if err := l.seal(); err != nil {
			return nil, err
		}
	}
	n := 0
	for n < len(l.segments)-1 && l.segments[n].nextOffset <= l.startOffset && l.segments[n].durable() {
		n++
	}
	head := l.segments[:n]
	if n == 0 {
		return nil, nil
	}
	if err := l.leaveHead(head[n-1].nextOffset); err != nil {
		return nil, l.failUnlessFull("drop head", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segments = append([]*segment(nil), l.segments[n:]...)
	return head, nil
}

// removeHead removes the files of segments that are out of the list. The caller has the turn.
func (l *Log) removeHead(head []*segment) error {
	end := head[len(head)-1].nextOffset
	var doomed []string
	for _, s := range head {
		if err := s.file.stay(); err != nil {
			return err
		}
		for _, suffix := range indexSuffixes {
			doomed = append(doomed, segmentName(s.base, suffix))
		}
		doomed = append(doomed, segmentName(s.base, logSuffix))
	}
	if err := l.doom(doomed); err != nil {
		return err
	}
	if err := l.removeSnapshotsBetween(0, end); err != nil {
		return err
	}
	for _, s := range head {
		s.file.release()
	}
	return l.disk.SyncDir(l.dir)
}

// leaveHead moves a recovery point that stands in a segment before end, and so at its end, to the start of the next.
func (l *Log) leaveHead(end int64) error {
	if l.recovery == nothingTrusted || l.recovery.base >= end {
		return nil
	}
	return l.writeRecoveryPoint(recoveryPoint{offset: end, base: end})
}

// doom removes files, after file.delete.delay.ms. Till then they bear a name that Open removes.
func (l *Log) doom(names []string) error {
	delay := l.config.Load().FileDeleteDelayMs
	for i, name := range names {
		var err error
		if delay > 0 {
			err = l.disk.Rename(l.path(name), l.path(name+deletedSuffix))
			names[i] = name + deletedSuffix
		} else {
			err = l.disk.Remove(l.path(name))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if delay > 0 {
		time.AfterFunc(time.Duration(delay)*time.Millisecond, func() { l.removeDoomed(names) })
	}
	return nil
}

func (l *Log) removeDoomed(names []string) {
	l.turn.take()
	defer l.turn.leave()
	l.mu.RLock()
	closed := l.closed
	l.mu.RUnlock()
	if closed || l.failed() != nil {
		return // the next Open does it
	}
	for _, name := range names {
		if err := l.disk.Remove(l.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.logger.Warn("a deleted file stays", "dir", l.dir, "file", name, "error", err)
		}
	}
}

// removeSnapshotsBetween removes the producer snapshots at offsets after low and before high; with low 0 also that at 0.
func (l *Log) removeSnapshotsBetween(low, high int64) error {
	offsets, err := l.snapshots()
	if err != nil {
		return err
	}
	for _, offset := range offsets {
		if offset >= high || offset <= low && low > 0 {
			continue
		}
		if err := l.disk.Remove(l.path(segmentName(offset, snapshotSuffix))); err != nil {
			return err
		}
	}
	return nil
}

// sweepHead removes, at Open, the segments before the start whose removal was cut short or had not begun. Those behind the
// recovery point stay, for what they say of the producers.
func (l *Log) sweepHead(bases []int64) ([]int64, error) {
	n := 0
	for n+1 < len(bases) && bases[n+1] <= min(l.startOffset, l.recovery.offset) {
		n++
	}
	if n == 0 {
		return bases, nil
	}
	if err := l.leaveHead(bases[n]); err != nil {
		return nil, err
	}
	for _, base := range bases[:n] {
		if err := l.removeSegmentFiles(base); err != nil {
			return nil, err
		}
	}
	return bases[n:], nil
}
