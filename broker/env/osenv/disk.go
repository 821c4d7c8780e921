//go:build unix || windows

package osenv

import (
	"fmt"
	"io"
	"os"
	"sync"

	"odradek/broker/env"
)

const (
	fileMode = 0o644
	dirMode  = 0o755
)

type disk struct{}

func (disk) Open(name string, flag int) (env.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|flag, fileMode)
	if err != nil {
		return nil, wrap(err)
	}
	return &file{f}, nil
}

// readOnly opens files for reading only.
type readOnly struct{ disk }

func (readOnly) Open(name string, flag int) (env.File, error) {
	if flag != 0 {
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrPermission}
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, wrap(err)
	}
	return &file{f}, nil
}

func (disk) MkdirAll(dir string) error { return wrap(os.MkdirAll(dir, dirMode)) }

func (disk) Rename(oldName, newName string) error { return wrap(os.Rename(oldName, newName)) }

func (disk) Remove(name string) error { return wrap(os.Remove(name)) }

func (disk) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return nil, wrap(err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names, nil
}

func (disk) Stat(name string) (env.Info, error) {
	info, err := os.Stat(name)
	if err != nil {
		return env.Info{}, wrap(err)
	}
	if info.IsDir() {
		return env.Info{IsDir: true}, nil
	}
	return env.Info{Size: info.Size()}, nil
}

func (disk) SyncDir(dir string) error { return wrap(syncDir(dir)) }

// Lock is released by the system when the process ends, however it does.
func (disk) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, wrap(err)
	}
	err = lock(f)
	if err == nil {
		return f, nil
	}
	f.Close()
	if isLocked(err) {
		return nil, fmt.Errorf("%w: %s: %w", env.ErrLocked, name, err)
	}
	return nil, &os.PathError{Op: "lock", Path: name, Err: err}
}

func (disk) BootID() string { return bootIDOnce() }

var bootIDOnce = sync.OnceValue(bootID)

// file adds to an os.File what env.File has beyond it.
type file struct{ *os.File }

var _ env.Sender = (*file)(nil)

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	return n, wrap(err)
}

func (f *file) Truncate(size int64) error { return wrap(f.File.Truncate(size)) }

func (f *file) Sync() error { return wrap(syncFile(f.File)) }

func (f *file) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
