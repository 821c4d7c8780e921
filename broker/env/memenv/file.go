package memenv

import (
	"errors"
	"io"
	"io/fs"
	"net"

	"odradek/broker/env"
)

// file is an open file.
type file struct {
	disk   *Disk
	node   *node
	name   string
	closed bool // guarded by the machine's lock
}

var _ env.Sender = (*file)(nil)

// begin is Disk.begin for an operation on an open file.
func (f *file) begin(op Op) error {
	if err := f.disk.begin(op); err != nil {
		return err
	}
	if f.closed {
		f.disk.machine.mu.Unlock()
		return &fs.PathError{Op: op.Kind.String(), Path: f.name, Err: fs.ErrClosed}
	}
	return nil
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if err := f.begin(Op{Kind: OpRead, Name: f.name, Offset: off, Length: len(p)}); err != nil {
		return 0, err
	}
	defer f.disk.machine.mu.Unlock()
	if off < 0 {
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrInvalid}
	}
	n := f.node.now.readAt(p, off)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	if err := f.begin(Op{Kind: OpWrite, Name: f.name, Offset: off, Length: len(p)}); err != nil {
		return 0, err
	}
	m := f.disk.machine
	defer m.mu.Unlock()
	if off < 0 {
		return 0, &fs.PathError{Op: "write", Path: f.name, Err: fs.ErrInvalid}
	}
	n := f.node.writeAt(p, off, m.take)
	if n < len(p) {
		return n, &fs.PathError{Op: "write", Path: f.name, Err: env.ErrNoSpace}
	}
	return n, nil
}

func (f *file) Truncate(size int64) error {
	if err := f.begin(Op{Kind: OpTruncate, Name: f.name, Offset: size}); err != nil {
		return err
	}
	m := f.disk.machine
	defer m.mu.Unlock()
	if size < 0 {
		return &fs.PathError{Op: "truncate", Path: f.name, Err: fs.ErrInvalid}
	}
	m.used -= int64(f.node.truncate(size)) * BlockSize
	return nil
}

func (f *file) Sync() error {
	if err := f.begin(Op{Kind: OpSync, Name: f.name}); err != nil {
		if !errors.Is(err, ErrDead) && !errors.Is(err, fs.ErrClosed) {
			f.disk.machine.mu.Lock()
			defer f.disk.machine.mu.Unlock()
			f.node.failSync()
		}
		return err
	}
	defer f.disk.machine.mu.Unlock()
	f.node.sync()
	return nil
}

func (f *file) Size() (int64, error) {
	m := f.disk.machine
	m.mu.RLock()
	defer m.mu.RUnlock()
	switch {
	case f.disk.isDead():
		return 0, &fs.PathError{Op: "stat", Path: f.name, Err: ErrDead}
	case f.closed:
		return 0, &fs.PathError{Op: "stat", Path: f.name, Err: fs.ErrClosed}
	}
	return f.node.now.size, nil
}

// SendTo implements env.Sender.
func (f *file) SendTo(conn net.Conn, offset, length int64) (int64, error) {
	return env.Copy(conn, f, offset, length)
}

func (f *file) Close() error {
	m := f.disk.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.closed {
		return &fs.PathError{Op: "close", Path: f.name, Err: fs.ErrClosed}
	}
	f.close()
	return nil
}

// close gives the handle back. The lock is held.
func (f *file) close() {
	f.closed = true
	delete(f.disk.files, f)
	f.node.opens--
	f.disk.machine.reclaim(f.node)
}
