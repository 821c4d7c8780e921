package envtest

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"slices"

	"odradek/broker/env"
)

// open opens a file of the case's directory.
func (t *T) open(name string, flag int) env.File {
	f, err := t.Disk.Open(t.path(name), flag)
	t.must(err)
	return f
}

func (t *T) path(name string) string { return t.dir + "/" + name }

// create makes a file with content, and returns it open.
func (t *T) create(name, content string) env.File {
	f := t.open(name, os.O_CREATE|os.O_EXCL)
	t.write(f, content, 0)
	return f
}

// put makes a file with content.
func (t *T) put(name, content string) { t.must(t.create(name, content).Close()) }

func (t *T) write(f env.File, content string, off int64) {
	n, err := f.WriteAt([]byte(content), off)
	t.must(err)
	if n != len(content) {
		t.Fatalf("wrote %d of %d bytes without an error", n, len(content))
	}
}

// holds checks the whole content of an open file.
func (t *T) holds(f env.File, want string) {
	size, err := f.Size()
	t.must(err)
	if size != int64(len(want)) {
		t.Fatalf("size is %d, want %d", size, len(want))
	}
	got := make([]byte, size)
	if n, err := f.ReadAt(got, 0); n != len(got) || err != nil && err != io.EOF {
		t.Fatalf("read %d of %d bytes: %v", n, len(got), err)
	}
	if string(got) != want {
		at := mismatch(got, []byte(want))
		t.Fatalf("content differs from byte %d: %.20q, want %.20q", at, got[at:], want[at:])
	}
}

// file checks the whole content of a file by name.
func (t *T) file(name, want string) {
	f := t.open(name, 0)
	defer f.Close()
	t.holds(f, want)
}

// names checks what is in a directory; an empty dir is the case's own.
func (t *T) names(dir string, want ...string) {
	got, err := t.Disk.List(t.path(dir))
	t.must(err)
	if !slices.Equal(got, want) {
		t.Fatalf("directory %q holds %q, want %q", dir, got, want)
	}
}

// mismatch returns where two slices of one length first differ.
func mismatch(a, b []byte) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return len(a)
}

// noise returns bytes that depend on the seed, none of which is zero.
func noise(seed uint64, length int) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	p := make([]byte, length)
	for i := range p {
		p[i] = byte(1 + r.IntN(255))
	}
	return p
}

func zeros(n int) string { return string(bytes.Repeat([]byte{0}, n)) }
