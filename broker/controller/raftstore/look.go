package raftstore

import (
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/hashicorp/raft"

	"odradek/broker/env"
)

// What follows reads the stores' files for tools that look at them from outside, and changes nothing.

// LogFileFirst is the first index in a segment's file, by its name; ok is false for other names.
func LogFileFirst(name string) (first uint64, ok bool) {
	digits, ok := strings.CutSuffix(path.Base(name), ".log")
	if !ok || len(digits) != 20 {
		return 0, false
	}
	first, err := strconv.ParseUint(digits, 10, 64)
	return first, err == nil
}

// VisitLogFile gives the good entries of a segment's file, which begins with index first, until visit returns an error. It
// returns where they end, and how long the file is.
func VisitLogFile(file env.File, first uint64, visit func(position int64, entry *raft.Log) error) (end, size int64, err error) {
	s := &segment{file: file, first: first, crc: firstCRC(first)}
	if size, err = s.scan(); err != nil {
		return 0, 0, err
	}
	for i, position := range s.offsets {
		var entry raft.Log
		if err := s.get(first+uint64(i), &entry); err != nil {
			return 0, 0, err
		}
		if err := visit(position, &entry); err != nil {
			return 0, 0, err
		}
	}
	return s.end, size, nil
}

// VisitStable gives the good records in the content of a stable store's file, and returns how many bytes follow them.
func VisitStable(content []byte, visit func(key, value []byte)) (left int) {
	return len(visitStable(content, func(key, value []byte, _ uint32) { visit(key, value) }))
}

// ReadSnapshot checks a snapshot's file whole, and returns a reader of its state. Errors: ErrCorrupt and the disk's.
func ReadSnapshot(disk env.Disk, name string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	store := &Snapshots{disk: disk, dir: path.Dir(name)}
	return store.Open(strings.TrimSuffix(path.Base(name), snapshotSuffix))
}
