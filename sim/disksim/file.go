package disksim

import (
	"io"
	"slices"
)

// File is an open file or directory.
type File struct {
	disk   *Disk
	name   string // that it was opened by
	node   *inode
	closed bool
}

// Info describes the file.
func (f *File) Info() Info { return f.node.info() }

// Entries lists an open directory.
func (f *File) Entries() ([]Entry, error) {
	if f.disk.gone(f.name) {
		return nil, ErrIO
	}
	return f.node.list()
}

// ReadAt reads up to len(p) bytes; io.EOF says that off is at the end or behind it.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	switch {
	case f.node.dir:
		return 0, ErrIsDir
	case off < 0:
		return 0, ErrInvalid
	case f.disk.gone(f.name), f.disk.fails(f.disk.faults.ReadErrorPPM):
		return 0, ErrIO
	case off >= f.node.size:
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), f.node.size-off)]
	f.node.readAt(p, off)
	f.disk.rot(f, p, off)
	return len(p), nil
}

// maxFileSize bounds a file, so that a wild offset can't ask for the host's memory.
const maxFileSize = 1 << 36

// WriteAt writes p, or as much of it as the disk has room for.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	switch {
	case f.node.dir:
		return 0, ErrIsDir
	case off < 0 || off+int64(len(p)) > maxFileSize:
		return 0, ErrInvalid
	case f.disk.gone(f.name), f.disk.fails(f.disk.faults.WriteErrorPPM):
		return 0, ErrIO
	}
	off = f.disk.misdirected(f, off)
	fits := f.fitting(off, int64(len(p)))
	f.disk.strikes(fits < int64(len(p)))
	if fits == 0 && len(p) > 0 {
		return 0, ErrNoSpace
	}
	f.node.writeAt(f.disk, p[:fits], off)
	return int(fits), nil
}

// fitting is how much of a write of length at off the disk has room for.
func (f *File) fitting(off, length int64) int64 {
	room, limited := f.disk.room()
	if !limited {
		return length
	}
	for at := off; at < off+length; {
		index := int(at / BlockSize)
		if index >= len(f.node.pages) || f.node.pages[index].data == nil {
			if room < BlockSize {
				return at - off
			}
			room -= BlockSize
		}
		at = int64(index+1) * BlockSize
	}
	return length
}

// Truncate sets the size.
func (f *File) Truncate(size int64) error {
	switch {
	case f.node.dir:
		return ErrIsDir
	case size < 0 || size > maxFileSize:
		return ErrInvalid
	case f.disk.gone(f.name), f.disk.fails(f.disk.faults.WriteErrorPPM):
		return ErrIO
	}
	f.node.truncate(f.disk, size)
	return nil
}

// Lock takes the file's lock, which other opens of it then fail to take.
func (f *File) Lock() error {
	if f.node.lock != nil && f.node.lock != f {
		return ErrLocked
	}
	f.node.lock = f
	return nil
}

// Close closes the file and lets its lock go.
func (f *File) Close() {
	if f.closed {
		return
	}
	f.closed = true
	if f.node.lock == f {
		f.node.lock = nil
	}
	f.disk.open = slices.DeleteFunc(f.disk.open, func(other *File) bool { return other == f })
	f.node.opens--
	f.disk.freeIfUnused(f.node)
}
