package commitlog

import (
	"testing"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
)

func TestAppendReadReopen(t *testing.T) {
	l, disk := newLog(t, func(c *Config) { c.SegmentBytes = 1_000 })
	for i := range 20 {
		info := appendBatch(t, l, i%3+1, 2)
		if info.Duplicate || info.LogAppendTime != -1 || info.LogStartOffset != 0 {
			t.Fatalf("%+v", info)
		}
	}
	want := readAll(t, l, 0, 300)
	if got, whole := l.EndOffset(), offsets(t, want); got != 39 {
		t.Errorf("end %d, batches %s", got, whole)
	}
	must(t, l.Close())
	_, err := l.AppendLeader(batchOf(t, 1, nil), 2)
	wantErr(t, err, ErrClosed)
	wantErr(t, l.Sync(50), ErrClosed)

	reads := countReads(disk)
	again := openLog(t, disk, l.configuration())
	t.Logf("%d reads at open, files %v", *reads, names(t, disk))
	if got := readAll(t, again, 0, 1<<20); string(got) != string(want) {
		t.Errorf("read %s, want %s", offsets(t, got), offsets(t, want))
	}
	if again.SyncedOffset() != 39 || again.LastEpoch() != 2 {
		t.Errorf("synced %d, epoch %d", again.SyncedOffset(), again.LastEpoch())
	}
	appendBatch(t, again, 1, 3)
	must(t, again.Sync(40))
	must(t, again.Close())
}

// countReads counts reads of record data from now on.
func countReads(disk *memenv.Disk) *int {
	n := new(int)
	disk.SetHook(func(op memenv.Op) error {
		if op.Kind == memenv.OpRead {
			*n++
		}
		return nil
	})
	return n
}

func (l *Log) configuration() Config { return *l.config.Load() }

func TestDelete(t *testing.T) {
	l, disk := newLog(t, nil)
	appendBatch(t, l, 3, 0)
	s, err := l.Read(0, ReadLimits{MaxBytes: 1 << 20, EndOffset: 3})
	must(t, err)
	must(t, l.Delete())
	if list, err := disk.List("."); err != nil || len(list) != 0 {
		t.Errorf("left over: %v, %v", list, err)
	}
	buf := make([]byte, s.Len())
	must(t, s.ReadInto(buf))
	if got := offsets(t, buf); got != "0-2 " {
		t.Errorf("slice reads %s after the deletion", got)
	}
	s.Release()
	wantErr(t, l.Delete(), ErrClosed)
}

func TestRemoveDeleted(t *testing.T) {
	disk := memenv.NewDisk()
	must(t, disk.MkdirAll("a-0"))
	must(t, disk.MkdirAll("b-1"+DeletedSuffix))
	must(t, env.WriteFileAtomic(disk, "b-1"+DeletedSuffix+"/x", nil))
	must(t, RemoveDeleted(disk, "."))
	if list, _ := disk.List("."); len(list) != 1 || list[0] != "a-0" {
		t.Errorf("left over: %v", list)
	}
}

// TestSyncsOfAStop counts the fsyncs of a clean stop, which a node with thousands of logs waits for: of the records, of the recovery point and
// of its name; before the first also of the leader epochs and the names, and with producers of their snapshot and its name. A log
// that nothing was appended to costs none.
func TestSyncsOfAStop(t *testing.T) {
	for _, test := range []struct {
		producer bool
		first    int // stop of a new log, whose parent directory is one
		later    int
	}{{false, 6, 3}, {true, 7, 5}} {
		l, disk := newLog(t, nil)
		stop := func(batches int) (syncs int) {
			for range batches {
				batch := batchOf(t, 2, nil)
				if test.producer {
					batch = batchOf(t, 2, idempotent(l.EndOffset(), 0, 0))
				}
				_, err := l.AppendLeader(batch, 1)
				must(t, err)
			}
			disk.SetHook(func(op memenv.Op) error {
				if op.Kind == memenv.OpSync || op.Kind == memenv.OpSyncDir {
					syncs++
				}
				return nil
			})
			must(t, l.Close())
			disk.SetHook(nil)
			l = openLog(t, disk, l.configuration())
			return syncs
		}
		if first, later, none := stop(2), stop(2), stop(0); first != test.first || later != test.later || none != 0 {
			t.Errorf("producer %v: %d, %d and %d", test.producer, first, later, none)
		}
	}
}
