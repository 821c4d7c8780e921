package raftstore

import (
	"errors"
	"io"
	"os"
	"testing"

	"github.com/hashicorp/raft"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
)

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestLeftoversAreNoContinuation: what a failed write left behind the end must not be taken for entries later.
func TestLeftoversAreNoContinuation(t *testing.T) {
	disk := memenv.NewDisk()
	l := must(OpenLog(disk, "log"))(t)
	first := &raft.Log{Index: 1, Term: 1, Data: []byte("aaaa")}
	second := &raft.Log{Index: 2, Term: 1, Data: []byte("bbbb")}
	if err := l.StoreLogs([]*raft.Log{first, second}); err != nil {
		t.Fatal(err)
	}
	// As if the truncation had been forgotten: another entry of the same length over the first one, the old second behind it.
	other, _ := appendEntry(nil, firstCRC(1), &raft.Log{Index: 1, Term: 2, Data: []byte("cccc")})
	if _, err := l.segments[0].file.WriteAt(other, 0); err != nil {
		t.Fatal(err)
	}
	l.Close()
	l = must(OpenLog(disk, "log"))(t)
	if last, _ := l.LastIndex(); last != 1 {
		t.Errorf("log ends at %d, want 1", last)
	}
}

func TestBadEntryBeforeTheLastSegmentIsAnError(t *testing.T) {
	disk := memenv.NewDisk()
	l := must(OpenLog(disk, "log"))(t)
	l.maxBytes = 1
	for i := range uint64(3) {
		if err := l.StoreLog(&raft.Log{Index: i + 1, Term: 1, Data: []byte("data")}); err != nil {
			t.Fatal(err)
		}
	}
	l.segments[0].file.WriteAt([]byte{0xff}, 20)
	if err := l.GetLog(1, &raft.Log{}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("read of a bad entry: %v", err)
	}
	l.Close()
	if _, err := OpenLog(disk, "log"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("open: %v", err)
	}
}

func TestMissingSegmentIsAnError(t *testing.T) {
	disk := memenv.NewDisk()
	l := must(OpenLog(disk, "log"))(t)
	l.maxBytes = 1
	for i := range uint64(3) {
		if err := l.StoreLog(&raft.Log{Index: i + 1, Term: 1}); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	if err := disk.Remove(segmentName("log", 2)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLog(disk, "log"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("open: %v", err)
	}
}

func TestFailedSyncEndsTheLog(t *testing.T) {
	disk := memenv.NewDisk()
	l := must(OpenLog(disk, "log"))(t)
	disk.SetHook(func(op memenv.Op) error {
		if op.Kind == memenv.OpSync {
			return errCrash
		}
		return nil
	})
	if err := l.StoreLog(&raft.Log{Index: 1}); !errors.Is(err, ErrFailed) {
		t.Errorf("store: %v", err)
	}
	disk.SetHook(nil)
	if err := l.StoreLog(&raft.Log{Index: 1}); !errors.Is(err, ErrFailed) {
		t.Errorf("store after a failed sync: %v", err)
	}
}

// TestFullDiskHeals: a write that the disk had no room for leaves the log usable once there is room.
func TestFullDiskHeals(t *testing.T) {
	disk := memenv.NewDisk()
	l := must(OpenLog(disk, "log"))(t)
	if err := l.StoreLog(&raft.Log{Index: 1, Term: 1}); err != nil {
		t.Fatal(err)
	}
	disk.SetCapacity(2 * memenv.BlockSize)
	if err := l.StoreLog(&raft.Log{Index: 2, Term: 1, Data: make([]byte, 20_000)}); err == nil || errors.Is(err, ErrFailed) {
		t.Errorf("store on a full disk: %v", err)
	}
	disk.SetCapacity(0)
	if err := l.StoreLog(&raft.Log{Index: 2, Term: 2}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	l = must(OpenLog(disk, "log"))(t)
	var got raft.Log
	if err := l.GetLog(2, &got); err != nil || got.Term != 2 {
		t.Errorf("%+v %v", got, err)
	}
}

func TestDeleteInTheMiddleIsRefused(t *testing.T) {
	l := must(OpenLog(memenv.NewDisk(), "log"))(t)
	for i := range uint64(5) {
		if err := l.StoreLog(&raft.Log{Index: i + 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.DeleteRange(2, 4); err == nil {
		t.Error("no error")
	}
	if err := l.StoreLog(&raft.Log{Index: 3}); err == nil {
		t.Error("stored over an entry")
	}
}

func writeSnapshot(s *Snapshots, index uint64, state string) error {
	sink, err := s.Create(1, index, 1, raft.Configuration{Servers: []raft.Server{{ID: "a", Address: "b"}}}, 1, nil)
	if err != nil {
		return err
	}
	for _, part := range []string{state[:len(state)/2], state[len(state)/2:]} {
		if _, err := sink.Write([]byte(part)); err != nil {
			return errors.Join(err, sink.Cancel())
		}
	}
	return sink.Close()
}

// TestSnapshotCrashes stops the second and third snapshots at every disk operation: there is always the one before or the new
// one, whole, and the newest is listed first.
func TestSnapshotCrashes(t *testing.T) {
	for _, kill := range []bool{true, false} {
		for at := 1; ; at++ {
			disk := memenv.NewDisk()
			s := must(OpenSnapshots(disk, "snapshots"))(t)
			for index := range uint64(2) {
				if err := writeSnapshot(s, 10+index, "first state"); err != nil {
					t.Fatal(err)
				}
			}
			c := &crasher{disk: disk, at: at, kill: kill}
			disk, completed := c.during(func() error { return writeSnapshot(s, 20, "second state") })
			s = must(OpenSnapshots(disk, "snapshots"))(t)
			metas := must(s.List())(t)
			if len(metas) == 0 || completed && metas[0].Index != 20 || len(metas) > snapshotsKept+1 {
				t.Fatalf("crash at %d: %+v", at, metas)
			}
			want := map[uint64]string{10: "first state", 11: "first state", 20: "second state"}[metas[0].Index]
			meta, r, err := s.Open(metas[0].ID)
			if err != nil {
				t.Fatalf("crash at %d: %v", at, err)
			}
			state := must(io.ReadAll(r))(t)
			r.Close()
			if string(state) != want || meta.Size != int64(len(want)) || meta.Configuration.Servers[0].Address != "b" {
				t.Fatalf("crash at %d: %q of %+v", at, state, meta)
			}
			if completed {
				break
			}
		}
	}
}

func TestSnapshotRotIsFound(t *testing.T) {
	disk := memenv.NewDisk()
	s := must(OpenSnapshots(disk, "snapshots"))(t)
	if err := writeSnapshot(s, 1, "state"); err != nil {
		t.Fatal(err)
	}
	id := must(s.List())(t)[0].ID
	flip := func(at int64) {
		f := must(disk.Open("snapshots/"+id+snapshotSuffix, 0))(t)
		f.WriteAt([]byte{0xff}, at)
		f.Close()
	}
	flip(2)
	if _, _, err := s.Open(id); !errors.Is(err, ErrCorrupt) {
		t.Errorf("state: %v", err)
	}
	flip(8)
	if metas := must(s.List())(t); len(metas) != 0 {
		t.Errorf("meta: %+v", metas)
	}
}

func TestCanceledSnapshotLeavesNothing(t *testing.T) {
	disk := memenv.NewDisk()
	s := must(OpenSnapshots(disk, "snapshots"))(t)
	sink := must(s.Create(1, 1, 1, raft.Configuration{}, 1, nil))(t)
	sink.Write([]byte("x"))
	if err := sink.Cancel(); err != nil {
		t.Fatal(err)
	}
	if names := must(disk.List("snapshots"))(t); len(names) != 0 {
		t.Error(names)
	}
}

// FuzzSegment opens a log on any bytes: no panic, and what is read is what was found good.
func FuzzSegment(f *testing.F) {
	b, crc := appendEntry(nil, firstCRC(1), &raft.Log{Index: 1, Term: 1, Data: []byte("x")})
	b, _ = appendEntry(b, crc, &raft.Log{Index: 2, Term: 1, Extensions: []byte("e")})
	f.Add(b)
	f.Fuzz(func(t *testing.T, content []byte) {
		disk := memenv.NewDisk()
		if err := disk.MkdirAll("log"); err != nil {
			t.Fatal(err)
		}
		file := must(disk.Open(segmentName("log", 1), os.O_CREATE))(t)
		file.WriteAt(content, 0)
		file.Close()
		l := must(OpenLog(disk, "log"))(t)
		last, _ := l.LastIndex()
		for i := uint64(1); i <= last; i++ {
			if err := l.GetLog(i, &raft.Log{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzStable opens the store of votes on any bytes.
func FuzzStable(f *testing.F) {
	b, _ := appendStable(nil, 0, []byte("k"), []byte("v"))
	f.Add(b)
	f.Fuzz(func(t *testing.T, content []byte) {
		disk := memenv.NewDisk()
		file := must(disk.Open("stable", os.O_CREATE))(t)
		file.WriteAt(content, 0)
		file.Close()
		if s, err := OpenStable(disk, "stable"); err == nil {
			if err := s.SetUint64([]byte("k"), 1); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// garblingDisk answers the first read of each place wrongly, and the later ones well.
type garblingDisk struct {
	env.Disk
	seen map[int64]bool
}

func (d *garblingDisk) Open(name string, flag int) (env.File, error) {
	f, err := d.Disk.Open(name, flag)
	return &garblingFile{f, d}, err
}

type garblingFile struct {
	env.File
	disk *garblingDisk
}

func (f *garblingFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	if n > 0 && !f.disk.seen[off] {
		f.disk.seen[off] = true
		p[n/2] ^= 1
	}
	return n, err
}

// An entry was answered for: a read that is wrong once must not cut it off.
func TestLogAsksTwiceBeforeItCuts(t *testing.T) {
	disk := memenv.NewDisk()
	l := must(OpenLog(disk, "log"))(t)
	if err := l.StoreLogs([]*raft.Log{{Index: 1, Data: []byte("one")}, {Index: 2, Data: []byte("two")}}); err != nil {
		t.Fatal(err)
	}
	// Of an entry, the header is read and then the body: the second reads of both are good only together.
	garbling := &garblingDisk{Disk: disk, seen: map[int64]bool{0: true}}
	again := must(OpenLog(garbling, "log"))(t)
	last := must(again.LastIndex())(t)
	if len(garbling.seen) < 2 || last != 2 {
		t.Errorf("after %d garbled reads the log ends at %d", len(garbling.seen)-1, last)
	}
}

// rottenDisk answers one of the reads wrongly: the at-th, counted from 0.
type rottenDisk struct {
	env.Disk
	at, reads int
}

func (d *rottenDisk) Open(name string, flag int) (env.File, error) {
	f, err := d.Disk.Open(name, flag)
	return &rottenFile{f, d}, err
}

type rottenFile struct {
	env.File
	disk *rottenDisk
}

func (f *rottenFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	if n > 0 {
		if f.disk.reads == f.disk.at {
			p[n/2] ^= 1
		}
		f.disk.reads++
	}
	return n, err
}

// Whichever read of an opening is wrong, what was answered for is there, then and afterwards: nothing wrong is written back, neither of
// the log nor of the vote.
func TestNoWrongReadIsWrittenBack(t *testing.T) {
	disk := memenv.NewDisk()
	l := must(OpenLog(disk, "log"))(t)
	if err := l.StoreLogs([]*raft.Log{{Index: 1, Data: []byte("one")}, {Index: 2, Data: []byte("two")}}); err != nil {
		t.Fatal(err)
	}
	s := must(OpenStable(disk, "stable"))(t)
	if err := s.SetUint64([]byte("term"), 7); err != nil {
		t.Fatal(err)
	}
	check := func(at int, when string, disk env.Disk) {
		t.Helper()
		l, err := OpenLog(disk, "log")
		if err != nil {
			t.Fatalf("read %d wrong, %s: %v", at, when, err)
		}
		if last := must(l.LastIndex())(t); last != 2 {
			t.Fatalf("read %d wrong, %s: the log ends at %d", at, when, last)
		}
		if term := must(must(OpenStable(disk, "stable"))(t).GetUint64([]byte("term")))(t); term != 7 {
			t.Fatalf("read %d wrong, %s: term %d", at, when, term)
		}
	}
	rotten := &rottenDisk{Disk: disk}
	for ; rotten.at <= rotten.reads; rotten.at++ {
		rotten.reads = 0
		check(rotten.at, "then", rotten)
		check(rotten.at, "afterwards", disk)
	}
	if rotten.at < 9 {
		t.Errorf("only %d reads were tried", rotten.at)
	}
}
