package commitlog

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/record"
)

// garblingDisk answers one read of a log's files wrongly: the nth, in one bit of a byte that at chooses, or the middle one.
type garblingDisk struct {
	env.Disk
	reads, nth int
	at         int
}

func (d *garblingDisk) Open(name string, flag int) (env.File, error) {
	f, err := d.Disk.Open(name, flag)
	if err == nil && strings.HasSuffix(name, logSuffix) {
		f = &garblingFile{f, d}
	}
	return f, err
}

type garblingFile struct {
	env.File
	disk *garblingDisk
}

func (f *garblingFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	if f.disk.reads++; n > 0 && f.disk.reads == f.disk.nth {
		at := n / 2
		if f.disk.at > 0 {
			at = f.disk.at % n
		}
		p[at] ^= 1
	}
	return n, err
}

// A read that is wrong once must not cost what recovery would cut for it.
func TestRecoveryAsksTwiceBeforeItCuts(t *testing.T) {
	l, disk := newLog(t, nil)
	for range 10 {
		appendBatch(t, l, 2, 1)
	}
	garbling := &garblingDisk{Disk: disk.Kill(), nth: 1}
	again := openLog(t, garbling, l.configuration())
	if garbling.reads < 2 || again.EndOffset() != 20 {
		t.Errorf("after %d reads, the first of them garbled, the log ends at %d", garbling.reads, again.EndOffset())
	}
	must(t, again.Close())
}

// TestALieIsNotWritten: whatever one read of a record is answered wrongly, what is written by what was read is what it would have been:
// an index and a snapshot that are made anew, a segment that goes on in a copy, one that compaction replaces, records that are written once
// more after a failed fsync.
func TestALieIsNotWritten(t *testing.T) {
	cfg := DefaultConfig()
	cfg.VerifyTransactions, cfg.SegmentBytes, cfg.IndexIntervalBytes, cfg.FileDeleteDelayMs = false, 900, 100, 0
	written := func(t *testing.T) (*Log, *memenv.Disk) {
		disk := memenv.NewDisk()
		l := openLog(t, disk, cfg)
		for i := range int32(16) {
			batch := batchAt(t, 2, 1_000+int64(i)*7, func(b *record.Builder) {
				idempotent(int64(i%3), 0, i/3*2)(b)
				b.Transactional = i%3 == 0
			})
			if i == 9 {
				var err error
				batch, err = record.MarkerBatch(record.Marker{Type: record.ControlAbort}, 0, 0, 1_000)
				must(t, err)
			}
			_, err := l.AppendCoordinator(batch, i/4, 0)
			must(t, err)
		}
		return l, disk
	}
	for what, change := range map[string]func(t *testing.T, garble func(env.Disk) env.Disk) env.Disk{
		"indexes": func(t *testing.T, garble func(env.Disk) env.Disk) env.Disk {
			l, disk := written(t)
			must(t, l.Close())
			for _, suffix := range []string{indexSuffix, timeIndexSuffix, txnIndexSuffix} {
				_ = disk.Remove(l.path(segmentName(0, suffix)))
			}
			offsets, err := l.snapshots()
			must(t, err)
			for _, offset := range offsets {
				must(t, disk.Remove(l.path(segmentName(offset, snapshotSuffix))))
			}
			again := openLog(t, garble(disk), cfg)
			must(t, again.Sync(again.EndOffset()))
			must(t, again.Close())
			return disk
		},
		"a copy": func(t *testing.T, garble func(env.Disk) env.Disk) env.Disk {
			l, disk := written(t)
			must(t, l.Close())
			l = openLog(t, garble(disk), cfg)
			limits := ReadLimits{MaxBytes: 1 << 20, EndOffset: l.EndOffset()}
			pin, err := l.Read(20, limits)
			if err != nil { // it was told of a lie, and will ask again
				pin, err = l.Read(20, limits)
			}
			must(t, err)
			must(t, l.TruncateTo(25))
			pin.Release()
			must(t, l.Close())
			return disk
		},
		"a replacement": func(t *testing.T, garble func(env.Disk) env.Disk) env.Disk {
			l, disk := written(t)
			must(t, l.Close())
			l = openLog(t, garble(disk), cfg)
			next := l.Segments()[1].Base
			for range 2 {
				r, err := l.Replace(0, next, 100)
				if err != nil {
					continue
				}
				if err = r.Each(r.Append); err == nil {
					must(t, r.Commit())
					break
				}
				r.Discard()
			}
			must(t, l.Close())
			return disk
		},
		"after a failed fsync": func(t *testing.T, garble func(env.Disk) env.Disk) env.Disk {
			l, disk := written(t)
			breakOn(disk, func(op memenv.Op) bool { return op.Kind == memenv.OpSync })
			wantErr(t, l.Sync(l.EndOffset()), ErrStorage)
			disk.SetHook(nil)
			must(t, l.Close())
			disk = disk.Kill()
			must(t, openLog(t, garble(disk), cfg).Close())
			return disk
		},
	} {
		t.Run(what, func(t *testing.T) {
			want := filesOf(t, change(t, func(disk env.Disk) env.Disk { return disk }))
			for _, at := range []int{0, 5, 11, 23, 30, 40, 57, 61, 190, 311} {
				for nth := 1; ; nth++ {
					garbling := &garblingDisk{nth: nth, at: at}
					disk := change(t, func(disk env.Disk) env.Disk {
						garbling.Disk = disk
						return garbling
					})
					if got := filesOf(t, disk); got != want {
						t.Fatalf("read %d garbled at %d, the disk holds\n%s\nwant\n%s", nth, at, got, want)
					}
					if garbling.reads < nth {
						break
					}
				}
			}
		})
	}
}

// filesOf is the log's files, by name, with what is in them.
func filesOf(t *testing.T, disk env.Disk) string {
	t.Helper()
	names, err := disk.List(testDir)
	must(t, err)
	var all bytes.Buffer
	for _, name := range names {
		content, err := env.ReadFile(disk, testDir+"/"+name, 1<<20)
		must(t, err)
		fmt.Fprintf(&all, "%s %x\n", name, content)
	}
	return all.String()
}
