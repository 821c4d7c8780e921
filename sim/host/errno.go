package host

import (
	"errors"
	"io/fs"

	"odradek/sim/disksim"
	"odradek/sim/netsim"
)

// errno is an error as WASI numbers them.
type errno uint32

// The numbers that the kernel answers with (WASI preview 1, in the order of their names).
const (
	errOK          errno = 0
	errAddrInUse   errno = 3
	errAgain       errno = 6
	errBadFD       errno = 8
	errConnRefused errno = 14
	errConnReset   errno = 15
	errExist       errno = 20
	errFault       errno = 21
	errHostUnreach errno = 23
	errInProgress  errno = 26
	errInvalid     errno = 28
	errIO          errno = 29
	errIsDir       errno = 31
	errNoEntry     errno = 44
	errNoSpace     errno = 51
	errNotConn     errno = 53
	errNotDir      errno = 54
	errNotEmpty    errno = 55
	errNotSocket   errno = 57
	errNotSup      errno = 58
	errPipe        errno = 64
	errRange       errno = 68
	errTimedOut    errno = 73
)

var errnos = []struct {
	err    error
	number errno
}{
	{netsim.ErrAgain, errAgain},
	{netsim.ErrInProgress, errInProgress},
	{netsim.ErrRefused, errConnRefused},
	{netsim.ErrReset, errConnReset},
	{netsim.ErrTimedOut, errTimedOut},
	{netsim.ErrUnreachable, errHostUnreach},
	{netsim.ErrPipe, errPipe},
	{netsim.ErrNotConn, errNotConn},
	{netsim.ErrAddrInUse, errAddrInUse},
	{netsim.ErrBadAddress, errInvalid},
	{fs.ErrNotExist, errNoEntry},
	{fs.ErrExist, errExist},
	{disksim.ErrIsDir, errIsDir},
	{disksim.ErrNotDir, errNotDir},
	{disksim.ErrNotEmpty, errNotEmpty},
	{disksim.ErrNoSpace, errNoSpace},
	{disksim.ErrIO, errIO},
	{disksim.ErrLocked, errAgain},
	{disksim.ErrInvalid, errInvalid},
}

// number is an error's errno. An error that has none is a mistake in the kernel.
func number(err error) errno {
	if err == nil {
		return errOK
	}
	for i := range errnos {
		if err == errnos[i].err {
			return errnos[i].number
		}
	}
	for i := range errnos {
		if errors.Is(err, errnos[i].err) {
			return errnos[i].number
		}
	}
	panic("an error without a number: " + err.Error())
}
