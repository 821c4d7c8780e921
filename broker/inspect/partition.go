package inspect

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"odradek/broker/commitlog"
	"odradek/broker/env"
	"odradek/broker/record"
)

const (
	// smallFileMax bounds what is read of a file that is held in memory whole, in bytes.
	smallFileMax = 256 << 20
	// decompressedMax bounds what a batch is decompressed to, in bytes.
	decompressedMax = 256 << 20
)

// partition is a partition's directory while it is verified.
type partition struct {
	disk     env.Disk
	dir      string
	report   *Report
	names    []string
	bases    []int64
	start    int64
	epochs   []commitlog.EpochStart
	recovery commitlog.RecoveryPoint
	txns     *txnCheck
}

func (p *partition) path(name string) string { return path.Join(p.dir, name) }

func (p *partition) has(name string) bool { return slices.Contains(p.names, name) }

func verifyPartition(disk env.Disk, dir string, report *Report) error {
	p := &partition{disk: disk, dir: dir, report: report, recovery: commitlog.RecoveryPoint{Offset: -1, Base: -1}}
	var err error
	if p.names, err = disk.List(dir); err != nil {
		return err
	}
	for _, name := range p.names { // sorted, so the segments' bases rise
		switch kind, base := commitlog.KindOf(name); kind {
		case commitlog.FileSegment:
			p.bases = append(p.bases, base)
		case commitlog.FileLeftover:
			report.note(Problem{File: p.path(name), Position: -1, Offset: -1}, "of a change that was not completed, or to be removed")
		case commitlog.FileFailedSync:
			report.note(Problem{File: p.path(name), Position: -1, Offset: -1}, "an fsync of this log has failed: the next start writes its end anew")
		case commitlog.FileUnknown:
			report.note(Problem{File: p.path(name), Position: -1, Offset: -1}, "not a file of a log")
		}
	}
	if err := p.checkpoints(); err != nil {
		return err
	}
	p.txns = &txnCheck{report: report, open: map[int64]int64{}, whole: len(p.bases) > 0 && p.bases[0] == 0}
	end, epoch := int64(-1), int32(-1)
	for i := range p.bases {
		if end, epoch, err = p.segment(i, epoch); err != nil {
			return err
		}
	}
	if p.start > end && len(p.bases) > 0 {
		report.file(p.path("log-start-offset-checkpoint"), "the start %d is past the log's end %d", p.start, end)
	}
	return p.others()
}

// checkpoints reads the files that say how the others are to be judged.
func (p *partition) checkpoints() error {
	for _, name := range p.names {
		kind, _ := commitlog.KindOf(name)
		if kind != commitlog.FileEpochs && kind != commitlog.FileStartOffset && kind != commitlog.FileRecoveryPoint {
			continue
		}
		content, err := env.ReadFile(p.disk, p.path(name), smallFileMax)
		if err != nil {
			return err
		}
		p.report.Files++
		switch kind {
		case commitlog.FileEpochs:
			p.epochs, err = commitlog.DecodeEpochs(content)
		case commitlog.FileStartOffset:
			p.start, err = commitlog.DecodeStartOffset(content)
		case commitlog.FileRecoveryPoint:
			p.recovery, err = commitlog.DecodeRecoveryPoint(content)
		}
		if err != nil {
			p.report.file(p.path(name), "%v", err)
		}
	}
	if r := p.recovery; r.Offset >= 0 && !slices.Contains(p.bases, r.Base) {
		p.report.file(p.path("recovery-point-checkpoint"), "it names segment %d, which is not there", r.Base)
		p.recovery = commitlog.RecoveryPoint{Offset: -1, Base: -1}
	}
	return nil
}

// segment verifies the i-th segment with its index files, and returns where it ends and its last epoch.
func (p *partition) segment(i int, epoch int32) (end int64, lastEpoch int32, err error) {
	base := p.bases[i]
	name := p.path(commitlog.FileName(commitlog.FileSegment, base))
	file, err := p.disk.Open(name, 0)
	if err != nil {
		return 0, epoch, err
	}
	defer file.Close()
	scan, err := openPieces(file)
	if err != nil {
		return 0, epoch, err
	}
	p.report.Files++
	p.report.Bytes += scan.size
	c := &chain{
		report: p.report, file: name, start: base, expected: base, epoch: epoch,
		epochs: p.epochs, epochAt: p.path("leader-epoch-checkpoint"), trusted: p.recovery.Offset, logStart: p.start,
	}
	last := i == len(p.bases)-1
	if c.index, err = p.indexes(base, scan.size); err != nil {
		return 0, epoch, err
	}
	c.txns = p.txns
	if err := p.batches(scan, c, name, base, last); err != nil {
		return 0, epoch, err
	}
	next := int64(-1)
	if !last {
		next = p.bases[i+1]
	} else if p.recovery.Clean && p.recovery.Base == base && p.recovery.Position == scan.size {
		next = p.recovery.Offset
	}
	end = c.end(next)
	c.index.end()
	c.txns.end(c.damaged)
	if c.gaps > 0 {
		p.report.note(Problem{File: name, Position: -1, Offset: -1}, "%d gaps between offsets, as compaction leaves them", c.gaps)
	}
	return end, c.epoch, nil
}

// batches walks the segment's batches.
func (p *partition) batches(scan *pieces, c *chain, name string, base int64, last bool) error {
	atPoint := p.recovery.Base != base || p.recovery.Position == 0
	for {
		each, err := scan.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		atPoint = atPoint || each.position+each.size == p.recovery.Position
		where := Problem{File: name, Batch: each.number, Position: each.position, Offset: -1}
		if each.zeros {
			p.report.note(where, "%d bytes of zeros at the end", each.size)
			break
		}
		if each.err != nil {
			if each.batch != nil {
				where.Offset = each.batch.BaseOffset()
			}
			hint := ""
			if last && each.position >= p.recovery.Position && each.position+each.size == scan.size && !p.recovery.Clean {
				hint = " (behind the recovery point: the next start cuts the log here)"
			}
			p.report.problem(where, "%d bytes: %v%s", each.size, each.err, hint)
			c.broken()
			continue
		}
		p.report.Batches++
		where.Offset = each.batch.BaseOffset()
		l := linkOf(each)
		l.marker = p.records(where, each.batch)
		c.push(l)
	}
	if !atPoint {
		p.report.file(p.path("recovery-point-checkpoint"), "no batch of segment %d ends at its position %d", base, p.recovery.Position)
	}
	return nil
}

// records looks inside a batch whose CRC is right. It returns the marker that it holds, if it does.
func (p *partition) records(where Problem, batch record.Batch) (marker *record.Marker) {
	last := batch.BaseOffset() - 1
	for r, err := range batch.Records(decompressedMax) {
		if err == nil && r.Offset <= last {
			err = fmt.Errorf("%w: record at offset %d after %d", record.ErrCorrupt, r.Offset, last)
		}
		if err == nil && batch.IsControl() {
			var m record.Marker
			var known bool
			if m, known, err = record.ParseMarker(r); known {
				marker = &m
			}
		}
		if err != nil {
			p.report.problem(where, "its records: %v", err)
			return marker
		}
		last = r.Offset
		p.report.Records++
	}
	return marker
}

// indexes reads a segment's index files; nil where a start would not believe them.
func (p *partition) indexes(base, size int64) (*indexCheck, error) {
	txnName := p.path(commitlog.FileName(commitlog.FileTxnIndex, base))
	trusted := base < p.recovery.Base || base == p.recovery.Base && size == p.recovery.Position
	if !trusted {
		p.txns.segment(txnName, false, nil)
		return nil, nil
	}
	x := newIndexCheck(p.report, base)
	x.bare = base == p.bases[len(p.bases)-1] && commitlog.MayLackIndex(size)
	content, err := p.index(commitlog.FileIndex, base, x)
	if err != nil {
		return nil, err
	}
	entries, left := commitlog.DecodeOffsetIndex(content)
	x.setEntries(p.path(commitlog.FileName(commitlog.FileIndex, base)), entries, len(left))
	if content, err = p.index(commitlog.FileTimeIndex, base, x); err != nil {
		return nil, err
	}
	times, left := commitlog.DecodeTimeIndex(content)
	x.setTimes(p.path(commitlog.FileName(commitlog.FileTimeIndex, base)), times, len(left))
	if content, err = p.index(commitlog.FileTxnIndex, base, x); err != nil {
		return nil, err
	}
	aborted, err := commitlog.DecodeTxnIndex(content, base)
	if err != nil {
		p.report.file(txnName, "%v", err)
	}
	p.txns.segment(txnName, err == nil, aborted)
	return x, nil
}

// index reads an index file. One that is missing is a problem, but for that of aborted transactions, which few segments have.
func (p *partition) index(kind commitlog.FileKind, base int64, x *indexCheck) ([]byte, error) {
	name := p.path(commitlog.FileName(kind, base))
	content, err := env.ReadFile(p.disk, name, smallFileMax)
	switch {
	case errors.Is(err, fs.ErrNotExist) && (kind == commitlog.FileTxnIndex || x.bare):
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		p.report.file(name, "it is missing; the next start builds it anew")
		x.lose()
		return nil, nil
	}
	p.report.Files++
	return content, err
}

// others looks at the snapshots of producers, and for index files without a segment.
func (p *partition) others() error {
	for _, name := range p.names {
		kind, offset := commitlog.KindOf(name)
		switch kind {
		case commitlog.FileIndex, commitlog.FileTimeIndex, commitlog.FileTxnIndex:
			if !p.has(commitlog.FileName(commitlog.FileSegment, offset)) {
				p.report.file(p.path(name), "there is no segment %d", offset)
			}
		case commitlog.FileSnapshot:
			content, err := env.ReadFile(p.disk, p.path(name), smallFileMax)
			if err != nil {
				return err
			}
			p.report.Files++
			at, _, err := commitlog.DecodeSnapshot(content)
			if err == nil && at != offset {
				err = fmt.Errorf("it is of offset %d", at)
			}
			if err != nil {
				p.report.file(p.path(name), "%v", err)
			}
		}
	}
	return nil
}
