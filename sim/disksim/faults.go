package disksim

import (
	"slices"
	"strings"
	"time"

	"odradek/sim/clock"
)

// Faults are what is wrong with a disk at present. The zero value is a healthy one.
type Faults struct {
	// Of a million reads, writes (and changes of size and of directories) and syncs, so many fail with ErrIO.
	ReadErrorPPM, WriteErrorPPM, SyncErrorPPM uint32
	// Of a million reads of files whose names end in RotSuffix, so many find a sector garbled that is good on the medium.
	RotPPM    uint32
	RotSuffix string
	// Of a million writes, so many land in another block of the same file, and say nothing.
	MisdirectPPM uint32
	// Gone are directories that have failed, as if each were a disk of its own: every call for one and for what is below it fails with
	// ErrIO, and what is on it stays as it is.
	Gone []string
	// Capacity is as Params.Capacity, while the fault lasts: the smaller counts.
	Capacity int64
	// Slow multiplies the time of everything; 0 and 1 are normal.
	Slow int
	// StallUntil is when syncs and directory changes that are asked for before go on again.
	StallUntil clock.Time
	// StallAll makes a stall hold reads and writes of the page cache too.
	StallAll bool
}

// SetFaults replaces what is wrong with the disk.
func (d *Disk) SetFaults(f Faults) { d.faults = f }

// Faults tells what is wrong with the disk.
func (d *Disk) Faults() Faults { return d.faults }

// Struck is how many calls the faults have failed or falsified up to now.
func (d *Disk) Struck() uint64 { return d.struck }

const million = 1_000_000

func (d *Disk) roll(ppm uint32) bool { return ppm > 0 && d.rng.Uint32N(million) < ppm }

// fails decides whether a call fails with ErrIO.
func (d *Disk) fails(ppm uint32) bool { return d.strikes(d.roll(ppm)) }

func (d *Disk) strikes(is bool) bool {
	if is {
		d.struck++
	}
	return is
}

// gone decides whether a call for a name fails because a directory has that it leads to or through.
func (d *Disk) gone(name string) bool {
	if d.faults.Gone == nil {
		return false
	}
	parts := split(name)
	return d.strikes(slices.ContainsFunc(d.faults.Gone, func(gone string) bool {
		dir := split(gone)
		return len(parts) >= len(dir) && slices.Equal(parts[:len(dir)], dir)
	}))
}

// room is how many bytes of blocks the disk can still take; false says that there is no limit.
func (d *Disk) room() (bytes int64, limited bool) {
	capacity := d.params.Capacity
	if f := d.faults.Capacity; f > 0 && (capacity == 0 || f < capacity) {
		capacity = f
	}
	return max(0, capacity-d.used), capacity > 0
}

// unprotected is how much of a record batch, from its front, no checksum covers: base offset, length, leader epoch and magic.
const unprotected = 17

// rot garbles, now and then, a sector of what a read of f found at off.
func (d *Disk) rot(f *File, p []byte, off int64) {
	if len(p) == 0 || d.faults.RotPPM == 0 || !strings.HasSuffix(f.name, d.faults.RotSuffix) || !d.fails(d.faults.RotPPM) {
		return
	}
	first := off / sectorSize
	sector := first + d.rng.Int64N((off+int64(len(p))-1)/sectorSize-first+1)
	from, to := max(sector*sectorSize, off), min((sector+1)*sectorSize, off+int64(len(p)))
	if from == off && to-from <= unprotected {
		return // it would be as good as another record to everybody
	}
	for at := from; at < to; at++ {
		p[at-off] ^= byte(1 + d.rng.IntN(255))
	}
}

// misdirected is where a write for off lands: in another block of the file, if it has one.
func (d *Disk) misdirected(f *File, off int64) int64 {
	blocks := f.node.size / BlockSize
	if blocks < 2 || !d.roll(d.faults.MisdirectPPM) {
		return off
	}
	other := d.rng.Int64N(blocks)
	if other == off/BlockSize {
		other = (other + 1) % blocks
	}
	d.struck++
	return other*BlockSize + off%BlockSize
}

// delayed is what a healthy disk's time for something becomes.
func (d *Disk) delayed(now clock.Time, took time.Duration, cached bool) time.Duration {
	f := &d.faults
	if f.Slow > 1 {
		took *= time.Duration(f.Slow)
	}
	if now < f.StallUntil && (f.StallAll || !cached) {
		took += f.StallUntil.Sub(now)
	}
	return took
}

// Took draws how long a call takes that stays in the page cache, or that changes a directory.
func (d *Disk) Took(now clock.Time, metadata bool) time.Duration {
	if metadata {
		return d.delayed(now, d.params.Metadata.Sample(d.rng), false)
	}
	return d.delayed(now, d.params.Cached.Sample(d.rng), true)
}
