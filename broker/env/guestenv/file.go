//go:build wasip1

package guestenv

import (
	"io"
	"io/fs"
	"os"
	"syscall"
)

// file is an open file. A guest is never interrupted between looking at fd and using it in a host call, and so needs no
// lock: fd is of this file or is closed.
type file struct {
	fd   int
	name string
}

// closed is the fd of a file that was closed.
const closed = -1

// descriptor returns the fd, or an error that says that there is none any more.
func (f *file) descriptor(op string) (int, error) {
	if f.fd == closed {
		return 0, &fs.PathError{Op: op, Path: f.name, Err: fs.ErrClosed}
	}
	return f.fd, nil
}

// ReadAt implements env.File.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	total := 0
	for total < len(p) {
		fd, err := f.descriptor("read")
		if err != nil {
			return total, err
		}
		n, err := syscall.Pread(fd, p[total:], off+int64(total))
		if err != nil {
			return total, pathError("read", f.name, err)
		}
		if n == 0 {
			return total, io.EOF
		}
		total += n
	}
	return total, nil
}

// WriteAt implements env.File.
func (f *file) WriteAt(p []byte, off int64) (int, error) {
	total := 0
	for {
		fd, err := f.descriptor("write")
		if err != nil {
			return total, err
		}
		if total == len(p) {
			return total, nil
		}
		n, err := syscall.Pwrite(fd, p[total:], off+int64(total))
		total += n
		if err != nil {
			return total, pathError("write", f.name, err)
		}
		if n == 0 {
			return total, io.ErrUnexpectedEOF
		}
	}
}

// Truncate implements env.File.
func (f *file) Truncate(size int64) error {
	fd, err := f.descriptor("truncate")
	if err != nil {
		return err
	}
	return pathError("truncate", f.name, syscall.Ftruncate(fd, size))
}

// Sync implements env.File. Other goroutines run meanwhile.
func (f *file) Sync() error {
	fd, err := f.descriptor("sync")
	if err != nil {
		return err
	}
	return pathError("sync", f.name, syncDescriptor(fd))
}

// Size implements env.File.
func (f *file) Size() (int64, error) {
	fd, err := f.descriptor("stat")
	if err != nil {
		return 0, err
	}
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return 0, pathError("stat", f.name, err)
	}
	return int64(st.Size), nil
}

// Close implements env.File.
func (f *file) Close() error {
	fd, err := f.descriptor("close")
	if err != nil {
		return err
	}
	f.fd = closed
	return pathError("close", f.name, syscall.Close(fd))
}

// syncDescriptor syncs a file or directory. The host answers at once, or with a descriptor that becomes readable when the
// disk is done: the runtime's poller then parks this goroutine only, where fd_sync would stop them all.
func syncDescriptor(fd int) error {
	var op int32
	if err := failure(hostSyncStart(int32(fd), &op)); err != nil || op == 0 {
		return err
	}
	f := os.NewFile(uintptr(op), "sync")
	defer f.Close()
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result syscall.Errno
	err = raw.Read(func(fd uintptr) bool {
		result = hostSyncFinish(int32(fd))
		return result != syscall.EAGAIN
	})
	if err != nil {
		return err
	}
	return failure(result)
}
