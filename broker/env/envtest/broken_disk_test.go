package envtest_test

import (
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"odradek/broker/env"
	"odradek/broker/env/envtest"
	"odradek/broker/env/memenv"
)

// brokenDisk is a disk with one promise broken, by the field that is set.
type brokenDisk struct {
	env.Disk
	open   func(d env.Disk, name string, flag int) (env.File, error)
	rename func(d env.Disk, oldName, newName string) error
	list   func(d env.Disk, dir string) ([]string, error)
	lock   func(d env.Disk, name string) (io.Closer, error)
	remove func(d env.Disk, name string) error
}

func (b brokenDisk) Open(name string, flag int) (env.File, error) {
	if b.open != nil {
		return b.open(b.Disk, name, flag)
	}
	return b.Disk.Open(name, flag)
}

func (b brokenDisk) Rename(oldName, newName string) error {
	if b.rename != nil {
		return b.rename(b.Disk, oldName, newName)
	}
	return b.Disk.Rename(oldName, newName)
}

func (b brokenDisk) List(dir string) ([]string, error) {
	if b.list != nil {
		return b.list(b.Disk, dir)
	}
	return b.Disk.List(dir)
}

func (b brokenDisk) Lock(name string) (io.Closer, error) {
	if b.lock != nil {
		return b.lock(b.Disk, name)
	}
	return b.Disk.Lock(name)
}

func (b brokenDisk) Remove(name string) error {
	if b.remove != nil {
		return b.remove(b.Disk, name)
	}
	return b.Disk.Remove(name)
}

// brokenFile is a file with one promise broken.
type brokenFile struct {
	env.File
	readAt   func(f env.File, p []byte, off int64) (int, error)
	truncate func(f env.File, size int64) error
}

func (b brokenFile) ReadAt(p []byte, off int64) (int, error) {
	if b.readAt != nil {
		return b.readAt(b.File, p, off)
	}
	return b.File.ReadAt(p, off)
}

func (b brokenFile) Truncate(size int64) error {
	if b.truncate != nil {
		return b.truncate(b.File, size)
	}
	return b.File.Truncate(size)
}

// breakFile makes a disk whose files are broken.
func breakFile(b brokenFile) brokenDisk {
	return brokenDisk{open: func(d env.Disk, name string, flag int) (env.File, error) {
		f, err := d.Open(name, flag)
		if err != nil {
			return nil, err
		}
		b.File = f
		return b, nil
	}}
}

// The suite is only worth what it catches.
func TestBrokenDisksAreCaught(t *testing.T) {
	for name, c := range map[string]struct {
		disk     brokenDisk
		caughtBy string
	}{
		"exclusive is ignored": {brokenDisk{open: func(d env.Disk, name string, flag int) (env.File, error) {
			return d.Open(name, flag&^os.O_EXCL)
		}}, "file-exclusive"},
		"open makes what is missing": {brokenDisk{open: func(d env.Disk, name string, flag int) (env.File, error) {
			return d.Open(name, flag|os.O_CREATE)
		}}, "file-create"},
		"read past the end is no error": {breakFile(brokenFile{readAt: func(f env.File, p []byte, off int64) (int, error) {
			n, err := f.ReadAt(p, off)
			if err == io.EOF {
				err = nil
			}
			return n, err
		}}), "file-read-at-end"},
		"truncate does not grow": {breakFile(brokenFile{truncate: func(f env.File, size int64) error {
			if now, err := f.Size(); err != nil || size > now {
				return err
			}
			return f.Truncate(size)
		}}), "file-truncate"},
		"rename in two steps": {brokenDisk{rename: func(d env.Disk, oldName, newName string) error {
			if _, err := d.Stat(oldName); err != nil {
				return err
			}
			if info, err := d.Stat(newName); err == nil && !info.IsDir && oldName != newName {
				if err := d.Remove(newName); err != nil {
					return err
				}
				time.Sleep(time.Millisecond)
			}
			return d.Rename(oldName, newName)
		}}, "dir-rename-is-one-step"},
		"rename does not replace": {brokenDisk{rename: func(d env.Disk, oldName, newName string) error {
			if _, err := d.Stat(newName); err == nil {
				return fs.ErrExist
			}
			return d.Rename(oldName, newName)
		}}, "dir-rename-replaces"},
		"list is unsorted": {brokenDisk{list: func(d env.Disk, dir string) ([]string, error) {
			names, err := d.List(dir)
			slices.Reverse(names)
			return names, err
		}}, "dir-list"},
		"locks exclude nobody": {brokenDisk{lock: func(d env.Disk, name string) (io.Closer, error) {
			return d.Open(name, os.O_CREATE)
		}}, "dir-lock"},
		"remove takes everything": {brokenDisk{remove: func(d env.Disk, name string) error {
			if _, err := d.Stat(name); err != nil {
				return err
			}
			return env.RemoveAll(d, name)
		}}, "dir-remove"},
	} {
		t.Run(name, func(t *testing.T) {
			c.disk.Disk = memenv.NewDisk()
			mustCatch(t, c.caughtBy, envtest.World{Env: env.Env{Net: memenv.NewNet(), Disk: c.disk}})
		})
	}
}

func mustCatch(t *testing.T, caseName string, w envtest.World) {
	t.Helper()
	w.Dir, w.Host = "suite", "node"
	cases := envtest.Cases()
	i := slices.IndexFunc(cases, func(c envtest.Case) bool { return c.Name == caseName })
	if i < 0 {
		t.Fatalf("no case %q", caseName)
	}
	if err := cases[i].Run(w); err == nil {
		t.Errorf("%s found nothing wrong", caseName)
	} else if !strings.Contains(err.Error(), ".go:") {
		t.Errorf("a finding without its place: %v", err)
	}
}
