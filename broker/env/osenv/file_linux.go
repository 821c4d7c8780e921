package osenv

import (
	"io"
	"net"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"odradek/broker/env"
)

// sendBytesMax is the most that one sendfile call is asked for; the system itself stops a little below 2 GiB.
const sendBytesMax = 1 << 30

// bootID is drawn by the kernel when it starts; a container sees its host's, whose page cache it shares.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// syncFile leaves out what fsync adds to the content and the size: times, which would cost a journal commit each.
func syncFile(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	syncErr := os.ErrClosed // unless the call is made
	_ = raw.Control(func(fd uintptr) {
		for {
			if syncErr = unix.Fdatasync(int(fd)); syncErr != unix.EINTR {
				return
			}
		}
	})
	if syncErr != nil {
		return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: syncErr}
	}
	return nil
}

// SendTo uses sendfile with an offset of its own, so that one open file serves many connections at once; io.Copy from an
// os.File would move the position that all of them share.
func (f *file) SendTo(conn net.Conn, offset, length int64) (int64, error) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok || length <= 0 {
		return env.Copy(conn, f, offset, length)
	}
	sent, err := f.sendfile(tcp, offset, length)
	if sent == 0 && (err == unix.EINVAL || err == unix.ENOSYS || err == unix.EOPNOTSUPP) {
		return env.Copy(conn, f, offset, length) // not every file system can
	}
	if errno, ok := err.(unix.Errno); ok {
		err = &net.OpError{Op: "sendfile", Net: "tcp", Source: conn.LocalAddr(), Addr: conn.RemoteAddr(), Err: os.NewSyscallError("sendfile", errno)}
	}
	return sent, err
}

// sendfile returns a bare Errno for what the system call said.
func (f *file) sendfile(conn *net.TCPConn, offset, length int64) (sent int64, err error) {
	from, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	to, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	err = &os.PathError{Op: "sendfile", Path: f.Name(), Err: os.ErrClosed} // unless the file is open
	var callErr error
	// Control keeps the file's descriptor open while the connection's Write waits for room and honours its deadline.
	_ = from.Control(func(file uintptr) {
		err = to.Write(func(socket uintptr) (done bool) {
			for sent < length {
				at := offset + sent
				n, errno := unix.Sendfile(int(socket), int(file), &at, int(min(length-sent, sendBytesMax)))
				switch {
				case errno == unix.EAGAIN:
					return false
				case errno == unix.EINTR:
				case errno != nil:
					callErr = errno
					return true
				case n == 0:
					callErr = io.ErrUnexpectedEOF
					return true
				}
				sent += int64(max(n, 0))
			}
			return true
		})
	})
	if err == nil {
		err = callErr
	}
	return sent, err
}
