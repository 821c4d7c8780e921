// Package slowenv is a world whose disk can be made slow, or to stand still, while a broker runs in it: what package chaos
// does to the disks of real processes. Everything else is the world that it wraps.
package slowenv

import (
	"io"
	"net"
	"sync"
	"time"

	"odradek/broker/env"
)

// State is how a disk is at present. The zero value is the disk that was wrapped.
type State struct {
	Factor float64 `json:"factor,omitempty"` // every operation takes so many times as long; below 1 counts as 1
	Stall  bool    `json:"stall,omitempty"`  // no operation ends before this is false again
}

// Disk is a disk that can be slowed.
type Disk struct {
	inner env.Disk

	mu      sync.Mutex
	state   State
	changed chan struct{} // closed and replaced at each Set
}

var _ env.Disk = (*Disk)(nil)

// Wrap gives a world the disk that is returned.
func Wrap(world env.Env) (env.Env, *Disk) {
	d := &Disk{inner: world.Disk, changed: make(chan struct{})}
	world.Disk = d
	return world, d
}

// Set changes how the disk is. Operations under way that stand still go on when they may.
func (d *Disk) Set(s State) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state = s
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *Disk) now() (State, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state, d.changed
}

// suffer makes an operation that began at a moment and is done last as long as it would here.
func (d *Disk) suffer(began time.Time) {
	if state, _ := d.now(); state.Factor > 1 {
		time.Sleep(time.Duration(float64(time.Since(began)) * (state.Factor - 1)))
	}
	for {
		state, changed := d.now()
		if !state.Stall {
			return
		}
		<-changed
	}
}

// Open implements env.Disk.
func (d *Disk) Open(name string, flag int) (env.File, error) {
	defer d.suffer(time.Now())
	f, err := d.inner.Open(name, flag)
	if err != nil {
		return nil, err
	}
	return &file{File: f, disk: d}, nil
}

// MkdirAll implements env.Disk.
func (d *Disk) MkdirAll(dir string) error {
	defer d.suffer(time.Now())
	return d.inner.MkdirAll(dir)
}

// Rename implements env.Disk.
func (d *Disk) Rename(oldName, newName string) error {
	defer d.suffer(time.Now())
	return d.inner.Rename(oldName, newName)
}

// Remove implements env.Disk.
func (d *Disk) Remove(name string) error {
	defer d.suffer(time.Now())
	return d.inner.Remove(name)
}

// List implements env.Disk.
func (d *Disk) List(dir string) ([]string, error) {
	defer d.suffer(time.Now())
	return d.inner.List(dir)
}

// Stat implements env.Disk.
func (d *Disk) Stat(name string) (env.Info, error) {
	defer d.suffer(time.Now())
	return d.inner.Stat(name)
}

// SyncDir implements env.Disk.
func (d *Disk) SyncDir(dir string) error {
	defer d.suffer(time.Now())
	return d.inner.SyncDir(dir)
}

// Lock implements env.Disk.
func (d *Disk) Lock(name string) (io.Closer, error) { return d.inner.Lock(name) }

// BootID implements env.Disk.
func (d *Disk) BootID() string { return d.inner.BootID() }

type file struct {
	env.File
	disk *Disk
}

var _ env.Sender = (*file)(nil)

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	defer f.disk.suffer(time.Now())
	return f.File.ReadAt(p, off)
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	defer f.disk.suffer(time.Now())
	return f.File.WriteAt(p, off)
}

func (f *file) Truncate(size int64) error {
	defer f.disk.suffer(time.Now())
	return f.File.Truncate(size)
}

func (f *file) Sync() error {
	defer f.disk.suffer(time.Now())
	return f.File.Sync()
}

// SendTo implements env.Sender: the wait comes first, so that no byte gets out of a disk that stands still.
func (f *file) SendTo(conn net.Conn, offset, length int64) (int64, error) {
	f.disk.suffer(time.Now())
	return env.SendFile(conn, f.File, offset, length)
}
