package commitlog

import (
	"os"
	"path"
	"testing"

	"odradek/broker/env/memenv"
)

// TestALargeLogOpensWithoutBeingRead opens a log of 20 GiB, nearly all of it holes, and counts the bytes that are read.
func TestALargeLogOpensWithoutBeingRead(t *testing.T) {
	const (
		segments     = 20
		segmentBytes = 1 << 30
		offsets      = 1_000_000 // a segment
		entries      = 200_000   // of each index, nearly what 1 GiB has
	)
	disk := memenv.NewDisk()
	must(t, disk.MkdirAll(testDir))
	l := &Log{disk: disk, dir: testDir}
	for i := range int64(segments) {
		base := i * offsets
		batch := batchAt(t, 1, 1_700_000_000_000+i, nil)
		batch.SetBaseOffset(base)
		f, err := disk.Open(l.path(segmentName(base, logSuffix)), os.O_CREATE)
		must(t, err)
		_, err = f.WriteAt(batch, 0)
		must(t, err)
		must(t, f.Truncate(segmentBytes))
		must(t, f.Close())
		var x index
		for j := range int32(entries) {
			x.offsets = append(x.offsets, indexEntry{5*j + 1, 5_000*j + 1})
		}
		x.observeTime(base, batch.MaxTimestamp(), base)
		must(t, l.writeSynced(segmentName(base, indexSuffix), x.encodeOffsets()))
		must(t, l.writeSynced(segmentName(base, timeIndexSuffix), x.encodeTimes()))
	}
	end := recoveryPoint{offset: segments * offsets, base: (segments - 1) * offsets, position: segmentBytes, clean: true, noProducers: true}
	must(t, l.writeRecoveryPoint(end))
	must(t, l.writeSynced(epochFile, epochsOf(epochEntry{0, 0}).encode()))

	var ofRecords, ofIndexes, opened int64
	disk.SetHook(func(op memenv.Op) error {
		kind, _ := KindOf(path.Base(op.Name))
		switch {
		case op.Kind == memenv.OpRead && kind == FileSegment:
			ofRecords += int64(op.Length)
		case op.Kind == memenv.OpRead:
			ofIndexes += int64(op.Length)
		case op.Kind == memenv.OpOpen:
			opened++
		}
		return nil
	})
	reopened := openLog(t, disk, DefaultConfig())
	t.Logf("read %d bytes of records, %d of indexes and checkpoints; opened %d files", ofRecords, ofIndexes, opened)
	if got := reopened.EndOffset(); got != end.offset || reopened.Size() != segments*segmentBytes {
		t.Errorf("it ends at %d with %d bytes", got, reopened.Size())
	}
	if ofRecords > segments*lookupWindow {
		t.Errorf("%d bytes of records were read", ofRecords)
	}
	// That of the last segment is read: its log is written to.
	if ofIndexes > entries*indexEntrySize+1_000 {
		t.Errorf("%d bytes of indexes were read", ofIndexes)
	}
	must(t, reopened.Close())
}
