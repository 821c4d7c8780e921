package disksim_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"odradek/sim/disksim"
)

const always = 1_000_000

func TestErrorsStrikeWhatTheyAreFor(t *testing.T) {
	d := newDisk(1, disksim.Params{})
	f := create(t, d, "a")
	write(t, f, fill('x', 1), 0)
	buf := make([]byte, 10)
	for i, c := range []struct {
		name                string
		faults              disksim.Faults
		read, written, sync error
	}{
		{"read", disksim.Faults{ReadErrorPPM: always}, disksim.ErrIO, nil, nil},
		{"write", disksim.Faults{WriteErrorPPM: always}, nil, disksim.ErrIO, nil},
		{"sync", disksim.Faults{SyncErrorPPM: always}, nil, nil, disksim.ErrIO},
		{"full", disksim.Faults{Capacity: 1}, nil, disksim.ErrNoSpace, nil},
		{"none", disksim.Faults{}, nil, nil, nil},
	} {
		before := d.Struck()
		d.SetFaults(c.faults)
		if _, err := f.ReadAt(buf, 0); err != c.read {
			t.Errorf("%s: reading: %v", c.name, err)
		}
		if _, err := f.WriteAt([]byte("y"), int64(10+i)*disksim.BlockSize); err != c.written {
			t.Errorf("%s: writing: %v", c.name, err)
		}
		if err := f.BeginSync(0).Complete(); err != c.sync {
			t.Errorf("%s: syncing: %v", c.name, err)
		}
		if struck := d.Struck() - before; (struck == 1) != (c.name != "none") {
			t.Errorf("%s: %d calls were struck", c.name, struck)
		}
	}
	d.SetFaults(disksim.Faults{WriteErrorPPM: always})
	for name, change := range map[string]func() error{
		"create":   func() error { _, err := d.Open("b", disksim.OpenFlags{Create: true}); return err },
		"mkdir":    func() error { return d.Mkdir("d") },
		"remove":   func() error { return d.Remove("a", false) },
		"rename":   func() error { return d.Rename("a", "c") },
		"truncate": func() error { return f.Truncate(0) },
	} {
		if err := change(); err != disksim.ErrIO {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A directory that has failed takes all that is in it, open files too, and nothing else; afterwards all is there as it was.
func TestAFailedDirectoryIsAsADiskOfItsOwn(t *testing.T) {
	d := newDisk(1, disksim.Params{})
	for _, dir := range []string{"good", "bad", "badly"} {
		if err := d.Mkdir(dir); err != nil {
			t.Fatal(err)
		}
	}
	in, out := create(t, d, "bad/a"), create(t, d, "badly/a")
	write(t, in, fill('x', 1), 0)
	write(t, out, fill('x', 1), 0)
	calls := func(dir string, f *disksim.File) map[string]error {
		_, list := d.List(dir)
		_, stat := d.Stat(dir + "/a")
		_, open := d.Open(dir+"/b", disksim.OpenFlags{Create: true})
		_, read := f.ReadAt(make([]byte, 1), 0)
		_, written := f.WriteAt([]byte("y"), 0)
		return map[string]error{
			"list": list, "stat": stat, "open": open, "read": read, "write": written, "truncate": f.Truncate(1), "sync": f.BeginSync(0).Complete(),
			"mkdir": d.Mkdir(dir + "/d"), "rename": d.Rename(dir+"/a", dir+"/c"), "move": d.Rename("good", dir+"/good"),
		}
	}
	d.SetFaults(disksim.Faults{Gone: []string{"/bad"}})
	for name, err := range calls("bad", in) {
		if err != disksim.ErrIO {
			t.Errorf("%s: %v", name, err)
		}
	}
	if struck := d.Struck(); struck != 10 {
		t.Errorf("%d calls were struck", struck)
	}
	for name, err := range calls("badly", out) {
		if err != nil {
			t.Errorf("%s beside it: %v", name, err)
		}
	}
	d.SetFaults(disksim.Faults{})
	got := make([]byte, disksim.BlockSize)
	if n, err := in.ReadAt(got, 0); n != disksim.BlockSize || err != nil || !bytes.Equal(got, fill('x', 1)) {
		t.Errorf("afterwards: %d bytes, %v", n, err)
	}
	if entries, err := d.List("bad"); len(entries) != 1 || err != nil {
		t.Errorf("afterwards: %v, %v", entries, err)
	}
}

// What a rotten read finds is wrong in one sector, of the files meant, and right the next time.
func TestRotGarblesASectorOnce(t *testing.T) {
	for seed := range uint64(50) {
		d := newDisk(seed, disksim.Params{})
		good := fill('x', 2)
		for _, name := range []string{"a.log", "a.index"} {
			write(t, create(t, d, name), good, 0)
		}
		d.SetFaults(disksim.Faults{RotPPM: always, RotSuffix: ".log"})
		bad := content(t, d, "a.log")
		first, last := -1, -1
		for i := range bad {
			if bad[i] != good[i] {
				if first < 0 {
					first = i
				}
				last = i
			}
		}
		if first < 0 || first/512 != last/512 {
			t.Fatalf("seed %d: bytes %d to %d are wrong", seed, first, last)
		}
		if !bytes.Equal(content(t, d, "a.index"), good) {
			t.Error("another file rots too")
		}
		d.SetFaults(disksim.Faults{})
		if !bytes.Equal(content(t, d, "a.log"), good) {
			t.Error("the medium is bad")
		}
	}
}

func TestMisdirectedWriteHitsAnotherBlock(t *testing.T) {
	for seed := range uint64(50) {
		d := newDisk(seed, disksim.Params{})
		f := create(t, d, "a")
		write(t, f, fill('o', 4), 0)
		d.SetFaults(disksim.Faults{MisdirectPPM: always})
		write(t, f, fill('n', 1), disksim.BlockSize)
		got := content(t, d, "a")
		if got[disksim.BlockSize] != 'o' || bytes.Count(got, []byte{'n'}) != disksim.BlockSize || len(got) != 4*disksim.BlockSize {
			t.Fatalf("seed %d: block 1 begins with %c, and %d bytes are new", seed, got[disksim.BlockSize], bytes.Count(got, []byte{'n'}))
		}
	}
}

// An image has what was durable when it was taken and no more, and lives apart from the disk.
func TestImageIsWhatWasDurable(t *testing.T) {
	d := newDisk(1, disksim.Params{})
	if err := d.Mkdir("dir"); err != nil {
		t.Fatal(err)
	}
	f := create(t, d, "dir/a")
	write(t, f, fill('1', 1), 0)
	if err := f.BeginSync(0).Complete(); err != nil {
		t.Fatal(err)
	}
	syncRoot(t, d)
	dir, err := d.Open("dir", disksim.OpenFlags{Directory: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.BeginSync(0).Complete(); err != nil {
		t.Fatal(err)
	}
	write(t, f, fill('2', 2), 0)
	create(t, d, "dir/b")
	image := d.Image(rand.New(rand.NewPCG(1, 1)))
	write(t, f, fill('3', 1), 0)
	if err := f.BeginSync(0).Complete(); err != nil {
		t.Fatal(err)
	}
	if got := content(t, image, "dir/a"); !bytes.Equal(got, fill('1', 1)) {
		t.Errorf("the image has %d bytes that begin with %c", len(got), got[0])
	}
	if _, err := image.Stat("dir/b"); err == nil {
		t.Error("the image has a file that was not durable")
	}
	if image.BootID() == d.BootID() || image.Used() != disksim.BlockSize {
		t.Errorf("boot %s of %s, %d bytes used", image.BootID(), d.BootID(), image.Used())
	}
	write(t, create(t, image, "dir/a"), []byte("9"), 0)
	if got := content(t, d, "dir/a"); got[0] != '3' {
		t.Error("writing to the image writes to the disk")
	}
	image.PowerLoss()
	if got := content(t, image, "dir/a"); len(got) != disksim.BlockSize {
		t.Errorf("after a loss of power the image's file has %d bytes", len(got))
	}
}
