package memenv_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
)

func write(t *testing.T, d env.Disk, name, content string) env.File {
	t.Helper()
	f, err := d.Open(name, os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(content), 0); err != nil {
		t.Fatal(err)
	}
	return f
}

func read(t *testing.T, d env.Disk, name string) string {
	t.Helper()
	content, err := env.ReadFile(d, name, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return "(missing)"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestStrictPowerLossKeepsWhatWasSynced(t *testing.T) {
	d := memenv.NewDisk()
	f := write(t, d, "a", "one")
	must(t, f.Sync())
	must(t, d.SyncDir("/"))
	write(t, d, "a", "two")
	write(t, d, "b", "new")
	after := d.PowerLoss(memenv.Loss{})
	if got := read(t, after, "a"); got != "one" {
		t.Errorf("a is %q", got)
	}
	if got := read(t, after, "b"); got != "(missing)" {
		t.Errorf("b is %q", got)
	}
	if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, memenv.ErrDead) {
		t.Errorf("write by a dead process: %v", err)
	}
	if after.BootID() == d.BootID() {
		t.Error("the boot id outlived the boot")
	}
}

func TestKillKeepsEverythingAndFreesLocks(t *testing.T) {
	d := memenv.NewDisk()
	write(t, d, "a", "one")
	if _, err := d.Lock("lock"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.NewProcess().Lock("lock"); !errors.Is(err, env.ErrLocked) {
		t.Errorf("second lock: %v", err)
	}
	after := d.Kill()
	if got := read(t, after, "a"); got != "one" {
		t.Errorf("a is %q", got)
	}
	if _, err := after.Lock("lock"); err != nil {
		t.Error(err)
	}
	if after.BootID() != d.BootID() {
		t.Error("the boot id changed without a boot")
	}
	if _, err := d.Open("a", 0); !errors.Is(err, memenv.ErrDead) {
		t.Errorf("open by a dead process: %v", err)
	}
}

func TestCapacity(t *testing.T) {
	d := memenv.NewDisk()
	d.SetCapacity(2 * memenv.BlockSize)
	f, err := d.Open("a", os.O_CREATE)
	must(t, err)
	n, err := f.WriteAt(make([]byte, 3*memenv.BlockSize), 0)
	if n != 2*memenv.BlockSize || !errors.Is(err, env.ErrNoSpace) {
		t.Errorf("wrote %d, %v", n, err)
	}
	must(t, d.Remove("a"))
	if d.Used() != 2*memenv.BlockSize {
		t.Errorf("an open file's blocks were freed: %d used", d.Used())
	}
	must(t, f.Close())
	if d.Used() != 0 {
		t.Errorf("%d used by nothing", d.Used())
	}
}

func TestSpaceOfKilledProcessIsFreed(t *testing.T) {
	d := memenv.NewDisk()
	write(t, d, "a", "one")
	must(t, d.Remove("a"))
	if after := d.Kill(); after.Used() != 0 {
		t.Errorf("%d used by nothing", after.Used())
	}
}

func TestFailedSyncForgetsForGood(t *testing.T) {
	d := memenv.NewDisk()
	f := write(t, d, "a", "one")
	must(t, d.SyncDir("."))
	d.SetHook(func(op memenv.Op) error {
		if op.Kind == memenv.OpSync {
			return io.ErrUnexpectedEOF
		}
		return nil
	})
	if err := f.Sync(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("sync: %v", err)
	}
	d.SetHook(nil)
	must(t, f.Sync())
	if got := read(t, d.AfterPowerLoss(memenv.Loss{}), "a"); got != "\x00\x00\x00" {
		t.Errorf("a is %q after a sync that could not know", got)
	}
	if _, err := f.WriteAt([]byte("two"), 0); err != nil {
		t.Fatal(err)
	}
	must(t, f.Sync())
	if got := read(t, d.PowerLoss(memenv.Loss{}), "a"); got != "two" {
		t.Errorf("a is %q though it was written again and synced", got)
	}
}

func TestHookSeesOperations(t *testing.T) {
	d := memenv.NewDisk()
	var seen []string
	d.SetHook(func(op memenv.Op) error { seen = append(seen, op.String()); return nil })
	must(t, d.MkdirAll("d"))
	must(t, env.WriteFileAtomic(d, "d/a", []byte("one")))
	want := []string{"mkdir d", "open d/a.tmp", "write d/a.tmp [0,+3]", "sync d/a.tmp", "rename d/a.tmp to d/a", "syncdir d"}
	if len(seen) != len(want) {
		t.Fatalf("saw %q", seen)
	}
	for i := range want {
		if seen[i] != want[i] {
			t.Errorf("operation %d is %q, not %q", i, seen[i], want[i])
		}
	}
}
