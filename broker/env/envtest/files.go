package envtest

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"sync"
)

// fileCases are about one file's content.
var fileCases = []Case{
	{"file-create", fileCreate},
	{"file-exclusive", fileExclusive},
	{"file-open-truncates", fileOpenTruncates},
	{"file-read-at-end", fileReadAtEnd},
	{"file-write-grows", fileWriteGrows},
	{"file-overwrite", fileOverwrite},
	{"file-truncate", fileTruncate},
	{"file-two-handles", fileTwoHandles},
	{"file-closed", fileClosed},
	{"file-big", fileBig},
	{"file-concurrent", fileConcurrent},
}

func fileCreate(t *T) {
	_, err := t.Disk.Open(t.path("a"), 0)
	t.fails(err, fs.ErrNotExist)
	f := t.open("a", os.O_CREATE)
	t.holds(f, "")
	t.write(f, "one", 0)
	t.must(f.Close())
	f = t.open("a", os.O_CREATE)
	defer f.Close()
	t.holds(f, "one")
}

func fileExclusive(t *T) {
	t.put("a", "one")
	_, err := t.Disk.Open(t.path("a"), os.O_CREATE|os.O_EXCL)
	t.fails(err, fs.ErrExist)
	t.file("a", "one")
}

func fileOpenTruncates(t *T) {
	t.put("a", "one")
	f := t.open("a", os.O_TRUNC)
	defer f.Close()
	t.holds(f, "")
	f = t.open("b", os.O_CREATE|os.O_TRUNC)
	defer f.Close()
	t.holds(f, "")
	_, err := t.Disk.Open(t.path("c"), os.O_TRUNC)
	t.fails(err, fs.ErrNotExist)
}

// A read that ends where the file does may say io.EOF or nothing, as io.ReaderAt leaves it open.
func fileReadAtEnd(t *T) {
	f := t.create("a", "0123456789")
	defer f.Close()
	for _, c := range []struct {
		off    int64
		length int
		want   string
	}{{0, 10, "0123456789"}, {3, 4, "3456"}, {7, 5, "789"}, {0, 11, "0123456789"}, {10, 1, ""}, {1 << 40, 1, ""}} {
		p := make([]byte, c.length)
		n, err := f.ReadAt(p, c.off)
		if string(p[:n]) != c.want {
			t.Errorf("read of %d at %d gave %q, want %q", c.length, c.off, p[:n], c.want)
		}
		if n < c.length && err != io.EOF {
			t.Errorf("read of %d at %d: got error %v, want EOF", c.length, c.off, err)
		}
		if n == c.length && err != nil && err != io.EOF {
			t.Errorf("read of %d at %d: %v", c.length, c.off, err)
		}
	}
	_, err := f.ReadAt(make([]byte, 1), -1)
	t.failsSomehow("read at -1", err)
	_, err = f.WriteAt(make([]byte, 1), -1)
	t.failsSomehow("write at -1", err)
}

func fileWriteGrows(t *T) {
	f := t.create("a", "one")
	defer f.Close()
	t.write(f, "two", 10_000)
	t.holds(f, "one"+zeros(9_997)+"two")
	t.write(f, "three", 10_003)
	t.holds(f, "one"+zeros(9_997)+"twothree")
	t.write(f, "", 50_000)
	t.holds(f, "one"+zeros(9_997)+"twothree")
}

func fileOverwrite(t *T) {
	want := noise(1, 20_000)
	f := t.create("a", string(want))
	defer f.Close()
	for i, span := range [][2]int{{0, 1}, {4095, 4097}, {4096, 8192}, {5000, 17_000}, {19_999, 20_000}} {
		p := noise(uint64(10+i), span[1]-span[0])
		copy(want[span[0]:], p)
		t.write(f, string(p), int64(span[0]))
	}
	t.holds(f, string(want))
}

// What is cut off does not come back: the file grows with zeros.
func fileTruncate(t *T) {
	all := string(noise(1, 10_000))
	f := t.create("a", all)
	defer f.Close()
	for _, size := range []int{9_000, 5_000, 4_096, 100} {
		t.must(f.Truncate(int64(size)))
		t.holds(f, all[:size])
	}
	t.must(f.Truncate(10_000))
	t.holds(f, all[:100]+zeros(9_900))
	t.must(f.Truncate(100))
	t.write(f, "x", 5_000)
	t.holds(f, all[:100]+zeros(4_900)+"x")
	t.must(f.Truncate(0))
	t.holds(f, "")
	t.failsSomehow("truncate to -1", f.Truncate(-1))
}

func fileTwoHandles(t *T) {
	a := t.create("a", "one")
	defer a.Close()
	b := t.open("a", 0)
	defer b.Close()
	t.write(b, "two and more", 0)
	t.holds(a, "two and more")
	t.must(a.Truncate(3))
	t.holds(b, "two")
	t.must(a.Sync())
	t.must(b.Sync())
}

func fileClosed(t *T) {
	f := t.create("a", "one")
	t.must(f.Close())
	_, err := f.ReadAt(make([]byte, 1), 0)
	t.fails(err, fs.ErrClosed)
	_, err = f.WriteAt(make([]byte, 1), 0)
	t.fails(err, fs.ErrClosed)
	_, err = f.Size()
	t.fails(err, fs.ErrClosed)
	t.fails(f.Truncate(0), fs.ErrClosed)
	t.fails(f.Sync(), fs.ErrClosed)
	t.fails(f.Close(), fs.ErrClosed)
	t.file("a", "one")
}

func fileBig(t *T) {
	const size, step = 4 << 20, 99_991
	want := noise(1, size)
	f := t.open("a", os.O_CREATE)
	defer f.Close()
	for off := 0; off < size; off += step {
		t.write(f, string(want[off:min(off+step, size)]), int64(off))
	}
	t.must(f.Sync())
	t.holds(f, string(want))
	p := make([]byte, 5_000)
	for off := 0; off < size-len(p); off += 77_777 {
		if n, err := f.ReadAt(p, int64(off)); n != len(p) || !bytes.Equal(p, want[off:off+n]) {
			t.Fatalf("read %d bytes at %d, equal %v: %v", n, off, bytes.Equal(p[:n], want[off:off+n]), err)
		}
	}
}

// Writers of different places and readers of what stands do not disturb each other.
func fileConcurrent(t *T) {
	const part, parts, rounds = 3_000, 8, 20
	want := noise(1, part*parts)
	f := t.create("a", string(want))
	defer f.Close()
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() {
			mine := want[i*part : (i+1)*part]
			got := make([]byte, part)
			for round := range rounds {
				if i%2 == 0 {
					copy(mine, noise(uint64(round), part))
					if _, err := f.WriteAt(mine, int64(i*part)); err != nil {
						t.Errorf("write: %v", err)
					}
				}
				if _, err := f.ReadAt(got, int64(i*part)); err != nil && err != io.EOF {
					t.Errorf("read: %v", err)
				}
				if !bytes.Equal(got, mine) {
					t.Errorf("part %d differs in round %d", i, round)
				}
			}
		})
	}
	all.Wait()
	t.holds(f, string(want))
}
