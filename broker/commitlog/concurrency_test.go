package commitlog

import (
	"sync"
	"sync/atomic"
	"testing"

	"odradek/broker/env/memenv"
)

// TestGroupCommit: while one fsync is under way all others wait, and the next serves them together; appends and reads go on.
func TestGroupCommit(t *testing.T) {
	l, disk := newLog(t, nil)
	appendBatch(t, l, 1, 0)
	var fsyncs atomic.Int32
	inFsync, goOn := make(chan struct{}), make(chan struct{})
	disk.SetHook(func(op memenv.Op) error {
		if op.Kind == memenv.OpSync && fsyncs.Add(1) == 1 {
			close(inFsync)
			<-goOn
		}
		return nil
	})
	var all sync.WaitGroup
	all.Go(func() {
		if err := l.Sync(1); err != nil {
			t.Error(err)
		}
	})
	<-inFsync
	const waiting = 20
	for range waiting {
		info := appendBatch(t, l, 1, 0)
		all.Go(func() {
			if err := l.Sync(info.LastOffset + 1); err != nil {
				t.Error(err)
			}
			if l.SyncedOffset() <= info.LastOffset {
				t.Errorf("synced to %d only", l.SyncedOffset())
			}
		})
	}
	if got := offsets(t, readAll(t, l, waiting, 1<<20)); got != "20-20 " || l.SyncedOffset() != 0 {
		t.Errorf("read %s during an fsync, synced to %d", got, l.SyncedOffset())
	}
	close(goOn)
	all.Wait()
	if n := fsyncs.Load(); n != 2 {
		t.Errorf("%d fsyncs for %d waiting", n, waiting+1)
	}
	must(t, l.Sync(5))
	if n := fsyncs.Load(); n != 2 {
		t.Error("an fsync for what was synced already")
	}
	wantErr(t, l.Sync(99), ErrOffsetOutOfRange)
}

// TestReadersBesideAWriter is for the race detector: readers and syncs at any time, one goroutine that changes the log, with
// the background on goroutines of its own.
func TestReadersBesideAWriter(t *testing.T) {
	cfg := DefaultConfig()
	cfg.SegmentBytes, cfg.IndexIntervalBytes = 2_000, 100
	l, err := Open(newDisk(), testDir, cfg, Options{})
	must(t, err)
	var stop atomic.Bool
	var readers sync.WaitGroup
	for i := range 3 {
		readers.Go(func() {
			for !stop.Load() {
				start, end := l.StartOffset(), l.EndOffset()
				from := start + (end-start)*int64(i)/3
				s, err := l.Read(from, ReadLimits{MaxBytes: 700, EndOffset: end, AtLeastOne: true})
				if err != nil {
					continue // truncated in between
				}
				buf := make([]byte, s.Len())
				if err := s.ReadInto(buf); err != nil {
					t.Error(err)
				}
				offsets(t, buf)
				s.Release()
				_, _, _, err = l.OffsetForTimestamp(int64(i), end)
				_ = l.LastStableOffset(end)
				_, _ = l.EpochEndOffset(l.LastEpoch())
				if err == nil {
					err = l.Sync(min(end, l.EndOffset()))
				}
				_, _ = l.Size(), err // what was asked for may be truncated by now
			}
		})
	}
	for i := range 600 {
		appendBatch(t, l, i%4+1, int32(i/100))
		switch i % 50 {
		case 30:
			must(t, l.TruncateTo(l.EndOffset()*2/3))
		case 40:
			must(t, l.AdvanceStart(l.EndOffset()/10))
		}
	}
	stop.Store(true)
	readers.Wait()
	must(t, l.Close())
}
