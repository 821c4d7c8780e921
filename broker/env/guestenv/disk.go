//go:build wasip1

package guestenv

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"odradek/broker/env"
)

type disk struct{}

// pathError says what failed, and wraps the errors that package env names.
func pathError(op, name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC):
		err = fmt.Errorf("%w: %w", env.ErrNoSpace, err)
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// Open implements env.Disk. Descriptors are used without package os, whose files would each take a place in the poller.
func (disk) Open(name string, flag int) (env.File, error) {
	fd, err := syscall.Open(name, os.O_RDWR|flag&(os.O_CREATE|os.O_EXCL|os.O_TRUNC), 0o644)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return &file{fd: fd, name: name}, nil
}

// MkdirAll implements env.Disk.
func (disk) MkdirAll(dir string) error {
	if dir == "" {
		return nil
	}
	return os.MkdirAll(dir, 0o755)
}

// Rename implements env.Disk.
func (disk) Rename(oldName, newName string) error { return os.Rename(oldName, newName) }

// Remove implements env.Disk.
func (disk) Remove(name string) error { return os.Remove(name) }

// List implements env.Disk.
func (disk) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(here(dir))
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// here is what an empty name stands for.
func here(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// Stat implements env.Disk.
func (disk) Stat(name string) (env.Info, error) {
	var st syscall.Stat_t
	if err := syscall.Stat(here(name), &st); err != nil {
		return env.Info{}, pathError("stat", name, err)
	}
	if st.Filetype == syscall.FILETYPE_DIRECTORY {
		return env.Info{IsDir: true}, nil
	}
	return env.Info{Size: int64(st.Size)}, nil
}

// SyncDir implements env.Disk.
func (disk) SyncDir(dir string) error {
	fd, err := syscall.Open(here(dir), os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return pathError("sync", dir, err)
	}
	err = syncDescriptor(fd)
	syscall.Close(fd)
	return pathError("sync", dir, err)
}

// Lock implements env.Disk.
func (d disk) Lock(name string) (io.Closer, error) {
	f, err := d.Open(name, os.O_CREATE)
	if err != nil {
		return nil, err
	}
	switch err := failure(hostLock(int32(f.(*file).fd))); err {
	case nil:
		return f, nil
	case syscall.EAGAIN:
		f.Close()
		return nil, &fs.PathError{Op: "lock", Path: name, Err: env.ErrLocked}
	default:
		f.Close()
		return nil, pathError("lock", name, err)
	}
}

// BootID implements env.Disk.
func (disk) BootID() string {
	var buffer [64]byte
	var length uint32
	if hostBootID(&buffer[0], uint32(len(buffer)), &length) != 0 {
		return ""
	}
	return string(buffer[:length])
}
