package commitlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"odradek/broker/env"
	"odradek/broker/record"
)

// Replacement is a segment that is being written to take the place of a run of settled segments, with fewer of their records.
// It is written beside them, at leisure and without a lock; Commit puts it in their place at once, for readers as for the disk.
//
// On the disk it goes by Kafka's names. While it is written its files end in ".cleaned", which Open removes. When it is complete
// and durable the records' file is renamed to end in ".swap": from then on it has replaced the others, and Open finishes what
// a crash has cut short. Then the replaced files go, the index files get their names, the recovery point moves into the new
// segment if it stood in an old one, and the records' file gets its name last.
type Replacement struct {
	log      *Log
	replaced []*segment
	files    []*sharedFile // theirs, pinned
	sizes    []int64
	aborted  []AbortedTxn // whose markers are in them, by rising last offset
	next     int64
	file     env.File
	fresh    *segment
	buffer   []byte
	written  int64 // bytes of the file
	interval int64
}

// Replace begins to replace the segments from that which starts at base to that which ends at next; they must be settled. There
// is one replacement of a log at a time. Either Commit or Discard must follow. Errors: ErrChanged when there are no such
// segments, ErrClosed, ErrStorage, and the disk's. bufferBytes are collected before they are written.
func (l *Log) Replace(base, next int64, bufferBytes int) (*Replacement, error) {
	if err := l.failed(); err != nil {
		return nil, err
	}
	r := &Replacement{log: l, next: next, interval: l.config.Load().IndexIntervalBytes, buffer: make([]byte, 0, bufferBytes)}
	if err := r.pin(base); err != nil {
		return nil, err
	}
	if err := r.learnAborted(); err != nil {
		r.unpin()
		return nil, err
	}
	f, err := l.disk.Open(l.path(segmentName(base, logSuffix)+cleanedSuffix), os.O_CREATE|os.O_TRUNC)
	if err != nil {
		r.unpin()
		return nil, err
	}
	r.file = f
	r.fresh = l.newSegment(base, f, 0)
	return r, nil
}

func (r *Replacement) pin(base int64) error {
	l := r.log
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return fmt.Errorf("%w: %s", ErrClosed, l.dir)
	}
	i := l.segmentAt(base)
	for j := i; j < len(l.segments)-1 && l.segments[j].durable() && l.segments[j].nextOffset <= r.next; j++ {
		r.replaced = append(r.replaced, l.segments[j])
		r.sizes = append(r.sizes, l.segments[j].size)
	}
	if n := len(r.replaced); n == 0 || r.replaced[0].base != base || r.replaced[n-1].nextOffset != r.next {
		r.replaced = nil
		return fmt.Errorf("%w: no settled segments from %d to %d", ErrChanged, base, r.next)
	}
	for _, s := range r.replaced {
		r.files = append(r.files, s.file.pin())
	}
	return nil
}

func (r *Replacement) learnAborted() error {
	for i, s := range r.replaced {
		aborted, err := r.log.abortedOf(s, r.files[i])
		if err != nil {
			return err
		}
		r.aborted = append(r.aborted, aborted...)
	}
	return nil
}

func (r *Replacement) unpin() {
	for _, f := range r.files {
		f.release()
	}
}

// Each calls visit with every batch of the segments that are replaced, in order, until it returns an error. Checksums are
// verified: what is damaged must not get a new one. The batch is good until visit returns.
func (r *Replacement) Each(visit func(record.Batch) error) error {
	for i, s := range r.replaced {
		if err := eachOf(r.files[i], r.sizes[i], visit); err != nil {
			return fmt.Errorf("segment %d: %w", s.base, err)
		}
	}
	return nil
}

func eachOf(file io.ReaderAt, size int64, visit func(record.Batch) error) error {
	scan := longScanner(file, 0, size)
	defer scan.release()
	for {
		batch, err := scan.verified()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = visit(batch)
		}
		if err != nil {
			return err
		}
		scan.skip(batch)
	}
}

// Append adds a batch, whose offsets must be those of the batch that it is left of. The memory may be used again.
func (r *Replacement) Append(batch record.Batch) error {
	if batch.BaseOffset() < r.fresh.nextOffset || batch.NextOffset() > r.next {
		panic(fmt.Sprintf("commitlog: batch %d to %d in a replacement of %d to %d", batch.BaseOffset(), batch.LastOffset(), r.fresh.nextOffset, r.next))
	}
	if r.fresh.size > math.MaxInt32 {
		return fmt.Errorf("%w: a replacement of more than 2 GiB", record.ErrTooLarge)
	}
	r.fresh.observe(batch, r.interval)
	r.keepAborted(batch)
	if len(r.buffer)+len(batch) > cap(r.buffer) {
		if err := r.flush(); err != nil {
			return err
		}
	}
	r.buffer = append(r.buffer, batch...)
	return nil
}

// keepAborted keeps what is known of an aborted transaction as long as its marker is there. Without the marker a reader would pass over
// the producer's records for ever; and a marker stays until nothing is left of its transaction.
func (r *Replacement) keepAborted(batch record.Batch) {
	if !batch.IsControl() || batch.NumRecords() == 0 {
		return
	}
	for len(r.aborted) > 0 && r.aborted[0].LastOffset < batch.LastOffset() {
		r.aborted = r.aborted[1:]
	}
	if len(r.aborted) > 0 && r.aborted[0].LastOffset == batch.LastOffset() {
		r.fresh.noteAborted(r.aborted[0])
	}
}

func (r *Replacement) flush() error {
	n, err := r.file.WriteAt(r.buffer, r.written)
	r.written += int64(n)
	r.buffer = r.buffer[:0]
	return err
}

// Size is how many bytes the replacement has.
func (r *Replacement) Size() int64 { return r.fresh.size }

// Discard gives the replacement up.
func (r *Replacement) Discard() {
	r.unpin()
	r.fresh.file.release()
	r.log.mu.RLock()
	closed := r.log.closed
	r.log.mu.RUnlock()
	if closed {
		return // the directory may be another log's by now; the next Open removes what is left
	}
	for _, suffix := range [...]string{logSuffix, indexSuffix, timeIndexSuffix, txnIndexSuffix} {
		name := segmentName(r.fresh.base, suffix) + cleanedSuffix
		if err := r.log.disk.Remove(r.log.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.log.logger.Warn("a discarded file stays", "dir", r.log.dir, "file", name, "error", err)
		}
	}
}

// Commit puts the replacement in its place. Its last batch must end where the last of the replaced ended, so that segments
// still follow each other without a gap. After an error the log is as it was, unless that is ErrStorage. ErrChanged says that
// the log was truncated meanwhile.
func (r *Replacement) Commit() error {
	if r.fresh.nextOffset != r.next {
		panic(fmt.Sprintf("commitlog: a replacement ends at %d, not %d", r.fresh.nextOffset, r.next))
	}
	if err := r.complete(); err != nil {
		r.Discard()
		return err
	}
	l := r.log
	l.writer.Lock()
	l.turn.take()
	defer l.turn.leave()
	err := l.usable()
	if err == nil && !r.current() {
		err = fmt.Errorf("%w: %d to %d", ErrChanged, r.fresh.base, r.next)
	}
	for i := 0; err == nil && i < len(r.files); i++ {
		err = r.files[i].stay()
	}
	name := l.path(segmentName(r.fresh.base, logSuffix))
	if err == nil {
		err = l.disk.Rename(name+cleanedSuffix, name+swapSuffix)
	}
	if err != nil {
		l.writer.Unlock()
		r.Discard()
		return err
	}
	r.install()
	l.writer.Unlock()
	r.unpin()
	if err := r.finish(); err != nil {
		return l.fail("replace segments", err)
	}
	return nil
}

// complete makes the replacement durable under its first names.
func (r *Replacement) complete() error {
	if err := r.flush(); err != nil {
		return err
	}
	if err := r.file.Sync(); err != nil {
		return err
	}
	s := r.fresh
	s.companions = true
	s.index.observeTime(s.base, s.maxTimestamp, s.maxTimestampOffset)
	if err := r.log.writeSynced(segmentName(s.base, indexSuffix)+cleanedSuffix, s.index.encodeOffsets()); err != nil {
		return err
	}
	if err := r.log.writeSynced(segmentName(s.base, timeIndexSuffix)+cleanedSuffix, s.index.encodeTimes()); err != nil {
		return err
	}
	return r.log.writeAborted(segmentName(s.base, txnIndexSuffix)+cleanedSuffix, s.index.aborted)
}

// current says that the segments to replace are in the log as they were. The caller holds writer.
func (r *Replacement) current() bool {
	l := r.log
	i := l.segmentAt(r.fresh.base)
	if i+len(r.replaced) >= len(l.segments) {
		return false
	}
	for j, s := range r.replaced {
		if l.segments[i+j] != s || !s.sealed || s.size != r.sizes[j] {
			return false
		}
	}
	return true
}

// install shows the replacement to readers. Its index stays in memory until its files have their names. The caller holds
// writer and the turn.
func (r *Replacement) install() {
	l, s := r.log, r.fresh
	s.sealed, s.syncedSize, s.entrySynced = true, s.size, true
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.segmentAt(s.base)
	list := append([]*segment(nil), l.segments[:i]...)
	list = append(list, s)
	l.segments = append(list, l.segments[i+len(r.replaced):]...)
	for _, old := range r.replaced {
		s.createdMs = max(s.createdMs, old.createdMs)
		// Readers that still have the segment in hand notice by the file that what they learn of it must not be kept.
		old.file.release()
		old.file, old.index = nil, nil
		if l.loaded == old {
			l.loaded = nil
		}
	}
	l.hints.clear()
}

// finish gives the replacement's files their names in the place of the replaced ones. The caller has the turn.
func (r *Replacement) finish() error {
	l, s := r.log, r.fresh
	if err := l.disk.SyncDir(l.dir); err != nil {
		return err
	}
	for _, old := range r.replaced {
		if err := l.removeReplaced(old.base, s.base); err != nil {
			return err
		}
	}
	for _, suffix := range indexSuffixes {
		if suffix == txnIndexSuffix && len(s.index.aborted) == 0 {
			continue
		}
		name := l.path(segmentName(s.base, suffix))
		if err := l.disk.Rename(name+cleanedSuffix, name); err != nil {
			return err
		}
	}
	if err := l.removeSnapshotsBetween(max(s.base, 1), r.next); err != nil {
		return err
	}
	if err := l.placeReplacement(replacedRange{base: s.base, next: r.next, size: s.size}); err != nil {
		return err
	}
	l.mu.Lock()
	s.index = nil
	l.mu.Unlock()
	s.file.rest()
	return nil
}

// removeReplaced removes the files of a replaced segment, all but the records' file whose name is taken over.
func (l *Log) removeReplaced(base, taken int64) error {
	if base != taken {
		return l.removeSegmentFiles(base)
	}
	return l.removeIndexFiles(base)
}

// replacedRange is what a replacement says of itself: its base offset, where it ends, and its size in bytes.
type replacedRange struct{ base, next, size int64 }

// placeReplacement is the last step: the others' files are gone, now durably, and the replacement gets its name.
func (l *Log) placeReplacement(r replacedRange) error {
	if err := l.disk.SyncDir(l.dir); err != nil {
		return err
	}
	if l.recovery.base >= r.base && l.recovery.base < r.next {
		moved := l.recovery
		moved.base, moved.position = r.base, r.size
		if err := l.writeRecoveryPoint(moved); err != nil {
			return err
		}
	}
	name := l.path(segmentName(r.base, logSuffix))
	if err := l.disk.Rename(name+swapSuffix, name); err != nil {
		return err
	}
	return l.disk.SyncDir(l.dir)
}
