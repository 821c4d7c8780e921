package inspect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/raft"

	"odradek/broker/commitlog"
	"odradek/broker/controller/raftstore"
	"odradek/broker/env"
	"odradek/broker/metadata"
	"odradek/broker/replica"
)

// Verify looks for what is wrong in a file, a partition's directory, or a data directory. Of a file in a partition's directory
// the others are read too, as far as they say what it should be. The error is the disk's.
func Verify(disk env.Disk, name string) (*Report, error) {
	report := &Report{Problems: []Problem{}, Notes: []Problem{}}
	info, err := disk.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir {
		return report, verifyDir(disk, name, report)
	}
	dir := path.Dir(name)
	kind, err := kindOf(disk, dir)
	if err != nil {
		return nil, err
	}
	if kind != partitionDir {
		return report, verifyFile(disk, name, report)
	}
	err = verifyPartition(disk, dir, report)
	other := func(p Problem) bool { return p.File != name }
	report.Problems = slices.DeleteFunc(report.Problems, other)
	report.Notes = slices.DeleteFunc(report.Notes, other)
	return report, err
}

// dirKind says what a directory is.
type dirKind int

const (
	plainDir dirKind = iota
	partitionDir
	raftLogDir
)

// kindOf tells a directory by its files. The quorum's log has files of the same names as a partition's, and lies beside
// raft's vote.
func kindOf(disk env.Disk, dir string) (dirKind, error) {
	names, err := disk.List(dir)
	if err != nil {
		return plainDir, err
	}
	for _, name := range names {
		if kind, _ := commitlog.KindOf(name); kind != commitlog.FileSegment {
			continue
		}
		if info, err := disk.Stat(path.Join(path.Dir(dir), stableName)); err == nil && !info.IsDir && path.Base(dir) == "log" {
			return raftLogDir, nil
		}
		return partitionDir, nil
	}
	return plainDir, nil
}

func verifyDir(disk env.Disk, dir string, report *Report) error {
	kind, err := kindOf(disk, dir)
	if err != nil {
		return err
	}
	if kind == partitionDir {
		return verifyPartition(disk, dir, report)
	}
	names, err := disk.List(dir)
	if err != nil {
		return err
	}
	next := uint64(0)
	for _, name := range names {
		full := path.Join(dir, name)
		if info, err := disk.Stat(full); err != nil {
			return err
		} else if info.IsDir {
			err = verifyDir(disk, full, report)
			if err != nil {
				return err
			}
			continue
		}
		first, ok := raftstore.LogFileFirst(name)
		if ok && kind == raftLogDir {
			if next > 0 && first != next {
				report.file(full, "the file before it ends before entry %d", next)
			}
			if next, err = verifyRaftLog(disk, full, report); err != nil {
				return err
			}
			continue
		}
		if err := verifyFile(disk, full, report); err != nil {
			return err
		}
	}
	return nil
}

// The files outside of partitions' directories that are known.
const (
	stableName     = "stable"
	snapshotSuffix = ".snap"
)

// verifyFile verifies a file that stands for itself. Files that are not known are passed over.
func verifyFile(disk env.Disk, name string, report *Report) error {
	base := path.Base(name)
	if _, ok := raftstore.LogFileFirst(base); ok {
		_, err := verifyRaftLog(disk, name, report)
		return err
	}
	if strings.HasSuffix(base, snapshotSuffix) {
		return verifyRaftSnapshot(disk, name, report)
	}
	check := map[string]func([]byte) error{
		"replication-offset-checkpoint": decodesAs(replica.DecodeCheckpoint),
		"cleaner-offset-checkpoint":     decodesAs(replica.DecodeCheckpoint),
		stableName: func(content []byte) error {
			if left := raftstore.VisitStable(content, func(_, _ []byte) {}); left > 0 {
				return fmt.Errorf("%d bytes after the last record that is whole", left)
			}
			return nil
		},
		"broker.state": func(content []byte) error { return json.Unmarshal(content, &struct{}{}) },
		"meta.properties": func(content []byte) error {
			if !bytes.Contains(content, []byte("version=1\n")) {
				return fmt.Errorf("no version=1")
			}
			return nil
		},
	}[base]
	if check == nil {
		return nil
	}
	content, err := env.ReadFile(disk, name, smallFileMax)
	if err != nil {
		return err
	}
	report.Files++
	if err := check(content); err != nil {
		report.file(name, "%v", err)
	}
	return nil
}

func decodesAs[T any](decode func([]byte) (T, error)) func([]byte) error {
	return func(content []byte) error {
		_, err := decode(content)
		return err
	}
}

// verifyRaftLog returns the index after the last entry.
func verifyRaftLog(disk env.Disk, name string, report *Report) (next uint64, err error) {
	file, err := disk.Open(name, 0)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	first, _ := raftstore.LogFileFirst(name)
	next = first
	entries := 0
	end, size, err := raftstore.VisitLogFile(file, first, func(position int64, entry *raft.Log) error {
		next, entries = entry.Index+1, entries+1
		if entry.Type == raft.LogCommand {
			if _, err := metadata.DecodeBatch(entry.Data); err != nil {
				report.problem(Problem{File: name, Batch: entries, Position: position, Offset: int64(entry.Index)}, "%v", err)
			}
		}
		return nil
	})
	if err != nil {
		return next, fmt.Errorf("%s: %w", name, err)
	}
	report.Files++
	report.Bytes += size
	if end < size {
		report.problem(Problem{File: name, Batch: entries + 1, Position: end, Offset: int64(next)}, "entry %d is not whole (%d bytes are left)", next, size-end)
	}
	return next, nil
}

func verifyRaftSnapshot(disk env.Disk, name string, report *Report) error {
	report.Files++
	_, state, err := raftstore.ReadSnapshot(disk, name)
	if err != nil {
		report.file(name, "%v", err)
		return nil
	}
	defer state.Close()
	content, err := io.ReadAll(state)
	if err != nil {
		return err
	}
	report.Bytes += int64(len(content))
	if _, err := metadata.DecodeSnapshot(content); err != nil {
		report.file(name, "%v", err)
	}
	return nil
}
