//go:build wasip1

package guestenv

import "syscall"

// The host functions. All results are WASI error numbers, as in package syscall; see the simulator's package host for what
// each does.

//go:wasmimport odradek dial
//go:noescape
func hostDial(address *byte, length uint32, fd *int32) syscall.Errno

//go:wasmimport odradek dial_status
func hostDialStatus(fd int32) syscall.Errno

//go:wasmimport odradek listen
//go:noescape
func hostListen(address *byte, length uint32, fd *int32) syscall.Errno

//go:wasmimport odradek address
//go:noescape
func hostAddress(fd int32, remote uint32, buffer *byte, size uint32, length *uint32) syscall.Errno

//go:wasmimport odradek boot_id
//go:noescape
func hostBootID(buffer *byte, size uint32, length *uint32) syscall.Errno

//go:wasmimport odradek lock
func hostLock(fd int32) syscall.Errno

//go:wasmimport odradek sync_start
//go:noescape
func hostSyncStart(fd int32, op *int32) syscall.Errno

//go:wasmimport odradek sync_finish
func hostSyncFinish(op int32) syscall.Errno

// failure is an error number as an error, nil for success.
func failure(number syscall.Errno) error {
	if number == 0 {
		return nil
	}
	return number
}
