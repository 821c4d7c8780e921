package disksim_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"odradek/sim/clock"
	"odradek/sim/disksim"
	"odradek/sim/netsim"
)

func newDisk(seed uint64, params disksim.Params) *disksim.Disk {
	return disksim.New(rand.New(rand.NewPCG(seed, 7)), params)
}

func create(t rapid.TB, d *disksim.Disk, name string) *disksim.File {
	t.Helper()
	f, err := d.Open(name, disksim.OpenFlags{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t rapid.TB, f *disksim.File, content []byte, off int64) {
	t.Helper()
	if n, err := f.WriteAt(content, off); n != len(content) || err != nil {
		t.Fatalf("wrote %d of %d: %v", n, len(content), err)
	}
}

func content(t rapid.TB, d *disksim.Disk, name string) []byte {
	t.Helper()
	f, err := d.Open(name, disksim.OpenFlags{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := make([]byte, f.Info().Size)
	if len(p) > 0 {
		if n, err := f.ReadAt(p, 0); n != len(p) || err != nil {
			t.Fatalf("read %d of %d: %v", n, len(p), err)
		}
	}
	return p
}

func syncRoot(t rapid.TB, d *disksim.Disk) {
	t.Helper()
	f, err := d.Open("/", disksim.OpenFlags{Directory: true})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.BeginSync(0).Complete(); err != nil {
		t.Fatal(err)
	}
}

func fill(b byte, blocks int) []byte { return bytes.Repeat([]byte{b}, blocks*disksim.BlockSize) }

// What is written while a sync is under way isn't part of it, and a sync that ends late doesn't undo a later one.
func TestSyncTakesWhatWasThereWhenItBegan(t *testing.T) {
	lost, kept := 0, 0
	for seed := range uint64(50) {
		d := newDisk(seed, disksim.Params{})
		f := create(t, d, "a")
		syncRoot(t, d)
		write(t, f, fill('1', 2), 0)
		first := f.BeginSync(0)
		write(t, f, fill('2', 1), 0)
		if err := first.Complete(); err != nil {
			t.Fatal(err)
		}
		if got := content(t, d, "a"); got[0] != '2' {
			t.Fatalf("the sync changed what is read: %c", got[0])
		}
		d.PowerLoss()
		got := content(t, d, "a")
		if len(got) != 2*disksim.BlockSize || got[disksim.BlockSize] != '1' {
			t.Fatalf("seed %d: synced bytes are gone", seed)
		}
		if got[0] == '2' {
			kept++
		} else {
			lost++
		}
	}
	if lost == 0 || kept == 0 {
		t.Errorf("the later write was lost %d times and kept %d times", lost, kept)
	}
}

func TestSyncsThatOvertakeEachOther(t *testing.T) {
	d := newDisk(1, disksim.Params{})
	f := create(t, d, "a")
	syncRoot(t, d)
	write(t, f, fill('1', 1), 0)
	slow := f.BeginSync(0)
	write(t, f, fill('2', 1), 0)
	quick := f.BeginSync(0)
	if err := errors.Join(quick.Complete(), slow.Complete()); err != nil {
		t.Fatal(err)
	}
	d.PowerLoss()
	if got := content(t, d, "a"); got[0] != '2' {
		t.Errorf("a sync that ended late brought %c back", got[0])
	}
}

// After a sync that failed, the next succeeds and yet what was dirty then is lost with the power.
func TestFailedSyncIsNotHealedByTheNext(t *testing.T) {
	for seed := range uint64(30) {
		d := newDisk(seed, disksim.Params{})
		f := create(t, d, "a")
		syncRoot(t, d)
		write(t, f, fill('o', 2), 0)
		if err := f.BeginSync(0).Complete(); err != nil {
			t.Fatal(err)
		}
		write(t, f, fill('n', 2), 0)
		d.SetFaults(disksim.Faults{SyncErrorPPM: 1_000_000})
		if err := f.BeginSync(0).Complete(); err != disksim.ErrIO {
			t.Fatalf("got %v", err)
		}
		d.SetFaults(disksim.Faults{})
		write(t, f, fill('l', 1), 0) // dirty again, and so written by the next sync
		if err := f.BeginSync(0).Complete(); err != nil {
			t.Fatal(err)
		}
		if got := content(t, d, "a"); got[disksim.BlockSize] != 'n' {
			t.Fatalf("before the power loss %c is read", got[disksim.BlockSize])
		}
		d.PowerLoss()
		if got := content(t, d, "a"); got[0] != 'l' || got[disksim.BlockSize] != 'o' {
			t.Fatalf("seed %d: found %c and %c, want l and o", seed, got[0], got[disksim.BlockSize])
		}
	}
}

// A torn block is new in some sectors and old in others, and nothing else.
func TestTornBlocks(t *testing.T) {
	torn := 0
	for seed := range uint64(60) {
		d := newDisk(seed, disksim.Params{Torn: true})
		f := create(t, d, "a")
		syncRoot(t, d)
		write(t, f, fill('o', 1), 0)
		if err := f.BeginSync(0).Complete(); err != nil {
			t.Fatal(err)
		}
		write(t, f, fill('n', 1), 0)
		d.PowerLoss()
		got := content(t, d, "a")
		for at := 0; at < len(got); at += 512 {
			if sector := got[at : at+512]; !bytes.Equal(sector, bytes.Repeat(sector[:1], 512)) {
				t.Fatalf("seed %d: a sector is torn", seed)
			}
		}
		if len(slices.Compact(slices.Clone(got))) > 1 {
			torn++
		}
	}
	if torn == 0 {
		t.Error("no block was torn")
	}
}

// A file whose removal is forgotten comes back with what was durable.
func TestForgottenRemovalKeepsContent(t *testing.T) {
	back := 0
	for seed := range uint64(20) {
		d := newDisk(seed, disksim.Params{Torn: true})
		f := create(t, d, "a")
		write(t, f, fill('o', 3), 0)
		if err := f.BeginSync(0).Complete(); err != nil {
			t.Fatal(err)
		}
		syncRoot(t, d)
		f.Close()
		if err := d.Remove("a", false); err != nil {
			t.Fatal(err)
		}
		if d.Used() != 0 {
			t.Fatalf("%d bytes used by nothing", d.Used())
		}
		d.PowerLoss()
		if _, err := d.Stat("a"); err == nil {
			back++
			if !bytes.Equal(content(t, d, "a"), fill('o', 3)) {
				t.Fatalf("seed %d: the content differs", seed)
			}
		}
	}
	if back == 0 {
		t.Error("no removal was forgotten")
	}
}

func TestCapacity(t *testing.T) {
	d := newDisk(1, disksim.Params{Capacity: 2 * disksim.BlockSize})
	f := create(t, d, "a")
	if n, err := f.WriteAt(fill('x', 3), 0); n != 2*disksim.BlockSize || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	if n, err := f.WriteAt([]byte("x"), 3*disksim.BlockSize); n != 0 || err != disksim.ErrNoSpace {
		t.Errorf("wrote %d, %v", n, err)
	}
	if n, err := f.WriteAt([]byte("y"), 0); n != 1 || err != nil {
		t.Errorf("overwrote %d, %v", n, err)
	}
	if err := f.Truncate(disksim.BlockSize); err != nil || d.Used() != disksim.BlockSize {
		t.Errorf("%v; %d used", err, d.Used())
	}
}

func TestSlowAndStalled(t *testing.T) {
	d := newDisk(1, disksim.Params{
		Cached: netsim.Constant(time.Microsecond), Metadata: netsim.Constant(10 * time.Microsecond),
		Sync: netsim.Constant(time.Millisecond), BytesPerSecond: disksim.BlockSize * 1000,
	})
	f := create(t, d, "a")
	write(t, f, fill('x', 3), 0)
	if got := f.BeginSync(0).Took; got != 4*time.Millisecond {
		t.Errorf("a sync of three blocks takes %v", got)
	}
	d.SetFaults(disksim.Faults{Slow: 10})
	if got := d.Took(0, true); got != 100*time.Microsecond {
		t.Errorf("a slow change takes %v", got)
	}
	d.SetFaults(disksim.Faults{StallUntil: clock.Time(time.Second)})
	if got := d.Took(clock.Time(time.Second/2), true); got != time.Second/2+10*time.Microsecond {
		t.Errorf("a stalled change takes %v", got)
	}
	if got := d.Took(0, false); got != time.Microsecond {
		t.Errorf("a cached read takes %v on a stalled disk", got)
	}
	d.SetFaults(disksim.Faults{StallUntil: clock.Time(time.Second), StallAll: true})
	if got := d.Took(0, false); got != time.Second+time.Microsecond {
		t.Errorf("a cached read takes %v on a disk that is stalled whole", got)
	}
}

// Whatever is done to a file, what was synced last is there after power loss in every block that wasn't changed since, and a
// changed block holds old or new bytes; the machine that goes on sees exactly what it wrote.
func TestBlocksAfterPowerLoss(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDisk(rapid.Uint64().Draw(t, "seed"), disksim.Params{Torn: true})
		f := create(t, d, "a")
		syncRoot(t, d)
		const blocks = 6
		write(t, f, fill(0, blocks), 0)
		synced, now := make([]byte, blocks), make([]byte, blocks) // the byte that fills each block
		written := [blocks][]byte{}                               // since the last sync
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			if rapid.IntRange(0, 4).Draw(t, "what") == 0 {
				if err := f.BeginSync(0).Complete(); err != nil {
					t.Fatal(err)
				}
				copy(synced, now)
				written = [blocks][]byte{}
				continue
			}
			at, b := rapid.IntRange(0, blocks-1).Draw(t, "block"), rapid.Byte().Draw(t, "fill")
			write(t, f, fill(b, 1), int64(at)*disksim.BlockSize)
			now[at] = b
			written[at] = append(written[at], b)
		}
		if err := f.Truncate(blocks * disksim.BlockSize); err != nil {
			t.Fatal(err)
		}
		for at, b := range now {
			if got := content(t, d, "a")[at*disksim.BlockSize]; got != b {
				t.Fatalf("block %d reads %d, written was %d", at, got, b)
			}
		}
		d.PowerLoss()
		after := content(t, d, "a")
		for at := range len(after) / disksim.BlockSize {
			for _, b := range after[at*disksim.BlockSize : (at+1)*disksim.BlockSize] {
				if b != synced[at] && !(len(written[at]) > 0 && b == now[at]) {
					t.Fatalf("block %d holds %d; synced was %d, written since %v", at, b, synced[at], written[at])
				}
			}
		}
	})
}
