package disksim

import (
	"time"

	"odradek/sim/clock"
)

// Faults are what is wrong with a disk at present. The zero value is a healthy one.
type Faults struct {
	// Of a million reads, writes and syncs, so many fail with ErrIO.
	ReadErrorPPM, WriteErrorPPM, SyncErrorPPM uint32
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

const million = 1_000_000

func (d *Disk) roll(ppm uint32) bool { return ppm > 0 && d.rng.Uint32N(million) < ppm }

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
