package slowenv_test

import (
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"odradek/broker/env"
	"odradek/broker/env/envtest"
	"odradek/broker/env/memenv"
	"odradek/broker/env/osenv"
	"odradek/broker/env/slowenv"
)

// A disk that nothing was done to keeps every promise of the one below it.
func TestSuite(t *testing.T) {
	world, _ := slowenv.Wrap(osenv.New())
	envtest.RunAll(envtest.World{Env: world, Dir: t.TempDir(), Host: "127.0.0.1"}, func(name string, err error) {
		if err != nil && !errors.Is(err, envtest.ErrLeftOut) {
			t.Errorf("%s: %v", name, err)
		}
	})
}

func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, f := open(t)
		disk.Set(slowenv.State{Stall: true})
		began := time.Now()
		time.AfterFunc(3*time.Second, func() { disk.Set(slowenv.State{}) })
		for _, do := range []func() error{
			func() error { _, err := f.WriteAt([]byte("x"), 0); return err },
			f.Sync,
		} {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("the write and the sync behind it ended after %v", took)
		}
	})
}

// The wrapped disk takes a millisecond an operation, and no time passes beside it.
func TestFactor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, inner := open(t)
		disk := wrapped(tardy{File: inner})
		f, err := disk.Open("f", 0)
		if err != nil {
			t.Fatal(err)
		}
		for factor, want := range map[float64]time.Duration{0: time.Millisecond, 10: 10 * time.Millisecond} {
			disk.Set(slowenv.State{Factor: factor})
			began := time.Now()
			if err := f.Sync(); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != want {
				t.Errorf("factor %v: %v", factor, took)
			}
		}
	})
}

type tardy struct{ env.File }

func (f tardy) Sync() error {
	time.Sleep(time.Millisecond)
	return f.File.Sync()
}

// oneFile is a disk on which every name is the same file.
type oneFile struct {
	env.Disk
	file env.File
}

func (d oneFile) Open(string, int) (env.File, error) { return d.file, nil }

func wrapped(f env.File) *slowenv.Disk {
	_, disk := slowenv.Wrap(env.Env{Disk: oneFile{file: f}})
	return disk
}

func open(t *testing.T) (*slowenv.Disk, env.File) {
	t.Helper()
	world, disk := slowenv.Wrap(memenv.New())
	f, err := world.Disk.Open("/f", os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	return disk, f
}
