package host

import (
	"odradek/sim/clock"
	"odradek/sim/disksim"
	"odradek/sim/netsim"
)

// kind of a descriptor.
type kind uint8

const (
	kindStdin kind = iota
	kindStdout
	kindStderr
	kindFile
	kindDir
	kindConn
	kindListener
	kindSync // a sync under way, readable when it is done
)

// File types as WASI numbers them.
const (
	typeUnknown   = 0
	typeCharacter = 2
	typeDirectory = 3
	typeRegular   = 4
	typeStream    = 6
)

// Flags of a descriptor as WASI has them.
const (
	flagAppend   = 1
	flagNonblock = 4
)

// descriptor is what a file descriptor of a guest stands for.
type descriptor struct {
	kind  kind
	flags uint16

	file    *disksim.File // also of a directory that was opened
	path    string        // of a directory
	pos     int64
	entries []disksim.Entry // of a directory that is being read

	conn     *netsim.Conn
	listener *netsim.Listener

	sync   *disksim.Sync
	done   *clock.Event // when the sync ends
	result errno

	eof     bool   // of stdin: nothing will come
	pending []byte // of stdin: what was not read yet

	wants interest // what the guest waits for while it is parked
}

// interest is what a poll waits for.
type interest uint8

const (
	wantRead interest = 1 << iota
	wantWrite
)

func (d *descriptor) fileType() uint8 {
	switch d.kind {
	case kindFile:
		return typeRegular
	case kindDir:
		return typeDirectory
	case kindConn, kindListener:
		return typeStream
	case kindSync:
		return typeUnknown
	}
	return typeCharacter
}

// ready tells what of wants would not block.
func (d *descriptor) ready(wants interest) interest {
	switch d.kind {
	case kindConn:
		var r interest
		if wants&wantRead != 0 && d.conn.Readable() {
			r |= wantRead
		}
		if wants&wantWrite != 0 && d.conn.Writable() {
			r |= wantWrite
		}
		return r
	case kindListener:
		if wants&wantRead != 0 && d.listener.Ready() {
			return wantRead
		}
		return 0
	case kindSync:
		if d.done == nil {
			return wants
		}
		return 0
	case kindStdin:
		if d.eof || len(d.pending) > 0 {
			return wants
		}
		return 0
	}
	return wants
}

// close lets go what the descriptor stands for.
func (d *descriptor) close(p *process) {
	switch d.kind {
	case kindConn:
		d.conn.Close()
	case kindListener:
		d.listener.Close()
	case kindFile, kindDir:
		if d.file != nil {
			d.file.Close()
		}
	case kindSync:
		if d.done != nil {
			p.u.queue.Cancel(d.done)
		}
	}
}

// add gives a descriptor the lowest free number.
func (p *process) add(d *descriptor) uint32 {
	for fd := firstFree; fd < len(p.fds); fd++ {
		if p.fds[fd] == nil {
			p.fds[fd] = d
			return uint32(fd)
		}
	}
	p.fds = append(p.fds, d)
	return uint32(len(p.fds) - 1)
}

// firstFree is the number behind the standard streams and the root directory.
const firstFree = 4

func (p *process) fd(number uint64) *descriptor {
	if number >= uint64(len(p.fds)) {
		return nil
	}
	return p.fds[number]
}

func fdClose(p *process, s []uint64) errno {
	p.args.a = s[0]
	d := p.fd(s[0])
	if d == nil || s[0] < firstFree {
		return errBadFD
	}
	d.close(p)
	p.fds[s[0]] = nil
	return errOK
}
