package commitlog

import (
	"bytes"
	"errors"
	"testing"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/record"
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

// TestTornLogThatIsToBeWhole: what can't be read is not taken for a torn write when nothing can have been torn.
func TestTornLogThatIsToBeWhole(t *testing.T) {
	l, disk := newLog(t, nil)
	appendBatch(t, l, 3, 1)
	name, size := l.path(segmentName(0, logSuffix)), l.Size()
	appendBatch(t, l, 2, 1)
	disk = disk.Kill()
	whole := Options{Go: inline.Go, Whole: true}
	again, err := Open(disk, testDir, l.configuration(), whole)
	must(t, err)
	must(t, again.Close())

	disk = disk.Kill()
	must(t, disk.Remove(l.path(recoveryFile)))
	f, err := disk.Open(name, 0)
	must(t, err)
	_, err = f.WriteAt([]byte{0xff}, size+record.HeaderSize)
	must(t, err)
	must(t, f.Close())
	_, err = Open(disk, testDir, l.configuration(), whole)
	wantErr(t, err, ErrTorn)
	if cut := openLog(t, disk, l.configuration()); cut.EndOffset() != 3 {
		t.Errorf("ends at %d", cut.EndOffset())
	}
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

// failSync has the next fsync of a segment fail, and returns the disk as the next process finds it.
func failSync(t *testing.T, l *Log, disk *memenv.Disk) {
	t.Helper()
	breakOn(disk, func(op memenv.Op) bool { return op.Kind == memenv.OpSync })
	wantErr(t, l.Sync(l.EndOffset()), ErrStorage)
	disk.SetHook(nil)
	must(t, l.Close())
}

// TestCutAfterAFailedSync: what no fsync vouches for is dropped, in the same process and in the next one.
func TestCutAfterAFailedSync(t *testing.T) {
	for _, segmentBytes := range []int64{1 << 20, 400} {
		for name, reopen := range map[string]func(l *Log, disk *memenv.Disk) (*Log, error){
			"this process": func(l *Log, disk *memenv.Disk) (*Log, error) {
				return Open(disk, testDir, l.configuration(), Options{Go: inline.Go, Cut: true, Failed: l})
			},
			"the next": func(l *Log, disk *memenv.Disk) (*Log, error) {
				return Open(disk.Kill(), testDir, l.configuration(), Options{Go: inline.Go, Cut: true})
			},
			"this process, without a note": func(l *Log, disk *memenv.Disk) (*Log, error) {
				must(t, disk.Remove(testDir+"/"+failedSyncFile))
				return Open(disk, testDir, l.configuration(), Options{Go: inline.Go, Cut: true, Failed: l})
			},
		} {
			l, disk := newLog(t, func(c *Config) { c.SegmentBytes = segmentBytes })
			appendBatch(t, l, 5, 0)
			appendBatch(t, l, 5, 0)
			must(t, l.Sync(10))
			appendBatch(t, l, 5, 1)
			failSync(t, l, disk)
			if failed, err := SyncFailed(disk, testDir); name != "this process, without a note" && (!failed || err != nil) {
				t.Errorf("%s: noted %v, %v", name, failed, err)
			}
			again, err := reopen(l, disk)
			must(t, err)
			if got := offsets(t, readAll(t, again, 0, 1<<20)); got != "0-4 5-9 " || again.EndOffset() != 10 || again.LastEpoch() != 0 || again.SyncedOffset() != 10 {
				t.Errorf("%s: %s, end %d, epoch %d", name, got, again.EndOffset(), again.LastEpoch())
			}
			if failed, err := SyncFailed(again.disk, testDir); failed || err != nil {
				t.Errorf("%s: still noted, %v", name, err)
			}
			appendBatch(t, again, 3, 2)
			must(t, again.Sync(13))
		}
	}
}

// TestCutOfAHealthyLog: where no fsync has failed, nothing is cut.
func TestCutOfAHealthyLog(t *testing.T) {
	l, disk := newLog(t, nil)
	appendBatch(t, l, 5, 0)
	again, err := Open(disk.Kill(), testDir, l.configuration(), Options{Go: inline.Go, Cut: true})
	must(t, err)
	if again.EndOffset() != 5 {
		t.Errorf("end %d", again.EndOffset())
	}
}

// TestFullDiskRefusesAndHeals: whatever a full disk keeps from being done is done when there is room again, and nothing of what
// was refused is in the log.
func TestFullDiskRefusesAndHeals(t *testing.T) {
	l, disk := newLog(t, func(c *Config) { c.SegmentBytes, c.IndexIntervalBytes, c.FileDeleteDelayMs = 20_000, 0, 0 })
	for range 30 {
		appendBatch(t, l, 10, 0)
	}
	must(t, l.Sync(l.EndOffset()))
	refused, healed := 0, 0
	for room := range int64(40) {
		end := l.EndOffset()
		disk.SetCapacity(disk.Used() + room%5*memenv.BlockSize)
		for range 20 {
			if _, err := l.AppendLeader(batchOf(t, 40, nil), 0); err != nil {
				wantErr(t, err, env.ErrNoSpace)
				refused++
				break
			}
			end += 40
		}
		if room%3 == 0 {
			if err := l.TruncateTo(end - 60); err == nil {
				end = l.EndOffset()
			} else {
				wantErr(t, err, env.ErrNoSpace)
			}
		}
		if _, err := l.DropHead(); err != nil {
			wantErr(t, err, env.ErrNoSpace)
		}
		if l.EndOffset() != end {
			t.Fatalf("end %d, want %d", l.EndOffset(), end)
		}
		must(t, l.failed())
		disk.SetCapacity(0)
		appendBatch(t, l, 1, 0)
		must(t, l.Sync(l.EndOffset()))
		healed++
	}
	if refused < 20 || healed != 40 {
		t.Errorf("%d refused, %d healed", refused, healed)
	}
	want := readAll(t, l, 0, 1<<20)
	must(t, l.AdvanceStart(2_000))
	if dropped, err := l.DropHead(); err != nil || dropped == 0 {
		t.Errorf("%d dropped, %v", dropped, err)
	}
	for _, s := range l.Segments() {
		if !s.Active && !s.Settled {
			t.Errorf("segment %d was never sealed", s.Base)
		}
	}
	again := openLog(t, disk.PowerLoss(memenv.Loss{}), l.configuration())
	got := readAll(t, again, 2_000, 1<<20)
	if !bytes.HasSuffix(want, got) || again.EndOffset() != l.EndOffset() {
		t.Errorf("recovered to %d of %d", again.EndOffset(), l.EndOffset())
	}
}

func TestReadErrorsOfSlicesAreTold(t *testing.T) {
	var told []error
	disk := memenv.NewDisk()
	opts := inline
	opts.OnReadError = func(_ *Log, err error) { told = append(told, err) }
	l, err := Open(disk, testDir, DefaultConfig(), opts)
	must(t, err)
	appendBatch(t, l, 5_000, 0)
	s, err := l.Read(0, ReadLimits{MaxBytes: 1 << 20, EndOffset: 5_000, AtLeastOne: true})
	must(t, err)
	defer s.Release()
	if s.Verify(); len(told) > 0 {
		t.Fatalf("told %v", told)
	}
	reads := 0
	breakOn(disk, func(op memenv.Op) bool {
		reads++
		return op.Kind == memenv.OpRead && reads == 2
	})
	s.Verify()
	if len(told) != 1 || reads != 2 {
		t.Fatalf("told %v after %d reads", told, reads)
	}
	wantErr(t, told[0], errBroken)
	breakOn(disk, func(op memenv.Op) bool { return op.Kind == memenv.OpRead })
	wantErr(t, s.ReadInto(make([]byte, s.Len())), errBroken)
	if len(told) != 2 {
		t.Errorf("told %v", told)
	}
}

// TestCrashWhileATrustedSegmentIsSealed: its files were trusted before, and stay so at every step.
func TestCrashWhileATrustedSegmentIsSealed(t *testing.T) {
	for countdown := 1; ; countdown++ {
		l, disk := newLog(t, func(c *Config) { c.SegmentBytes, c.VerifyTransactions = 1_000, false })
		_, err := l.AppendLeader(batchOf(t, 1, func(b *record.Builder) {
			idempotent(4, 0, 0)(b)
			b.Transactional = true
		}), 0)
		must(t, err)
		marker, err := record.MarkerBatch(record.Marker{Type: record.ControlAbort}, 4, 0, 1)
		must(t, err)
		_, err = l.AppendCoordinator(marker, 0, 0)
		must(t, err)
		must(t, l.Close())
		l = openLog(t, disk, l.configuration())
		left := countdown
		breakOn(disk, func(memenv.Op) bool { left--; return left < 0 })
		_, _ = l.AppendLeader(batchOf(t, 30, nil), 0) // rolls
		again := openLog(t, disk.Kill(), l.configuration())
		if aborted, err := again.AbortedTransactions(0, again.EndOffset()); err != nil || len(aborted) != 1 {
			t.Fatalf("%v after a crash at operation %d, %v", aborted, countdown, err)
		}
		if left >= 0 {
			return
		}
	}
}

// TestEveryFailureCanBeClosed: whichever operation of the disk fails in a change of the log, or in its opening, what is left can be read from,
// closed, and opened again.
func TestEveryFailureCanBeClosed(t *testing.T) {
	for what, change := range map[string]func(l *Log) error{
		"restart before":  func(l *Log) error { return l.TruncateAndStartAt(5) },
		"restart after":   func(l *Log) error { return l.TruncateAndStartAt(100) },
		"truncate":        func(l *Log) error { return l.TruncateTo(15) },
		"truncate all":    func(l *Log) error { return l.TruncateTo(0) },
		"drop the head":   func(l *Log) error { return errors.Join(l.AdvanceStart(25), dropHead(l)) },
		"drop everything": func(l *Log) error { return errors.Join(l.AdvanceStart(40), dropHead(l), dropHead(l)) },
		"close":           func(l *Log) error { return l.Close() },
	} {
		t.Run(what, func(t *testing.T) {
			for nth, done := 1, false; !done; nth++ {
				l, disk := newLog(t, func(c *Config) { c.SegmentBytes, c.FileDeleteDelayMs = 300, 0 })
				for range 20 {
					appendBatch(t, l, 2, 1)
				}
				left := nth
				failing := func() {
					left = nth
					breakOn(disk, func(memenv.Op) bool { left--; return left == 0 })
				}
				failing()
				err := change(l)
				done = left > 0
				if done {
					must(t, err)
				}
				disk.SetHook(nil)
				if slice, err := l.Read(l.StartOffset(), ReadLimits{MaxBytes: 1_000, EndOffset: l.EndOffset()}); err == nil {
					slice.Release()
				}
				_ = l.Close()

				failing()
				again, err := Open(disk, testDir, l.configuration(), inline)
				disk.SetHook(nil)
				if err != nil {
					again, err = Open(disk, testDir, l.configuration(), inline)
				}
				must(t, err)
				appendBatch(t, again, 1, 2)
				must(t, again.Close())
			}
		})
	}
}

func dropHead(l *Log) error {
	_, err := l.DropHead()
	return err
}
