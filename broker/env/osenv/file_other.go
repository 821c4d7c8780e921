//go:build (unix && !linux) || windows

package osenv

import (
	"net"
	"os"

	"odradek/broker/env"
)

func bootID() string { return "" }

func syncFile(f *os.File) error { return f.Sync() }

// SendTo goes through memory: sendfile is used on Linux only.
func (f *file) SendTo(conn net.Conn, offset, length int64) (int64, error) {
	return env.Copy(conn, f, offset, length)
}
