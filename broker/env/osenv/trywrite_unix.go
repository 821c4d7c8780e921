//go:build unix

package osenv

import (
	"net"

	"odradek/broker/env"
)

var _ env.TryWriter = network{}

// TryWriter implements env.TryWriter. What is laid over TCP, as TLS is, has to wait.
func (network) TryWriter(conn net.Conn) func(p []byte) (n int, err error) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	try := env.TryWrites(tcp)
	if try == nil {
		return nil
	}
	return func(p []byte) (int, error) {
		n, err := try(p)
		if err != nil {
			err = &net.OpError{Op: "write", Net: "tcp", Source: conn.LocalAddr(), Addr: conn.RemoteAddr(), Err: err}
		}
		return n, err
	}
}
