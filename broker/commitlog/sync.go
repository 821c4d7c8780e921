package commitlog

import (
	"fmt"
	"os"
	"path"
)

// SyncedOffset is the offset before which everything survives a loss of power.
func (l *Log) SyncedOffset() int64 { return l.synced.Load() }

// Sync returns when everything before upTo is durable. Many may call it: while an fsync is under way the others wait, and the
// next one serves all of them (group commit). Appends and reads go on meanwhile. ErrStorage says that the disk failed: what
// was not synced before may be lost, and the log is failed. ErrOffsetOutOfRange says that upTo was truncated away.
func (l *Log) Sync(upTo int64) error {
	for l.turn.takeUnless(func() bool { return l.synced.Load() >= upTo }) {
		err := l.syncTurn(upTo)
		l.turn.leave()
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) syncTurn(upTo int64) error {
	if err := l.failed(); err != nil {
		return err
	}
	l.mu.RLock()
	closed, end := l.closed, l.active().nextOffset
	l.mu.RUnlock()
	if closed {
		return fmt.Errorf("%w: %s", ErrClosed, l.dir)
	}
	if upTo > end {
		return fmt.Errorf("%w: sync up to %d of %d", ErrOffsetOutOfRange, upTo, end)
	}
	return l.syncSegments()
}

// syncSegments makes the records of all segments durable, as far as they are appended now. The caller has the turn.
func (l *Log) syncSegments() error {
	// The segments from the first that is not wholly durable on; there are two at most, unless the background is late.
	var few [4]*segment
	l.mu.RLock()
	first := len(l.segments) - 1
	for first > 0 && !l.segments[first-1].contentSynced() {
		first--
	}
	unsynced := append(few[:0], l.segments[first:]...)
	end := l.active().nextOffset
	var sizeBuf [4]int64
	sizes := sizeBuf[:0]
	for _, s := range unsynced {
		sizes = append(sizes, s.size)
	}
	l.mu.RUnlock()

	entriesSynced := l.parentSynced
	for i, s := range unsynced {
		entriesSynced = entriesSynced && s.entrySynced
		if s.syncedSize == sizes[i] {
			continue
		}
		if err := l.syncFile(s); err != nil {
			return err
		}
	}
	if !entriesSynced {
		if err := l.syncEntries(); err != nil {
			return err
		}
	}
	l.mu.Lock()
	for i, s := range unsynced {
		s.syncedSize, s.entrySynced = sizes[i], true
	}
	l.mu.Unlock()
	l.synced.Store(end)
	return nil
}

// contentSynced says that the records are durable, though perhaps not the index files. The caller holds mu or the turn.
func (s *segment) contentSynced() bool { return s.entrySynced && s.syncedSize == s.size }

// syncEntries makes the directory's entries durable, and its own. The caller has the turn.
func (l *Log) syncEntries() error {
	if err := l.disk.SyncDir(l.dir); err != nil {
		return l.fail("sync directory", err)
	}
	if l.parentSynced {
		return nil
	}
	if err := l.disk.SyncDir(path.Dir(l.dir)); err != nil {
		return l.fail("sync parent directory", err)
	}
	l.parentSynced = true
	return nil
}

// syncFile makes a segment's file durable. After a failure the kernel may take what it could not write for written: later
// reads find it and a later fsync succeeds, and still it is not on the disk. So the failure is noted for the next Open, which
// then writes anew what it finds. The caller has the turn, or writer.
func (l *Log) syncFile(s *segment) error {
	err := s.file.Sync()
	if err == nil {
		return nil
	}
	if note, noteErr := l.disk.Open(l.path(failedSyncFile), os.O_CREATE); noteErr != nil {
		l.logger.Error("a failed sync can't be noted", "dir", l.dir, "error", noteErr)
	} else {
		_ = note.Close() // it holds nothing
	}
	return l.fail("sync", err)
}
