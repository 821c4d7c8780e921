package raftstore

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/raft"

	"odradek/broker/env"
)

// segmentBytes is the size at which a new segment is begun. Compaction frees whole segments.
const segmentBytes = 4 << 20

// Log is raft's log: a raft.LogStore without gaps.
//
// Deleting a prefix removes the segments that lie in it whole. The rest of it is hidden, and is there again after a restart:
// raft does not mind, it starts from its snapshot. Deleting a suffix is exact and durable, since what raft writes in its place
// must not meet it again.
type Log struct {
	disk env.Disk
	dir  string

	mu       sync.RWMutex
	segments []*segment // Invariant: each begins where the one before ends; never empty after the first entry
	start    uint64     // entries below are hidden
	err      error      // ErrFailed once a failure left the disk unknown
	maxBytes int64
}

// OpenLog opens the log in a directory, which it makes if needed. Errors: ErrCorrupt and the disk's.
func OpenLog(disk env.Disk, dir string) (*Log, error) {
	if err := makeDir(disk, dir); err != nil {
		return nil, err
	}
	l := &Log{disk: disk, dir: dir, maxBytes: segmentBytes}
	names, err := disk.List(dir)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		first, err := strconv.ParseUint(strings.TrimSuffix(name, ".log"), 10, 64)
		if err != nil || !strings.HasSuffix(name, ".log") {
			return nil, errors.Join(fmt.Errorf("%w: unexpected file %s in %s", ErrCorrupt, name, dir), l.Close())
		}
		s, err := openSegment(disk, dir, first, i == len(names)-1)
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		if n := len(l.segments); n > 0 && l.segments[n-1].next() != first {
			return nil, errors.Join(fmt.Errorf("%w: %s should begin at %d", ErrCorrupt, name, l.segments[n-1].next()), s.file.Close(), l.Close())
		}
		l.segments = append(l.segments, s)
	}
	return l, nil
}

// makeDir makes a directory, and makes durable its name and what it holds: names as this process finds them, which the one
// before may not have synced.
func makeDir(disk env.Disk, dir string) error {
	if err := disk.MkdirAll(dir); err != nil {
		return err
	}
	return errors.Join(disk.SyncDir(path.Dir(dir)), disk.SyncDir(dir))
}

// IsMonotonic tells raft that the log has no gaps, so that it empties the log when a snapshot takes its place.
func (l *Log) IsMonotonic() bool { return true }

// FirstIndex returns the first index, 0 for an empty log.
func (l *Log) FirstIndex() (uint64, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.firstIndex(), nil
}

func (l *Log) firstIndex() uint64 {
	if l.lastIndex() == 0 {
		return 0
	}
	return max(l.segments[0].first, l.start)
}

// LastIndex returns the last index, 0 for an empty log.
func (l *Log) LastIndex() (uint64, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.lastIndex(), nil
}

func (l *Log) lastIndex() uint64 {
	if len(l.segments) == 0 {
		return 0
	}
	last := l.segments[len(l.segments)-1].next() - 1
	if last < l.segments[0].first || last < l.start {
		return 0
	}
	return last
}

// GetLog reads an entry. Errors: raft.ErrLogNotFound, ErrCorrupt and the disk's.
func (l *Log) GetLog(index uint64, log *raft.Log) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if first := l.firstIndex(); first == 0 || index < first || index > l.lastIndex() {
		return raft.ErrLogNotFound
	}
	return l.segments[l.find(index)].get(index, log)
}

// find returns the segment that holds an index, or the last one.
func (l *Log) find(index uint64) int {
	i := len(l.segments) - 1
	for i > 0 && index < l.segments[i].first {
		i--
	}
	return i
}

// StoreLog appends one entry.
func (l *Log) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

// StoreLogs appends entries of consecutive indexes and returns when they are durable. An entry beyond the next index begins
// the log anew: a snapshot took the place of all before. Errors: ErrFailed and the disk's.
func (l *Log) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	for i, log := range logs {
		if log.Index != logs[0].Index+uint64(i) {
			return fmt.Errorf("raftstore: entry %d after %d", log.Index, logs[i-1].Index)
		}
	}
	current, err := l.segmentFor(logs[0].Index)
	if err != nil {
		return err
	}
	failed, err := current.append(logs)
	if failed {
		l.err = fmt.Errorf("%w: %w", ErrFailed, err)
		return l.err
	}
	return err
}

// segmentFor returns the segment that the next entry goes to.
func (l *Log) segmentFor(index uint64) (*segment, error) {
	if n := len(l.segments); n > 0 {
		last := l.segments[n-1]
		switch {
		case index == last.next() && last.end < l.maxBytes:
			return last, nil
		case index < last.next() && l.lastIndex() != 0:
			return nil, fmt.Errorf("raftstore: entry %d is there, the log ends at %d", index, last.next()-1)
		case index != last.next():
			if err := l.removeAll(); err != nil {
				return nil, err
			}
		}
	}
	s, err := createSegment(l.disk, l.dir, index)
	if err != nil {
		return nil, err
	}
	l.segments = append(l.segments, s)
	return s, nil
}

// DeleteRange deletes the entries from min to max, which must be a prefix or a suffix of the log.
func (l *Log) DeleteRange(min, max uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	first, last := l.firstIndex(), l.lastIndex()
	switch {
	case last == 0 || max < first || min > last:
		return nil
	case min <= first && max >= last:
		return l.removeAll()
	case min <= first:
		return l.deletePrefix(max)
	case max >= last:
		return l.deleteSuffix(min)
	}
	return fmt.Errorf("raftstore: deleting %d to %d would leave a gap in %d to %d", min, max, first, last)
}

// deletePrefix removes the oldest segments first, each durably, so that a crash leaves a suffix.
func (l *Log) deletePrefix(max uint64) error {
	l.start = max + 1
	for len(l.segments) > 1 && l.segments[0].next() <= l.start {
		if err := l.remove(0); err != nil {
			return err
		}
	}
	return nil
}

// deleteSuffix removes the newest segments first, each durably, so that a crash leaves a prefix.
func (l *Log) deleteSuffix(min uint64) error {
	for n := len(l.segments) - 1; n > 0 && l.segments[n].first >= min; n-- {
		if err := l.remove(n); err != nil {
			return err
		}
	}
	last := l.segments[len(l.segments)-1]
	if err := last.truncate(int(min - last.first)); err != nil {
		l.err = fmt.Errorf("%w: %w", ErrFailed, err)
		return l.err
	}
	return nil
}

func (l *Log) removeAll() error {
	for len(l.segments) > 0 {
		if err := l.remove(len(l.segments) - 1); err != nil {
			return err
		}
	}
	l.start = 0
	return nil
}

// remove deletes a segment at either end. When it fails the segment may or may not be there after a restart, and neither is
// wrong; but this process can't know, and stops using the log.
func (l *Log) remove(n int) error {
	s := l.segments[n]
	err := errors.Join(s.file.Close(), l.disk.Remove(s.name), l.disk.SyncDir(l.dir))
	if err != nil {
		l.err = fmt.Errorf("%w: %w", ErrFailed, err)
		return l.err
	}
	l.segments = append(l.segments[:n], l.segments[n+1:]...)
	return nil
}

// Close closes the files. Everything is durable already.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, s := range l.segments {
		errs = append(errs, s.file.Close())
	}
	l.segments = nil
	return errors.Join(errs...)
}
