package host

import (
	"encoding/binary"
	"io"

	"odradek/sim/clock"
	"odradek/sim/disksim"
	"odradek/sim/trace"
)

// Calls on descriptors.

func fdFdstatGet(p *process, s []uint64) errno {
	p.args.a = s[0]
	d := p.fd(s[0])
	if d == nil {
		return errBadFD
	}
	b, ok := p.bytes(s[1], 24)
	if !ok {
		return errFault
	}
	clear(b)
	b[0] = d.fileType()
	binary.LittleEndian.PutUint16(b[2:], d.flags)
	for i := 8; i < 24; i++ {
		b[i] = 0xff // every right
	}
	return errOK
}

func fdFdstatSetFlags(p *process, s []uint64) errno {
	p.args = callArgs{s[0], s[1], 0}
	d := p.fd(s[0])
	if d == nil {
		return errBadFD
	}
	d.flags = uint16(s[1])
	return errOK
}

func fdFilestatGet(p *process, s []uint64) errno {
	p.args.a = s[0]
	d := p.fd(s[0])
	if d == nil {
		return errBadFD
	}
	var info disksim.Info
	if d.file != nil {
		info = d.file.Info()
	}
	p.args.b = uint64(info.Size)
	return p.putStat(s[1], info, d.fileType())
}

// putStat stores a filestat. The times are all the beginning of the universe: nothing may depend on them.
func (p *process) putStat(ptr uint64, info disksim.Info, fileType uint8) errno {
	b, ok := p.bytes(ptr, 64)
	if !ok {
		return errFault
	}
	clear(b)
	binary.LittleEndian.PutUint64(b[8:], info.ID)
	b[16] = fileType
	binary.LittleEndian.PutUint64(b[24:], 1)
	binary.LittleEndian.PutUint64(b[32:], uint64(info.Size))
	for at := 40; at < 64; at += 8 {
		binary.LittleEndian.PutUint64(b[at:], uint64(clock.Epoch))
	}
	return errOK
}

// regular finds the open file of a number.
func (p *process) regular(number uint64) (*descriptor, errno) {
	d := p.fd(number)
	switch {
	case d == nil:
		return nil, errBadFD
	case d.kind == kindDir:
		return nil, errIsDir
	case d.kind != kindFile:
		return nil, errInvalid
	}
	return d, errOK
}

func fdFilestatSetSize(p *process, s []uint64) errno {
	p.args = callArgs{s[0], s[1], 0}
	d, e := p.regular(s[0])
	if e != errOK {
		return e
	}
	e = number(d.file.Truncate(int64(s[1])))
	p.spend(p.node.disk.Took(p.u.queue.Now(), true))
	return e
}

// vectors calls move for each buffer of an iovec array until one is not used whole, and returns the sum.
func (p *process) vectors(ptr, count uint64, move func(b []byte) (int, error)) (int, errno) {
	const maxVectors = 1024 // IOV_MAX
	if count > maxVectors {
		return 0, errInvalid
	}
	list, ok := p.bytes(ptr, count*8)
	if !ok {
		return 0, errFault
	}
	total := 0
	for ; len(list) > 0; list = list[8:] {
		address, length := binary.LittleEndian.Uint32(list), binary.LittleEndian.Uint32(list[4:])
		b, ok := p.bytes(uint64(address), uint64(length))
		if !ok {
			return total, errFault
		}
		n, err := move(b)
		total += n
		p.args.c = p.args.c*31 + trace.Sum(b[:n])
		switch {
		case err == io.EOF:
			return total, errOK
		case err != nil && total == 0:
			return 0, number(err)
		case err != nil || n < len(b):
			return total, errOK
		}
	}
	return total, errOK
}

// transfer ends a call that moved bytes: it stores their number and lets the disk's time pass.
func (p *process) transfer(number, result uint64, n int, e errno, disk bool) errno {
	p.args.a, p.args.b = number, uint64(n)
	if e == errOK {
		e = p.put32(result, uint32(n))
	}
	if disk {
		p.spend(p.node.disk.Took(p.u.queue.Now(), false))
	}
	return e
}

func fdPread(p *process, s []uint64) errno {
	d, e := p.regular(s[0])
	if e != errOK {
		return e
	}
	at := int64(s[3])
	n, e := p.vectors(s[1], s[2], func(b []byte) (int, error) {
		n, err := d.file.ReadAt(b, at)
		at += int64(n)
		return n, err
	})
	return p.transfer(s[0], s[4], n, e, true)
}

func fdPwrite(p *process, s []uint64) errno {
	d, e := p.regular(s[0])
	if e != errOK {
		return e
	}
	at := int64(s[3])
	n, e := p.vectors(s[1], s[2], func(b []byte) (int, error) {
		n, err := d.file.WriteAt(b, at)
		at += int64(n)
		return n, err
	})
	return p.transfer(s[0], s[4], n, e, true)
}

func fdRead(p *process, s []uint64) errno {
	d := p.fd(s[0])
	if d == nil {
		return errBadFD
	}
	switch d.kind {
	case kindStdin:
		if len(d.pending) == 0 && !d.eof {
			return errAgain
		}
		n, e := p.vectors(s[1], s[2], func(b []byte) (int, error) {
			n := copy(b, d.pending)
			d.pending = d.pending[n:]
			return n, nil
		})
		return p.transfer(s[0], s[3], n, e, false)
	case kindFile:
		n, e := p.vectors(s[1], s[2], func(b []byte) (int, error) {
			n, err := d.file.ReadAt(b, d.pos)
			d.pos += int64(n)
			return n, err
		})
		return p.transfer(s[0], s[3], n, e, true)
	case kindConn:
		n, e := p.vectors(s[1], s[2], d.conn.Read)
		return p.transfer(s[0], s[3], n, e, false)
	case kindDir:
		return errIsDir
	}
	return errInvalid
}

func fdWrite(p *process, s []uint64) errno {
	d := p.fd(s[0])
	if d == nil {
		return errBadFD
	}
	var write func(b []byte) (int, error)
	switch d.kind {
	case kindStdout, kindStderr:
		lines := &p.out
		if d.kind == kindStderr {
			lines = &p.err
		}
		write = func(b []byte) (int, error) {
			lines.write(b)
			return len(b), nil
		}
	case kindFile:
		write = func(b []byte) (int, error) {
			if d.flags&flagAppend != 0 {
				d.pos = d.file.Info().Size
			}
			n, err := d.file.WriteAt(b, d.pos)
			d.pos += int64(n)
			return n, err
		}
	case kindConn:
		write = d.conn.Write
	case kindDir:
		return errIsDir
	default:
		return errInvalid
	}
	n, e := p.vectors(s[1], s[2], write)
	return p.transfer(s[0], s[3], n, e, d.kind == kindFile)
}

func fdSeek(p *process, s []uint64) errno {
	p.args = callArgs{s[0], s[1], s[2]}
	d, e := p.regular(s[0])
	if e != errOK {
		return e
	}
	const fromStart, fromHere, fromEnd = 0, 1, 2
	pos := int64(s[1])
	switch s[2] {
	case fromStart:
	case fromHere:
		pos += d.pos
	case fromEnd:
		pos += d.file.Info().Size
	default:
		return errInvalid
	}
	if pos < 0 {
		return errInvalid
	}
	d.pos = pos
	return p.put64(s[3], uint64(pos))
}

// fdSync parks the whole guest until the disk is done, as Go's wasip1 port can't do other; see syncStart for a better way.
func fdSync(p *process, s []uint64) errno {
	p.args.a = s[0]
	d := p.fd(s[0])
	if d == nil {
		return errBadFD
	}
	if d.file == nil {
		return errInvalid
	}
	sync := d.file.BeginSync(p.u.queue.Now())
	p.spend(sync.Took)
	return number(sync.Complete())
}

func fdReaddir(p *process, s []uint64) errno {
	p.args = callArgs{s[0], s[3], 0}
	d := p.fd(s[0])
	switch {
	case d == nil:
		return errBadFD
	case d.kind != kindDir:
		return errNotDir
	}
	if s[3] == 0 { // from the beginning: what is there now
		var err error
		if d.file != nil {
			d.entries, err = d.file.Entries()
		} else {
			d.entries, err = p.node.disk.List("/")
		}
		if err != nil {
			return number(err)
		}
	}
	buffer, ok := p.bytes(s[1], s[2])
	if !ok {
		return errFault
	}
	used := 0
	for i := s[3]; i < uint64(len(d.entries)) && used < len(buffer); i++ {
		used += copy(buffer[used:], dirent(d.entries[i], i+1))
	}
	p.args.c = trace.Sum(buffer[:used])
	return p.put32(s[4], uint32(used))
}

// dirent is an entry as fd_readdir stores it. next is where the one after it begins.
func dirent(e disksim.Entry, next uint64) []byte {
	b := make([]byte, 24, 24+len(e.Name))
	binary.LittleEndian.PutUint64(b, next)
	binary.LittleEndian.PutUint64(b[8:], e.Info.ID)
	binary.LittleEndian.PutUint32(b[16:], uint32(len(e.Name)))
	b[20] = typeRegular
	if e.Info.IsDir {
		b[20] = typeDirectory
	}
	return append(b, e.Name...)
}

// The root directory is the one directory that a guest is given from the beginning.
const (
	rootFD   = 3
	rootName = "/"
)

func fdPrestatGet(p *process, s []uint64) errno {
	p.args.a = s[0]
	if s[0] != rootFD {
		return errBadFD
	}
	return p.put64(s[1], uint64(len(rootName))<<32) // tag 0: a directory
}

func fdPrestatDirName(p *process, s []uint64) errno {
	p.args.a = s[0]
	b, ok := p.bytes(s[1], s[2])
	switch {
	case s[0] != rootFD:
		return errBadFD
	case !ok || len(b) < len(rootName):
		return errFault
	}
	copy(b, rootName)
	return errOK
}
