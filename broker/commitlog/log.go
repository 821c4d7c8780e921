package commitlog

import (
	"errors"
	"fmt"
	"log/slog"
	"path"
	"sync"
	"sync/atomic"

	"odradek/broker/env"
)

// Log is a partition's log in one directory. The append and truncation methods are called by one goroutine at a time; all
// others at any time.
//
// Locks, in the order in which they are taken:
//
//   - writer: held through every change of the log. Readers never wait for it.
//   - the sync turn (turn.go): held by whoever makes things durable, through its fsyncs, and by truncations, which must not
//     change files under an fsync whose result is then believed. An append does not take it: it goes on during an fsync.
//   - mu: guards what readers see (segments, offsets, index, epochs, producers). Held for moments, never through I/O.
//   - hints.mu.
//
// So no lock that an append or a read needs is held through an fsync. Writers may read without mu what only writers change.
type Log struct {
	disk        env.Disk
	dir         string
	logger      *slog.Logger
	background  func(f func())
	onReadError func(*Log, error)
	beside      string
	syncParent  func() error
	files       *Files
	config      atomic.Pointer[Config]
	failure     atomic.Pointer[error] // why nothing may be written any more
	syncFailed  atomic.Bool           // an fsync has failed
	certain     int64                 // while it is opened: before it, all is durable, whatever fsync has failed
	cutting     bool                  // while it is opened: the log is to end at certain
	whole       bool                  // while it is opened: nothing may be cut

	writer sync.Mutex

	turn         turn
	synced       atomic.Int64  // everything before it is durable; changed in the turn only
	recovery     recoveryPoint // as it is on the disk; in the turn only
	pointed      bool          // there is a recovery point on the disk; in the turn only
	parentSynced bool          // the entry of dir is durable; in the turn only
	sealLate     bool          // sealing has failed and is to be tried again; in the turn only

	mu          sync.RWMutex
	closed      bool
	segments    []*segment // Invariant: never empty while open; bases rise; all but the last are sealed
	startOffset int64      // Invariant: segments[0].base <= startOffset <= end offset
	epochs      epochCache
	producers   producerState
	tail        tail
	verifying   map[int64]verification // by producer id
	guards      Guard                  // the last that was given out
	loaded      *segment               // the sealed segment whose index is in memory, if any

	hints   hints
	sealing sync.WaitGroup
}

// SetConfig replaces the configuration.
func (l *Log) SetConfig(cfg Config) { l.config.Store(&cfg) }

// Dir is the log's directory.
func (l *Log) Dir() string { return l.dir }

// active is the segment that is appended to. The caller holds writer or mu.
func (l *Log) active() *segment { return l.segments[len(l.segments)-1] }

// StartOffset is the first offset that can be read (Kafka's LogStartOffset).
func (l *Log) StartOffset() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.startOffset
}

// EndOffset is the offset after the last record (Kafka's LogEndOffset).
func (l *Log) EndOffset() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.active().nextOffset
}

// Size is the size of all segments in bytes.
func (l *Log) Size() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var size int64
	for _, s := range l.segments {
		size += s.size
	}
	return size
}

// LastEpoch is the newest leader epoch, -1 when there is none.
func (l *Log) LastEpoch() int32 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.epochs.last()
}

// EpochEndOffset is the largest leader epoch not larger than epoch and its end offset, as a follower asks for before it
// truncates (KIP-101, KIP-279): see epochCache.endOffset. -1, -1 when there is no answer.
func (l *Log) EpochEndOffset(epoch int32) (foundEpoch int32, endOffset int64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.epochs.endOffset(epoch, l.active().nextOffset)
}

// EpochAt is the leader epoch of the record at offset, -1 when that is not known.
func (l *Log) EpochAt(offset int64) int32 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.epochs.at(offset)
}

// AssignEpoch notes that a leader epoch starts at start: a new leader does so at its log's end before it appends. Entries
// that contradict it are dropped.
func (l *Log) AssignEpoch(epoch int32, start int64) error {
	if epoch < 0 || start < 0 {
		return fmt.Errorf("%w: epoch %d at %d", ErrOffsetOutOfRange, epoch, start)
	}
	l.writer.Lock()
	defer l.writer.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.epochs.assign(epoch, start)
	return nil
}

// LastStableOffset is the end of what a reader of committed records may see: the high watermark, or the first record of the
// oldest transaction that is open or whose marker is not below the high watermark. What one high watermark has passed is
// forgotten: it must be the partition's, which does not go back.
func (l *Log) LastStableOffset(highWatermark int64) int64 {
	l.mu.RLock()
	offset, ok := l.producers.firstUnstable(highWatermark)
	forget := len(l.producers.completed) > 0
	l.mu.RUnlock()
	if forget {
		l.mu.Lock()
		l.producers.replicated(highWatermark)
		l.mu.Unlock()
	}
	if ok {
		return min(offset, highWatermark)
	}
	return highWatermark
}

// fail marks the log as failed for good and returns the error that says so. The first cause is kept.
func (l *Log) fail(what string, cause error) error {
	err := fmt.Errorf("%w: %s: %s: %w", ErrStorage, l.dir, what, cause)
	l.failure.CompareAndSwap(nil, &err)
	return err
}

// failUnlessFull is fail, unless the disk is only full: for what is done again later and harms nothing until then.
func (l *Log) failUnlessFull(what string, cause error) error {
	if errors.Is(cause, env.ErrNoSpace) {
		return fmt.Errorf("%s: %s: %w", l.dir, what, cause)
	}
	return l.fail(what, cause)
}

// failed is why nothing may be written any more, or nil.
func (l *Log) failed() error {
	if err := l.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// usable is nil when the log may be changed. The caller holds writer.
func (l *Log) usable() error {
	if l.closed {
		return fmt.Errorf("%w: %s", ErrClosed, l.dir)
	}
	return l.failed()
}

// Close makes everything durable, moves the recovery point to the end, so that the next Open has nothing to look at, and
// closes the files that no slice holds. A failed log is only closed.
func (l *Log) Close() error {
	l.writer.Lock()
	defer l.writer.Unlock()
	if l.closed {
		return nil
	}
	l.sealing.Wait()
	l.turn.take()
	defer l.turn.leave()
	var err error
	if l.failed() == nil {
		err = l.checkpointEnd()
	}
	l.shut()
	return err
}

// shut lets go of all files. The caller holds writer and the turn. Readers that have one keep it open: the directory may now get
// another name, or go.
func (l *Log) shut() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	for _, s := range l.segments {
		if s.file.pinned() {
			if err := s.file.stay(); err != nil {
				l.logger.Warn("a file is lost to who reads it", "dir", l.dir, "segment", s.base, "error", err)
			}
		}
		s.file.release()
	}
}

// Delete closes the log and deletes its directory. That is renamed first, so that a crash in the midst leaves no half log but
// a directory for RemoveDeleted. Slices that are out stay readable.
func (l *Log) Delete() error {
	l.writer.Lock()
	defer l.writer.Unlock()
	if l.closed {
		return fmt.Errorf("%w: %s", ErrClosed, l.dir)
	}
	l.sealing.Wait()
	l.turn.take()
	defer l.turn.leave()
	l.shut()
	doomed := l.dir + DeletedSuffix
	if err := env.RemoveAll(l.disk, doomed); err != nil {
		return err
	}
	if err := l.disk.Rename(l.dir, doomed); err != nil {
		return err
	}
	if err := l.disk.SyncDir(path.Dir(l.dir)); err != nil {
		return err
	}
	return env.RemoveAll(l.disk, doomed)
}
