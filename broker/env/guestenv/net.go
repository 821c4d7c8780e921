//go:build wasip1

package guestenv

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"
)

type network struct{}

// textAddr is an address before it is resolved, for errors.
type textAddr string

func (textAddr) Network() string  { return "tcp" }
func (a textAddr) String() string { return string(a) }

func failed(op, address string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: textAddr(address), Err: err}
}

// Listen implements env.Net.
func (network) Listen(address string) (net.Listener, error) {
	var fd int32
	if err := failure(hostListen(unsafe.StringData(address), uint32(len(address)), &fd)); err != nil {
		return nil, failed("listen", address, os.NewSyscallError("listen", err))
	}
	l, err := adopt(fd, address, net.FileListener)
	if err != nil {
		return nil, failed("listen", address, err)
	}
	return &listener{tcp: l.(*net.TCPListener), address: socketAddress(fd, false)}, nil
}

// Dial implements env.Net. The connect is under way when the host returns; its end is told by the socket becoming writable,
// which the runtime's poller waits for.
func (network) Dial(ctx context.Context, address string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, failed("dial", address, err)
	}
	var fd int32
	if err := failure(hostDial(unsafe.StringData(address), uint32(len(address)), &fd)); err != nil {
		return nil, failed("dial", address, os.NewSyscallError("connect", err))
	}
	c, err := adopt(fd, address, net.FileConn)
	if err != nil {
		return nil, failed("dial", address, err)
	}
	tcp := c.(*net.TCPConn)
	if err := awaitConnect(ctx, tcp); err != nil {
		tcp.Close()
		return nil, failed("dial", address, err)
	}
	return newConn(tcp)
}

// adopt makes of a socket's descriptor what package net works with. The descriptor is blocking while it is an os.File, which
// therefore stays out of the runtime's poller: the poller of wasip1 finds what to forget by the descriptor's number, and with
// two entries of one number it can forget the wrong one, leave the other behind, and report every later use of that number's
// successors as failed.
func adopt[T any](fd int32, address string, convert func(*os.File) (T, error)) (adopted T, err error) {
	if err := syscall.SetNonblock(int(fd), false); err != nil {
		return adopted, err
	}
	f := os.NewFile(uintptr(fd), address)
	defer f.Close() // what was made of it counts the descriptor too
	if adopted, err = convert(f); err != nil {
		return adopted, err
	}
	return adopted, syscall.SetNonblock(int(fd), true)
}

// awaitConnect waits until the connect has ended, or ctx has.
func awaitConnect(ctx context.Context, c *net.TCPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { c.SetWriteDeadline(time.Unix(1, 0)) })
	status := syscall.EINPROGRESS
	err = raw.Write(func(fd uintptr) bool {
		status = hostDialStatus(int32(fd))
		return status != syscall.EINPROGRESS
	})
	if !stop() { // ctx has ended, and the deadline of the past with it can't be taken back for sure
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	return os.NewSyscallError("connect", failure(status))
}

// socketAddress asks the host for a socket's address.
func socketAddress(fd int32, remote bool) net.Addr {
	var which uint32
	if remote {
		which = 1
	}
	var buffer [64]byte // an IPv6 address with a zone and a port
	var length uint32
	if hostAddress(fd, which, &buffer[0], uint32(len(buffer)), &length) != 0 {
		return &net.TCPAddr{}
	}
	address, err := netip.ParseAddrPort(string(buffer[:length]))
	if err != nil {
		return &net.TCPAddr{}
	}
	return net.TCPAddrFromAddrPort(address)
}
