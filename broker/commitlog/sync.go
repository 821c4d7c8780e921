package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"odradek/broker/env"
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
	return l.syncParentOnce()
}

// syncParentOnce makes durable, unless that is so already, what the log needs beside its own files: the entry of its directory,
// and the file that goes with it. The caller has the turn.
func (l *Log) syncParentOnce() error {
	if l.parentSynced {
		return nil
	}
	if l.beside != "" {
		if err := l.syncBeside(); err != nil {
			return l.fail("sync "+l.beside, err)
		}
	}
	sync := l.syncParent
	if sync == nil {
		sync = func() error { return l.disk.SyncDir(path.Dir(l.dir)) }
	}
	if err := sync(); err != nil {
		return l.fail("sync parent directory", err)
	}
	l.parentSynced = true
	return nil
}

// syncBeside makes durable the file that is to be before anything of the log is.
func (l *Log) syncBeside() error {
	f, err := l.disk.Open(l.path(l.beside), 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncFile makes a segment's file durable. After a failure the kernel may take what it could not write for written: later
// reads find it and a later fsync succeeds, and still it is not on the disk. So the failure is noted, with the offset up to
// which earlier fsyncs vouch, for the next Open: that one cuts the log there, or writes anew what it finds. The caller has the
// turn, or writer.
func (l *Log) syncFile(s *segment) error {
	err := s.file.Sync()
	if err == nil {
		return nil
	}
	l.syncFailed.Store(true)
	if noteErr := l.noteFailedSync(); noteErr != nil {
		l.logger.Error("a failed sync can't be noted", "dir", l.dir, "error", noteErr)
	}
	return l.fail("sync", err)
}

// noteFailedSync writes down what is durable, unless an earlier failure is noted, which then is the one that counts. The note
// need not be durable itself: when the machine loses power what is readable is what is on the disk.
func (l *Log) noteFailedSync() error {
	name := l.path(failedSyncFile)
	if _, err := l.disk.Stat(name); err == nil {
		return nil
	}
	note, err := l.disk.Open(name, os.O_CREATE)
	if err != nil {
		return err
	}
	_, err = note.WriteAt(encodeStart(l.synced.Load()), 0)
	return errors.Join(err, note.Close())
}

// readFailedSync finds out whether an fsync has failed since the log was last known to be durable, and what is certain.
func (l *Log) readFailedSync(opts Options, names []string) (failed bool, err error) {
	l.certain = -1
	content, failed, err := l.readListed(failedSyncFile, names)
	if err != nil {
		return false, err
	}
	if failed {
		if certain, err := decodeStart(content); err == nil {
			l.certain = certain
		}
	}
	if before := opts.Failed; before != nil && before.syncFailed.Load() {
		failed, l.certain = true, max(l.certain, before.SyncedOffset())
	}
	l.certain = max(l.certain, l.recovery.offset, 0)
	return failed, nil
}

func (l *Log) forgetFailedSync() error {
	if err := l.disk.Remove(l.path(failedSyncFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SyncFailed says whether an fsync of the log in dir has failed, and the log was not opened since: it may lack records that it
// had.
func SyncFailed(disk env.Disk, dir string) (bool, error) {
	_, err := disk.Stat(dir + "/" + failedSyncFile)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
