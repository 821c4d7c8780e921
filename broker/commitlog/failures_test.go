package commitlog

import (
	"errors"
	"testing"

	"odradek/broker/env/memenv"
)

var errBroken = errors.New("broken disk")

// breakOn lets the operations fail for which hit is true.
func breakOn(disk *memenv.Disk, hit func(memenv.Op) bool) {
	disk.SetHook(func(op memenv.Op) error {
		if hit(op) {
			return errBroken
		}
		return nil
	})
}

func TestFailedWriteLeavesTheLogAsItWas(t *testing.T) {
	l, disk := newLog(t, nil)
	appendBatch(t, l, 3, 1)
	disk.SetCapacity(4096) // the log's one block
	big := batchOf(t, 500, nil)
	if _, err := l.AppendLeader(big, 2); err == nil {
		t.Fatal("no error from a full disk")
	}
	if got := offsets(t, readAll(t, l, 0, 1<<20)); l.EndOffset() != 3 || l.LastEpoch() != 1 || got != "0-2 " {
		t.Errorf("end %d, epoch %d, batches %s", l.EndOffset(), l.LastEpoch(), got)
	}
	disk.SetCapacity(0)
	info, err := l.AppendLeader(big, 2)
	must(t, err)
	if info.FirstOffset != 3 || l.LastEpoch() != 2 {
		t.Errorf("%+v", info)
	}
	// What was written in part must not come back either.
	again := openLog(t, disk.Kill(), l.configuration())
	if got := offsets(t, readAll(t, again, 0, 1<<20)); got != "0-2 3-502 " {
		t.Errorf("recovered %s", got)
	}
}

func TestFailedWriteAndFailedCutFailTheLog(t *testing.T) {
	l, disk := newLog(t, nil)
	appendBatch(t, l, 3, 1)
	breakOn(disk, func(op memenv.Op) bool { return op.Kind == memenv.OpWrite || op.Kind == memenv.OpTruncate })
	_, err := l.AppendLeader(batchOf(t, 1, nil), 1)
	wantErr(t, err, ErrStorage)
	wantErr(t, err, errBroken)
	disk.SetHook(nil)
	_, err = l.AppendLeader(batchOf(t, 1, nil), 1)
	wantErr(t, err, ErrStorage)
	_, err = l.AppendFollower(batchOf(t, 1, nil))
	wantErr(t, err, ErrStorage)
	wantErr(t, l.TruncateTo(0), ErrStorage)
	wantErr(t, l.Sync(3), ErrStorage)
	must(t, l.Close())
}

func TestFailedSyncIsNotHealedByALaterOne(t *testing.T) {
	l, disk := newLog(t, nil)
	appendBatch(t, l, 3, 1)
	breakOn(disk, func(op memenv.Op) bool { return op.Kind == memenv.OpSync })
	wantErr(t, l.Sync(3), ErrStorage)
	disk.SetHook(nil)
	wantErr(t, l.Sync(3), ErrStorage)
	if l.SyncedOffset() != 0 {
		t.Errorf("synced to %d", l.SyncedOffset())
	}
	_, err := l.AppendLeader(batchOf(t, 1, nil), 1)
	wantErr(t, err, ErrStorage)
	must(t, l.Close())

	// The kernel takes the pages for clean now. Whoever opens the log and says it is durable must have written it anew.
	disk = disk.Kill()
	again := openLog(t, disk, l.configuration())
	if again.SyncedOffset() != 3 {
		t.Fatalf("synced to %d", again.SyncedOffset())
	}
	third := openLog(t, disk.PowerLoss(memenv.Loss{}), l.configuration())
	if got := offsets(t, readAll(t, third, 0, 1<<20)); got != "0-2 " {
		t.Errorf("left after a loss of power: %q", got)
	}
}

func TestFailedRollLeavesTheLogAsItWas(t *testing.T) {
	l, disk := newLog(t, func(c *Config) { c.SegmentBytes = 300 })
	appendBatch(t, l, 5, 1)
	breakOn(disk, func(op memenv.Op) bool { return op.Kind == memenv.OpOpen })
	_, err := l.AppendLeader(batchOf(t, 5, nil), 1)
	wantErr(t, err, errBroken)
	disk.SetHook(nil)
	if info := appendBatch(t, l, 5, 1); info.FirstOffset != 5 {
		t.Errorf("%+v", info)
	}
	if got := offsets(t, readAll(t, l, 0, 1<<20)); got != "0-4 5-9 " {
		t.Errorf("batches %s", got)
	}
}

func TestDamagedFilesAreRebuilt(t *testing.T) {
	for _, name := range []string{
		"00000000000000000000.index", "00000000000000000000.timeindex", "00000000000000000040.snapshot",
		epochFile, recoveryFile, startFile,
	} {
		for _, damage := range []string{"flipped", "empty", "gone"} {
			t.Run(damage+" "+name, func(t *testing.T) {
				l, disk := newLog(t, func(c *Config) { c.SegmentBytes = 1_500; c.IndexIntervalBytes = 200 })
				for i := range 20 {
					_, err := l.AppendLeader(batchOf(t, 2, idempotent(5, 0, int32(2*i))), int32(i/5))
					must(t, err)
				}
				must(t, l.AdvanceStart(1))
				want := readAll(t, l, 1, 1<<20)
				must(t, l.Close())
				damageFile(t, disk, testDir+"/"+name, damage)
				again := openLog(t, disk, l.configuration())
				if name == startFile {
					must(t, again.AdvanceStart(1))
				}
				if got := readAll(t, again, 1, 500); string(got) != string(want) {
					t.Errorf("read %s", offsets(t, got))
				}
				known := again.producers.lookup(5)
				if again.LastEpoch() != 3 || again.EpochAt(12) != 1 || known.lastSequence() != 39 {
					t.Errorf("epoch %d, %d, sequence %d", again.LastEpoch(), again.EpochAt(12), known.lastSequence())
				}
				for offset := range int64(39) {
					s, err := again.Read(offset+1, ReadLimits{MaxBytes: 1, EndOffset: 40, AtLeastOne: true})
					must(t, err)
					if next := (offset+1)/2*2 + 2; s.NextOffset() != next {
						t.Errorf("read at %d goes to %d, want %d", offset+1, s.NextOffset(), next)
					}
					s.Release()
				}
			})
		}
	}
}

func damageFile(t *testing.T, disk *memenv.Disk, name, damage string) {
	t.Helper()
	if damage == "gone" {
		must(t, disk.Remove(name))
		return
	}
	f, err := disk.Open(name, 0)
	must(t, err)
	defer f.Close()
	if damage == "empty" {
		must(t, f.Truncate(0))
		return
	}
	b := make([]byte, 1)
	_, err = f.ReadAt(b, 1)
	must(t, err)
	b[0] ^= 0x90
	_, err = f.WriteAt(b, 1)
	must(t, err)
}

func TestDamagedRecordsEndTheLog(t *testing.T) {
	l, disk := newLog(t, nil)
	for range 4 {
		appendBatch(t, l, 2, 0)
	}
	size := l.Size() / 4
	disk = disk.Kill()
	f, err := disk.Open(testDir+"/"+segmentName(0, logSuffix), 0)
	must(t, err)
	_, err = f.WriteAt([]byte{0xff}, 2*size+70)
	must(t, err)
	must(t, f.Close())
	again := openLog(t, disk, l.configuration())
	if got := offsets(t, readAll(t, again, 0, 1<<20)); got != "0-1 2-3 " || again.EndOffset() != 4 || again.Size() != 2*size {
		t.Errorf("recovered %s, end %d, size %d", got, again.EndOffset(), again.Size())
	}
}
