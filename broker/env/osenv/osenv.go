//go:build unix || windows

// Package osenv is the real world: the machine's own network and file system.
//
// Disk names are what package os takes, absolute or relative to the working directory, with slashes. All promises of
// package env hold on Linux, macOS and the BSDs with a local file system. On Windows a file can't be removed or replaced
// while it is open, and a directory's entries can't be synced by themselves; that is enough to try the broker there.
package osenv

import (
	"errors"
	"fmt"

	"odradek/broker/env"
)

// New returns this machine.
func New() env.Env { return env.Env{Net: network{}, Disk: disk{}} }

// ReadOnlyDisk returns this machine's disk for tools that look at files: it opens them for reading only, and needs no more
// permission than that.
func ReadOnlyDisk() env.Disk { return readOnly{} }

// wrap gives an error of the system the identity that package env promises, and keeps its own.
func wrap(err error) error {
	switch {
	case err == nil || errors.Is(err, env.ErrNoSpace):
		return err
	case isNoSpace(err):
		return fmt.Errorf("%w: %w", env.ErrNoSpace, err)
	}
	return err
}
