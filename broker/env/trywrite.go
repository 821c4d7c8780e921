//go:build unix || wasip1

package env

import (
	"io"
	"syscall"
)

// TryWrites makes a TryWriter's function of a connection that is a descriptor which does not block, as the Go runtime keeps
// those of its own connections.
func TryWrites(conn syscall.Conn) func(p []byte) (n int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil
	}
	// One function for all calls, so that none of them allocates.
	var content []byte
	var written int
	var writeErr error
	once := func(fd uintptr) bool {
		for {
			if written, writeErr = syscall.Write(int(fd), content); writeErr != syscall.EINTR {
				return true
			}
		}
	}
	return func(p []byte) (int, error) {
		content = p
		err := raw.Write(once)
		content = nil
		switch {
		case err != nil:
			return 0, err
		case writeErr == syscall.EAGAIN:
			return 0, nil
		case writeErr == nil && written == 0 && len(p) > 0:
			return 0, io.ErrUnexpectedEOF // as package net takes it
		}
		return max(written, 0), writeErr
	}
}
