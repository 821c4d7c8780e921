package inspect

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"odradek/broker/commitlog"
	"odradek/broker/env"
	"odradek/broker/record"
)

// SegmentStat counts what a segment's file holds, by the headers of its batches.
type SegmentStat struct {
	File         string           `json:"file"`
	Bytes        int64            `json:"bytes"`
	FirstOffset  int64            `json:"firstOffset"` // of the first batch; -1: there is none
	NextOffset   int64            `json:"nextOffset"`
	Batches      int64            `json:"batches"`
	Records      int64            `json:"records"`
	Control      int64            `json:"controlBatches"`
	FirstMs      int64            `json:"firstTimestamp"` // the least of the batches' greatest; -1: none
	LastMs       int64            `json:"lastTimestamp"`
	Codecs       map[string]int64 `json:"batchesByCodec"`
	Damaged      int              `json:"damaged"` // places where no header of a batch stands
	IndexEntries int64            `json:"indexEntries"`
	TimeEntries  int64            `json:"timeIndexEntries"`
}

func (s SegmentStat) String() string {
	var codecs []string
	for name, n := range s.Codecs {
		codecs = append(codecs, fmt.Sprintf("%s:%d", name, n))
	}
	slices.Sort(codecs)
	out := fmt.Sprintf("%s: bytes=%d offsets=%d..%d batches=%d records=%d control=%d codecs=%s times=%s..%s index=%d timeindex=%d",
		s.File, s.Bytes, s.FirstOffset, s.NextOffset, s.Batches, s.Records, s.Control, strings.Join(codecs, ","), clock(s.FirstMs),
		clock(s.LastMs), s.IndexEntries, s.TimeEntries)
	if s.Damaged > 0 {
		out += fmt.Sprintf(" damaged=%d (odradek log verify says where)", s.Damaged)
	}
	return out
}

func clock(ms int64) string {
	if ms < 0 {
		return "-"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

// LogStat sums a partition's directory up.
type LogStat struct {
	Dir         string         `json:"dir"`
	Bytes       int64          `json:"bytes"`
	StartOffset int64          `json:"startOffset"`
	EndOffset   int64          `json:"endOffset"`
	Batches     int64          `json:"batches"`
	Records     int64          `json:"records"`
	Epochs      int            `json:"leaderEpochs"`
	Producers   int            `json:"producers"` // in the newest snapshot
	Recovery    *RecoveryPoint `json:"recoveryPoint"`
	Segments    []SegmentStat  `json:"segments"`
}

func (s LogStat) String() string {
	recovery := "none"
	if s.Recovery != nil {
		recovery = fmt.Sprintf("%d", s.Recovery.Offset)
		if s.Recovery.Clean {
			recovery += ",clean"
		}
	}
	out := fmt.Sprintf("%s: segments=%d bytes=%d offsets=%d..%d batches=%d records=%d epochs=%d producers=%d recovery=%s",
		s.Dir, len(s.Segments), s.Bytes, s.StartOffset, s.EndOffset, s.Batches, s.Records, s.Epochs, s.Producers, recovery)
	for _, each := range s.Segments {
		out += "\n  " + each.String()
	}
	return out
}

// Stat counts what a segment's file, a partition's directory, or the partitions below a directory hold. Only headers are read.
func Stat(disk env.Disk, name string, emit func(Item) error) error {
	info, err := disk.Stat(name)
	if err != nil {
		return err
	}
	if !info.IsDir {
		if kind, _ := commitlog.KindOf(path.Base(name)); kind != commitlog.FileSegment {
			return fmt.Errorf("%s: %w's records", name, ErrUnknownFile)
		}
		stat, err := statSegment(disk, name)
		if err != nil {
			return err
		}
		return emit(stat)
	}
	switch kind, err := kindOf(disk, name); {
	case err != nil:
		return err
	case kind == raftLogDir:
		return nil
	case kind == partitionDir:
		stat, err := statLog(disk, name)
		if err != nil {
			return err
		}
		return emit(stat)
	}
	names, err := disk.List(name)
	if err != nil {
		return err
	}
	for _, each := range names {
		full := path.Join(name, each)
		info, err := disk.Stat(full)
		if err != nil {
			return err
		}
		if info.IsDir {
			if err := Stat(disk, full, emit); err != nil {
				return err
			}
		}
	}
	return nil
}

func statLog(disk env.Disk, dir string) (LogStat, error) {
	stat := LogStat{Dir: dir, EndOffset: -1}
	names, err := disk.List(dir)
	if err != nil {
		return stat, err
	}
	for _, name := range names {
		kind, _ := commitlog.KindOf(name)
		if kind == commitlog.FileSegment {
			s, err := statSegment(disk, path.Join(dir, name))
			if err != nil {
				return stat, err
			}
			stat.add(s)
		} else if err := stat.small(disk, path.Join(dir, name), kind); err != nil {
			return stat, err
		}
	}
	return stat, nil
}

func (s *LogStat) add(each SegmentStat) {
	if len(s.Segments) == 0 {
		_, base := commitlog.KindOf(path.Base(each.File))
		s.StartOffset = max(s.StartOffset, base)
	}
	s.Segments = append(s.Segments, each)
	s.Bytes += each.Bytes
	s.Batches += each.Batches
	s.Records += each.Records
	s.EndOffset = each.NextOffset
}

// small takes in a checkpoint or snapshot, as far as it can be read.
func (s *LogStat) small(disk env.Disk, name string, kind commitlog.FileKind) error {
	switch kind {
	case commitlog.FileEpochs, commitlog.FileStartOffset, commitlog.FileRecoveryPoint, commitlog.FileSnapshot:
	default:
		return nil
	}
	content, err := env.ReadFile(disk, name, smallFileMax)
	if err != nil {
		return err
	}
	switch kind {
	case commitlog.FileEpochs:
		if epochs, err := commitlog.DecodeEpochs(content); err == nil {
			s.Epochs = len(epochs)
		}
	case commitlog.FileStartOffset:
		if start, err := commitlog.DecodeStartOffset(content); err == nil {
			s.StartOffset = max(s.StartOffset, start)
		}
	case commitlog.FileRecoveryPoint:
		if r, err := commitlog.DecodeRecoveryPoint(content); err == nil {
			point := RecoveryPoint(r)
			s.Recovery = &point
		}
	case commitlog.FileSnapshot: // names are sorted: the last one counts
		if _, producers, err := commitlog.DecodeSnapshot(content); err == nil {
			s.Producers = len(producers)
		}
	}
	return nil
}

func statSegment(disk env.Disk, name string) (SegmentStat, error) {
	_, base := commitlog.KindOf(path.Base(name))
	stat := SegmentStat{File: name, FirstOffset: -1, NextOffset: base, FirstMs: -1, LastMs: -1, Codecs: map[string]int64{}}
	file, err := disk.Open(name, 0)
	if err != nil {
		return stat, err
	}
	defer file.Close()
	scan, err := openPieces(file)
	if err != nil {
		return stat, err
	}
	scan.headOnly = true
	stat.Bytes = scan.size
	for {
		p, err := scan.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return stat, fmt.Errorf("%s: %w", name, err)
		}
		switch {
		case p.zeros:
		case p.err != nil:
			stat.Damaged++
		default:
			stat.count(p.batch)
		}
	}
	stat.IndexEntries, err = entries(disk, path.Join(path.Dir(name), commitlog.FileName(commitlog.FileIndex, base)), 8)
	if err == nil {
		stat.TimeEntries, err = entries(disk, path.Join(path.Dir(name), commitlog.FileName(commitlog.FileTimeIndex, base)), 12)
	}
	return stat, err
}

func (s *SegmentStat) count(b record.Batch) {
	if s.FirstOffset < 0 {
		s.FirstOffset = b.BaseOffset()
	}
	s.NextOffset = b.NextOffset()
	s.Batches++
	s.Records += int64(b.NumRecords())
	if b.IsControl() {
		s.Control++
	}
	s.Codecs[b.Codec().String()]++
	if ms := b.MaxTimestamp(); ms >= 0 && b.NumRecords() > 0 {
		if s.FirstMs < 0 || ms < s.FirstMs {
			s.FirstMs = ms
		}
		s.LastMs = max(s.LastMs, ms)
	}
}

// entries counts the entries of an index file by its size; a missing one has none.
func entries(disk env.Disk, name string, entrySize int64) (int64, error) {
	info, err := disk.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return info.Size / entrySize, err
}
