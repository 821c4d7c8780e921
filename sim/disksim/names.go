package disksim

import (
	"io/fs"
	"slices"
)

// OpenFlags are how a file is opened.
type OpenFlags struct {
	Create, Exclusive, Truncate, Directory bool
}

// Open opens a file or directory.
func (d *Disk) Open(name string, flags OpenFlags) (*File, error) {
	node, err := d.find(name)
	switch {
	case err == fs.ErrNotExist && flags.Create && !flags.Directory:
		if node, err = d.create(name); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case flags.Create && flags.Exclusive:
		return nil, fs.ErrExist
	case node.dir && (flags.Create || flags.Truncate):
		return nil, ErrIsDir
	case !node.dir && flags.Directory:
		return nil, ErrNotDir
	}
	if flags.Truncate {
		node.truncate(d, 0)
	}
	node.opens++
	f := &File{disk: d, node: node, name: name}
	d.open = append(d.open, f)
	return f, nil
}

func (d *Disk) create(name string) (*inode, error) {
	dir, last, err := d.parent(name)
	if err != nil {
		return nil, err
	}
	if d.fails(d.faults.WriteErrorPPM) {
		return nil, ErrIO
	}
	node := d.newInode(false)
	d.commit(edit{dir, last, node})
	return node, nil
}

// Mkdir makes a directory in one that exists.
func (d *Disk) Mkdir(name string) error {
	dir, last, err := d.parent(name)
	if err != nil {
		return err
	}
	switch {
	case dir.now.get(last) != nil:
		return fs.ErrExist
	case d.fails(d.faults.WriteErrorPPM):
		return ErrIO
	}
	d.commit(edit{dir, last, d.newInode(true)})
	return nil
}

// Remove takes a file's name away; the file lives while it is open. With directory, it removes an empty directory instead.
func (d *Disk) Remove(name string, directory bool) error {
	dir, last, err := d.parent(name)
	if err != nil {
		return err
	}
	node := dir.now.get(last)
	switch {
	case node == nil:
		return fs.ErrNotExist
	case node.dir && !directory:
		return ErrIsDir
	case !node.dir && directory:
		return ErrNotDir
	case len(node.now) > 0:
		return ErrNotEmpty
	case d.fails(d.faults.WriteErrorPPM):
		return ErrIO
	}
	d.commit(edit{dir, last, nil})
	return nil
}

// Rename moves a file or directory, replacing a file or an empty directory of the new name.
func (d *Disk) Rename(oldName, newName string) error {
	oldDir, oldLast, err := d.parent(oldName)
	if err != nil {
		return err
	}
	newDir, newLast, err := d.parent(newName)
	if err != nil {
		return err
	}
	node, target := oldDir.now.get(oldLast), newDir.now.get(newLast)
	switch {
	case node == nil:
		return fs.ErrNotExist
	case node == target:
		return nil
	case node.dir && d.below(node, newName):
		return ErrInvalid
	case target == nil:
	case node.dir && !target.dir:
		return ErrNotDir
	case !node.dir && target.dir:
		return ErrIsDir
	case target.dir && len(target.now) > 0:
		return ErrNotEmpty
	}
	if d.fails(d.faults.WriteErrorPPM) {
		return ErrIO
	}
	d.commit(edit{newDir, newLast, node}, edit{oldDir, oldLast, nil})
	return nil
}

// below tells whether name leads through dir.
func (d *Disk) below(dir *inode, name string) bool {
	node := d.root
	for _, part := range split(name) {
		if node == dir {
			return true
		}
		if node = node.now.get(part); node == nil {
			return false
		}
	}
	return false
}

// Crash does what the kernel does when the process dies: files are closed and locks let go. Nothing written is lost.
func (d *Disk) Crash() {
	for _, f := range slices.Clone(d.open) {
		f.Close()
	}
}
