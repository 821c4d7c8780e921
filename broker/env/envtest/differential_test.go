//go:build unix

package envtest_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"pgregory.net/rapid"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/env/osenv"
)

// side is one of two disks that are told the same.
type side struct {
	disk  env.Disk
	root  string
	files []env.File // open, and never more than a few
}

// step is an operation on a side; it returns what it learned, in words that are the same on every implementation.
type step func(*side) string

// said names an error by what package env promises of it.
func said(err error) string {
	for _, known := range []error{fs.ErrNotExist, fs.ErrExist, fs.ErrClosed} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if err != nil {
		return "some error"
	}
	return "done"
}

// draw makes up the next operation. Names are few, so that they meet.
func draw(t *rapid.T, open int) (what string, run step) {
	names := rapid.SampledFrom([]string{"a", "b", "c", "a/b", "c/a", "c/b", "a/b/c"})
	name, other := names.Draw(t, "name"), names.Draw(t, "other")
	offset, length := rapid.Int64Range(0, 20_000).Draw(t, "offset"), rapid.IntRange(0, 9_000).Draw(t, "length")
	kinds := []string{"open", "open", "mkdir", "rename", "remove", "list", "stat", "syncdir"}
	if open > 0 {
		kinds = append(kinds, "write", "write", "write", "truncate", "read", "read", "sync", "close")
	}
	kind := rapid.SampledFrom(kinds).Draw(t, "kind")
	file := rapid.IntRange(0, max(open-1, 0)).Draw(t, "file")
	flag := rapid.SampledFrom([]int{0, os.O_CREATE, os.O_CREATE, os.O_CREATE | os.O_EXCL, os.O_TRUNC, os.O_CREATE | os.O_TRUNC}).Draw(t, "flag")
	switch kind {
	case "open":
		return fmt.Sprintf("open %s %#x", name, flag), func(s *side) string {
			f, err := s.disk.Open(s.root+name, flag)
			if err == nil {
				s.files = append(s.files, f)
			}
			return said(err)
		}
	case "mkdir":
		return "mkdir " + name, func(s *side) string { return said(s.disk.MkdirAll(s.root + name)) }
	case "rename":
		return "rename " + name + " " + other, func(s *side) string { return said(s.disk.Rename(s.root+name, s.root+other)) }
	case "remove":
		return "remove " + name, func(s *side) string { return said(s.disk.Remove(s.root + name)) }
	case "list":
		return "list " + name, func(s *side) string {
			names, err := s.disk.List(s.root + name)
			return fmt.Sprint(names, said(err))
		}
	case "stat":
		return "stat " + name, func(s *side) string {
			info, err := s.disk.Stat(s.root + name)
			return fmt.Sprint(info, said(err))
		}
	case "syncdir":
		return "syncdir " + name, func(s *side) string { return said(s.disk.SyncDir(s.root + name)) }
	case "close":
		return fmt.Sprint("close ", file), func(s *side) string {
			f := s.files[file]
			s.files = append(s.files[:file:file], s.files[file+1:]...)
			return said(f.Close())
		}
	}
	return fmt.Sprint(kind, " ", file, " ", offset, " ", length), func(s *side) string {
		return onFile(s.files[file], kind, offset, length)
	}
}

// onFile does one operation on an open file and tells the size after it.
func onFile(f env.File, kind string, offset int64, length int) string {
	var got []byte
	var n int
	var err error
	switch kind {
	case "write":
		got = make([]byte, length)
		for i := range got {
			got[i] = byte(offset) | 1
		}
		n, err = f.WriteAt(got, offset)
		got = nil
	case "read":
		got = make([]byte, length)
		n, _ = f.ReadAt(got, offset)
	case "truncate":
		err = f.Truncate(offset)
	case "sync":
		err = f.Sync()
	}
	size, sizeErr := f.Size()
	return fmt.Sprintf("%d %x %s %d %s", n, got, said(err), size, said(sizeErr))
}

// The disk in memory and the kernel's answer alike, whatever is asked of them.
func TestDisksAgree(t *testing.T) {
	kernelDisk := osenv.New().Disk
	rapid.Check(t, func(rt *rapid.T) {
		root, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		kernel := &side{disk: kernelDisk, root: root + "/"}
		memory := &side{disk: memenv.NewDisk()}
		for i := range rapid.IntRange(1, 60).Draw(rt, "steps") {
			what, run := draw(rt, len(memory.files))
			want, got := run(kernel), run(memory)
			if got != want {
				rt.Fatalf("step %d, %s: in memory %.200s, by the kernel %.200s", i, what, got, want)
			}
		}
		for _, f := range kernel.files {
			f.Close()
		}
	})
}
