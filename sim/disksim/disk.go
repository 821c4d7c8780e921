// Package disksim is a disk that remembers what was made durable and what was not. A process that dies leaves it as it is;
// a machine that loses power keeps every synced block and directory entry, and of the rest whatever the generator leaves:
// each unsynced block is lost, kept or torn by itself, and of a directory's unsynced changes the first few are kept.
//
// That is more than most file systems forget, and what POSIX allows. Files are kept in blocks of 4 KiB.
package disksim

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"

	"odradek/sim/netsim"
)

// Errors beside fs.ErrNotExist and fs.ErrExist, named as the kernel names them.
var (
	ErrIsDir    = errors.New("is a directory")
	ErrNotDir   = errors.New("not a directory")
	ErrNotEmpty = errors.New("directory not empty")
	ErrNoSpace  = errors.New("no space left on device")
	ErrIO       = errors.New("input/output error")
	ErrLocked   = errors.New("file is locked")
	ErrInvalid  = errors.New("invalid argument")
)

// BlockSize is the grain at which power loss keeps and forgets, in bytes; sectorSize that at which it tears.
const (
	BlockSize  = 4096
	sectorSize = 512
)

// Params are what a disk is like. They may be changed at any time.
type Params struct {
	Cached   netsim.Dist // a read or a write of the page cache, an open, a stat
	Metadata netsim.Dist // a change of a directory
	Sync     netsim.Dist // a sync, without the transfer
	// BytesPerSecond is how fast a sync writes dirty blocks; 0 is no limit.
	BytesPerSecond int64
	// Capacity is in bytes of file content; 0 is no limit.
	Capacity int64
	// Torn lets power loss leave an unsynced block new in some of its sectors and old in the others.
	Torn bool
}

// Disk is a tree of files. Not safe for concurrent use.
type Disk struct {
	rng     *rand.Rand
	params  Params
	faults  Faults
	struck  uint64 // calls that faults failed or falsified
	root    *inode
	nextID  uint64
	boots   uint64
	bootTag uint64
	syncs   uint64 // begun
	used    int64  // bytes of blocks that files hold
	journal []change
	open    []*File
}

// New makes an empty disk. The generator decides what power loss forgets and how long calls take.
func New(rng *rand.Rand, params Params) *Disk {
	d := &Disk{rng: rng, params: params}
	d.root = d.newInode(true)
	d.PowerOn()
	return d
}

// Params tells what the disk is like.
func (d *Disk) Params() Params { return d.params }

// SetParams changes what the disk is like.
func (d *Disk) SetParams(p Params) { d.params = p }

// PowerOn begins another boot.
func (d *Disk) PowerOn() {
	d.boots++
	d.bootTag = d.rng.Uint64()
}

// BootID names the time since the machine last started.
func (d *Disk) BootID() string { return fmt.Sprintf("%d-%016x", d.boots, d.bootTag) }

// Used is how many bytes of blocks the files hold.
func (d *Disk) Used() int64 { return d.used }

// Info is what Stat tells.
type Info struct {
	ID    uint64
	Size  int64
	IsDir bool
}

func (i *inode) info() Info { return Info{ID: i.id, Size: i.size, IsDir: i.dir} }

// Stat describes what name names. Names are relative to the root, with slashes.
func (d *Disk) Stat(name string) (Info, error) {
	node, err := d.find(name)
	if err != nil {
		return Info{}, err
	}
	return node.info(), nil
}

// Entry is a name in a directory.
type Entry struct {
	Name string
	Info Info
}

// List tells the entries of a directory, in the order of their names.
func (d *Disk) List(name string) ([]Entry, error) {
	node, err := d.find(name)
	if err != nil {
		return nil, err
	}
	return node.list()
}

func (i *inode) list() ([]Entry, error) {
	if !i.dir {
		return nil, ErrNotDir
	}
	entries := make([]Entry, len(i.now))
	for k, e := range i.now {
		entries[k] = Entry{e.name, e.node.info()}
	}
	return entries, nil
}

// split cuts a name into the names on the way. "." and ".." are resolved within the root.
func split(name string) []string {
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			parts = parts[:max(0, len(parts)-1)]
		default:
			parts = append(parts, part)
		}
	}
	return parts
}

func (d *Disk) find(name string) (*inode, error) {
	if d.gone(name) {
		return nil, ErrIO
	}
	node := d.root
	for _, part := range split(name) {
		if !node.dir {
			return nil, ErrNotDir
		}
		if node = node.now.get(part); node == nil {
			return nil, fs.ErrNotExist
		}
	}
	return node, nil
}

// parent finds the directory that holds, or would hold, name, and name's last part.
func (d *Disk) parent(name string) (*inode, string, error) {
	parts := split(name)
	if len(parts) == 0 {
		return nil, "", ErrInvalid
	}
	last := parts[len(parts)-1]
	dir, err := d.find(strings.Join(parts[:len(parts)-1], "/"))
	if err != nil {
		return nil, "", err
	}
	if !dir.dir {
		return nil, "", ErrNotDir
	}
	return dir, last, nil
}
