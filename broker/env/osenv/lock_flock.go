//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package osenv

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock takes a BSD lock, which belongs to the open file and so excludes other openings in this process too.
func lock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err != unix.EINTR {
			return err
		}
	}
}

func isLocked(err error) bool { return errors.Is(err, unix.EWOULDBLOCK) }
