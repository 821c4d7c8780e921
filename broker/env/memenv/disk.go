package memenv

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"

	"odradek/broker/env"
)

// ErrDead is what every operation returns once the process or the machine that it belongs to has died.
var ErrDead = errors.New("memenv: the process has died")

// Disk is one process's view of a machine's disk: an env.Disk. Names are relative to one root, with or without a leading
// slash. Its methods may be called from many goroutines.
type Disk struct {
	machine *machine
	// Guarded by machine.mu:
	hook  Hook
	dead  bool
	files map[*file]struct{} // open
}

// machine is a disk with what its kernel holds in memory.
type machine struct {
	mu       sync.RWMutex
	root     *node
	journal  []change // to directories, since they were last synced; oldest first
	boot     int
	off      bool
	used     int64 // bytes in blocks
	capacity int64 // bytes; 0 for no limit
}

// NewDisk returns an empty disk, without limit, used by one process.
func NewDisk() *Disk { return newDisk(&machine{root: newDir(), boot: 1}) }

func newDisk(m *machine) *Disk { return &Disk{machine: m, files: map[*file]struct{}{}} }

// SetHook has hook called before each operation of this process; nil calls nobody.
func (d *Disk) SetHook(hook Hook) {
	d.machine.mu.Lock()
	defer d.machine.mu.Unlock()
	d.hook = hook
}

// SetCapacity bounds the bytes that all files together may take, counted in whole blocks; 0 lifts the bound. Writes
// that need more fail with env.ErrNoSpace after what fits.
func (d *Disk) SetCapacity(bytes int64) {
	d.machine.mu.Lock()
	defer d.machine.mu.Unlock()
	d.machine.capacity = bytes
}

// Used returns how many bytes the files' blocks take.
func (d *Disk) Used() int64 {
	d.machine.mu.RLock()
	defer d.machine.mu.RUnlock()
	return d.machine.used
}

// take reserves the space of one block. The lock is held.
func (m *machine) take() bool {
	if m.capacity > 0 && m.used+BlockSize > m.capacity {
		return false
	}
	m.used += BlockSize
	return true
}

// reclaim frees the blocks of a file that has neither a name nor an open handle. The lock is held.
func (m *machine) reclaim(n *node) {
	if n.unlinked && n.opens == 0 && !n.isDir {
		// The content stays: a power failure may bring the name back.
		for _, b := range n.now.blocks {
			if b != nil {
				m.used -= BlockSize
			}
		}
	}
}

func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// isDead reports whether the process or its machine has stopped. The lock is held.
func (d *Disk) isDead() bool { return d.dead || d.machine.off }

// begin calls the hook, then takes the lock for an operation of a living process. Without an error the caller unlocks.
func (d *Disk) begin(op Op) error {
	d.machine.mu.RLock()
	hook, dead := d.hook, d.isDead()
	d.machine.mu.RUnlock()
	var err error
	if hook != nil && !dead {
		err = hook(op)
	}
	d.machine.mu.Lock()
	if d.isDead() {
		err = ErrDead
	}
	if err == nil {
		return nil
	}
	d.machine.mu.Unlock()
	return &fs.PathError{Op: op.Kind.String(), Path: op.Name, Err: err}
}

// lookup finds a node. The lock is held.
func (m *machine) lookup(name string) (*node, error) {
	n := m.root
	if name == "" {
		return n, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		if !n.isDir {
			return nil, syscall.ENOTDIR
		}
		if n = n.entries[part]; n == nil {
			return nil, fs.ErrNotExist
		}
	}
	return n, nil
}

// lookupParent finds the directory that name is an entry of. The lock is held.
func (m *machine) lookupParent(name string) (dir *node, base string, err error) {
	if name == "" {
		return nil, "", fs.ErrInvalid
	}
	parent, base := path.Split(name)
	dir, err = m.lookup(strings.TrimSuffix(parent, "/"))
	if err == nil && !dir.isDir {
		err = syscall.ENOTDIR
	}
	return dir, base, err
}

// Open implements env.Disk.
func (d *Disk) Open(name string, flag int) (env.File, error) {
	name = clean(name)
	if err := d.begin(Op{Kind: OpOpen, Name: name, Flag: flag}); err != nil {
		return nil, err
	}
	defer d.machine.mu.Unlock()
	n, err := d.machine.open(name, flag)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	f := &file{disk: d, node: n, name: name}
	d.files[f] = struct{}{}
	n.opens++
	return f, nil
}

func (m *machine) open(name string, flag int) (*node, error) {
	n, err := m.lookup(name)
	switch {
	case err == nil && flag&os.O_EXCL != 0 && flag&os.O_CREATE != 0:
		return nil, fs.ErrExist
	case err == nil && n.isDir:
		return nil, syscall.EISDIR
	case err == nil:
		if flag&os.O_TRUNC != 0 {
			m.used -= int64(n.truncate(0)) * BlockSize
		}
		return n, nil
	case err != fs.ErrNotExist || flag&os.O_CREATE == 0:
		return nil, err
	}
	dir, base, err := m.lookupParent(name)
	if err != nil {
		return nil, err
	}
	n = newFile()
	m.change(edit{dir, base, n})
	return n, nil
}

// MkdirAll implements env.Disk.
func (d *Disk) MkdirAll(name string) error {
	name = clean(name)
	if err := d.begin(Op{Kind: OpMkdirAll, Name: name}); err != nil {
		return err
	}
	defer d.machine.mu.Unlock()
	n := d.machine.root
	if name == "" {
		return nil
	}
	for part := range strings.SplitSeq(name, "/") {
		next := n.entries[part]
		if next == nil {
			next = newDir()
			d.machine.change(edit{n, part, next})
		} else if !next.isDir {
			return &fs.PathError{Op: "mkdir", Path: name, Err: syscall.ENOTDIR}
		}
		n = next
	}
	return nil
}

// Rename implements env.Disk.
func (d *Disk) Rename(oldName, newName string) error {
	oldName, newName = clean(oldName), clean(newName)
	if err := d.begin(Op{Kind: OpRename, Name: oldName, To: newName}); err != nil {
		return err
	}
	defer d.machine.mu.Unlock()
	if err := d.machine.rename(oldName, newName); err != nil {
		return &os.LinkError{Op: "rename", Old: oldName, New: newName, Err: err}
	}
	return nil
}

func (m *machine) rename(oldName, newName string) error {
	oldDir, oldBase, err := m.lookupParent(oldName)
	if err != nil {
		return err
	}
	newDir, newBase, err := m.lookupParent(newName)
	if err != nil {
		return err
	}
	n := oldDir.entries[oldBase]
	if n == nil {
		return fs.ErrNotExist
	}
	if replaced := newDir.entries[newBase]; replaced == n && !n.isDir {
		return nil
	} else if replaced != nil && replaced.isDir {
		return fs.ErrExist
	} else if replaced != nil && n.isDir {
		return syscall.ENOTDIR
	}
	if n.isDir && strings.HasPrefix(newName, oldName+"/") {
		return fs.ErrInvalid
	}
	m.change(edit{oldDir, oldBase, nil}, edit{newDir, newBase, n})
	return nil
}

// Remove implements env.Disk.
func (d *Disk) Remove(name string) error {
	name = clean(name)
	if err := d.begin(Op{Kind: OpRemove, Name: name}); err != nil {
		return err
	}
	defer d.machine.mu.Unlock()
	n, err := d.machine.lookup(name)
	if err == nil && n.isDir && len(n.entries) > 0 {
		err = syscall.ENOTEMPTY
	}
	var dir *node
	var base string
	if err == nil {
		dir, base, err = d.machine.lookupParent(name)
	}
	if err != nil {
		return &fs.PathError{Op: "remove", Path: name, Err: err}
	}
	d.machine.change(edit{dir, base, nil})
	return nil
}

// List implements env.Disk.
func (d *Disk) List(name string) ([]string, error) {
	name = clean(name)
	if err := d.begin(Op{Kind: OpList, Name: name}); err != nil {
		return nil, err
	}
	defer d.machine.mu.Unlock()
	n, err := d.machine.lookup(name)
	if err == nil && !n.isDir {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, &fs.PathError{Op: "list", Path: name, Err: err}
	}
	return slices.Sorted(maps.Keys(n.entries)), nil
}

// Stat implements env.Disk.
func (d *Disk) Stat(name string) (env.Info, error) {
	name = clean(name)
	if err := d.begin(Op{Kind: OpStat, Name: name}); err != nil {
		return env.Info{}, err
	}
	defer d.machine.mu.Unlock()
	n, err := d.machine.lookup(name)
	if err != nil {
		return env.Info{}, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return env.Info{Size: n.now.size, IsDir: n.isDir}, nil
}

// SyncDir implements env.Disk.
func (d *Disk) SyncDir(name string) error {
	name = clean(name)
	if err := d.begin(Op{Kind: OpSyncDir, Name: name}); err != nil {
		return err
	}
	defer d.machine.mu.Unlock()
	n, err := d.machine.lookup(name)
	if err == nil && !n.isDir {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return &fs.PathError{Op: "syncdir", Path: name, Err: err}
	}
	d.machine.commit(n)
	return nil
}

// BootID implements env.Disk: it changes when the power is lost and not when a process dies.
func (d *Disk) BootID() string { return fmt.Sprintf("boot-%d", d.machine.boot) }

// Lock implements env.Disk.
func (d *Disk) Lock(name string) (io.Closer, error) {
	name = clean(name)
	if err := d.begin(Op{Kind: OpLock, Name: name}); err != nil {
		return nil, err
	}
	defer d.machine.mu.Unlock()
	n, err := d.machine.open(name, os.O_CREATE)
	if err == nil && n.lock != nil && !n.lock.owner.dead {
		err = env.ErrLocked
	}
	if err != nil {
		return nil, &fs.PathError{Op: "lock", Path: name, Err: err}
	}
	n.lock = &lock{owner: d, node: n}
	return n.lock, nil
}

type lock struct {
	owner *Disk
	node  *node
}

func (l *lock) Close() error {
	l.owner.machine.mu.Lock()
	defer l.owner.machine.mu.Unlock()
	if l.node.lock != l {
		return fs.ErrClosed
	}
	l.node.lock = nil
	return nil
}
