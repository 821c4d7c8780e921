package commitlog

import (
	"testing"

	"odradek/broker/env/memenv"
	"odradek/broker/record"
)

// TestHintsEndAtATruncation: where reads of the old records ended says nothing of the new ones.
func TestHintsEndAtATruncation(t *testing.T) {
	l, _ := newLog(t, nil)
	for range 50 {
		appendBatch(t, l, 2, 0)
	}
	s, err := l.Read(0, ReadLimits{MaxBytes: 10 * len(batchOf(t, 2, nil)), EndOffset: 100})
	must(t, err)
	s.Release()
	if s.NextOffset() != 20 {
		t.Fatalf("read to %d", s.NextOffset())
	}
	must(t, l.TruncateTo(0))
	for range 2 * tailSize {
		batch := batchOf(t, 1, func(b *record.Builder) { b.Append(record.Record{Value: make([]byte, 37)}) })
		_, err := l.AppendLeader(batch, 1)
		must(t, err)
	}
	s, err = l.Read(20, ReadLimits{MaxBytes: 1, EndOffset: l.EndOffset(), AtLeastOne: true})
	must(t, err)
	buf := make([]byte, s.Len())
	must(t, s.ReadInto(buf))
	s.Release()
	if got := offsets(t, buf); got != "20-21 " {
		t.Errorf("read %s", got)
	}
}

// TestTruncationCutShortAtTheCleanEnd: the log ends where it ended at the last clean stop, but only in memory, when the process
// dies between cutting the file and syncing it. Nothing may come back later.
func TestTruncationCutShortAtTheCleanEnd(t *testing.T) {
	l, disk := newLog(t, nil)
	appendBatch(t, l, 5, 0)
	must(t, l.Close())
	l = openLog(t, disk, l.configuration())
	appendBatch(t, l, 5, 0)
	must(t, l.Sync(10))
	var next *memenv.Disk
	cut := false
	disk.SetHook(func(op memenv.Op) error {
		if cut && op.Kind == memenv.OpSync && next == nil {
			next = disk.Kill()
		}
		cut = cut || op.Kind == memenv.OpTruncate
		return nil
	})
	wantErr(t, l.TruncateTo(5), memenv.ErrDead)
	l = openLog(t, next, l.configuration())
	if l.EndOffset() != 5 {
		t.Fatalf("end %d", l.EndOffset())
	}
	l = openLog(t, next.PowerLoss(memenv.Loss{}), l.configuration())
	if l.EndOffset() != 5 {
		t.Errorf("end %d: what was truncated came back", l.EndOffset())
	}
}

func TestTruncateAndStartAt(t *testing.T) {
	l, disk := newLog(t, func(c *Config) { c.SegmentBytes = 400 })
	for i := range 10 {
		_, err := l.AppendLeader(batchOf(t, 3, idempotent(1, 0, int32(3*i))), 2)
		must(t, err)
	}
	must(t, l.TruncateAndStartAt(1_000))
	check := func(when string, end int64) {
		t.Helper()
		if l.StartOffset() != 1_000 || l.EndOffset() != end || len(l.producers.producers) != 0 {
			t.Errorf("%s: %d to %d, epoch %d", when, l.StartOffset(), l.EndOffset(), l.LastEpoch())
		}
	}
	check("at once", 1_000)
	if l.LastEpoch() != -1 || l.Size() != 0 {
		t.Errorf("epoch %d, %d bytes", l.LastEpoch(), l.Size())
	}
	disk = disk.PowerLoss(memenv.Loss{})
	l = openLog(t, disk, l.configuration())
	check("after a loss of power", 1_000)
	appendBatch(t, l, 2, 3)
	must(t, l.Sync(1_002))
	disk = disk.PowerLoss(memenv.Loss{})
	l = openLog(t, disk, l.configuration())
	check("after another", 1_002)
	must(t, l.TruncateTo(7)) // before the first segment
	if l.StartOffset() != 7 || l.EndOffset() != 7 {
		t.Errorf("%d to %d", l.StartOffset(), l.EndOffset())
	}
	wantErr(t, l.TruncateTo(-1), ErrOffsetOutOfRange)
	wantErr(t, l.TruncateAndStartAt(-1), ErrOffsetOutOfRange)
}

// TestTruncateInsideABatch: a batch that holds the offset goes whole.
func TestTruncateInsideABatch(t *testing.T) {
	l, _ := newLog(t, nil)
	for range 3 {
		appendBatch(t, l, 4, 0)
	}
	must(t, l.TruncateTo(6))
	if l.EndOffset() != 4 {
		t.Errorf("end %d", l.EndOffset())
	}
}
