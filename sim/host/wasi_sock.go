package host

import (
	"net/netip"

	"odradek/sim/netsim"
	"odradek/sim/trace"
)

// Sockets: the two calls that WASI has, and our own for what it lacks.

func (p *process) addConn(c *netsim.Conn) uint32 {
	d := &descriptor{kind: kindConn, flags: flagNonblock, conn: c}
	c.Notify = func() { p.notify(d) }
	return p.add(d)
}

func sockAccept(p *process, s []uint64) errno {
	p.args.a = s[0]
	d := p.fd(s[0])
	switch {
	case d == nil:
		return errBadFD
	case d.kind != kindListener:
		return errNotSocket
	}
	c, err := d.listener.Accept()
	if err != nil {
		return number(err)
	}
	fd := p.addConn(c)
	p.args.b = uint64(fd)
	return p.put32(s[2], fd)
}

// stream finds the connection of a number.
func (p *process) stream(number uint64) (*netsim.Conn, errno) {
	d := p.fd(number)
	switch {
	case d == nil:
		return nil, errBadFD
	case d.kind != kindConn:
		return nil, errNotSocket
	}
	return d.conn, errOK
}

func sockShutdown(p *process, s []uint64) errno {
	p.args = callArgs{s[0], s[1], 0}
	c, e := p.stream(s[0])
	if e != errOK {
		return e
	}
	const read, write = 1, 2
	if s[1]&write != 0 {
		e = number(c.CloseWrite())
	}
	if s[1]&read != 0 && e == errOK {
		e = number(c.CloseRead())
	}
	return e
}

// dial(address, length, &fd) begins to connect to "host:port". The descriptor is non-blocking and becomes writable when the
// connection is made or has failed; dial_status tells which.
func dial(p *process, s []uint64) errno {
	to, ok := p.text(s[0], s[1])
	if !ok {
		return errFault
	}
	p.noteAddress("dial to", to)
	c, err := p.node.host.Dial(to)
	if err != nil {
		return number(err)
	}
	fd := p.addConn(c)
	p.args.a = uint64(fd)
	return p.put32(s[2], fd)
}

// dialStatus(fd) is 0 when connected, EINPROGRESS before, and else why it failed.
func dialStatus(p *process, s []uint64) errno {
	p.args.a = s[0]
	c, e := p.stream(s[0])
	if e != errOK {
		return e
	}
	return number(c.Status())
}

// listen(address, length, &fd) accepts connections on "host:port"; port 0 takes a free one.
func listen(p *process, s []uint64) errno {
	at, ok := p.text(s[0], s[1])
	if !ok {
		return errFault
	}
	p.noteAddress("listen at", at)
	l, err := p.node.host.Listen(at)
	if err != nil {
		return number(err)
	}
	d := &descriptor{kind: kindListener, flags: flagNonblock, listener: l}
	l.Notify = func() { p.notify(d) }
	fd := p.add(d)
	p.args.a = uint64(fd)
	return p.put32(s[2], fd)
}

func (p *process) noteAddress(what, text string) {
	p.args.c = trace.SumString(text)
	p.comment(what, text)
}

// address(fd, remote, buffer, size, &length) is a socket's own address, or with remote its peer's, as "ip:port".
func address(p *process, s []uint64) errno {
	p.args = callArgs{s[0], s[1], 0}
	d := p.fd(s[0])
	if d == nil {
		return errBadFD
	}
	var a netip.AddrPort
	switch {
	case d.kind == kindListener && s[1] == 0:
		a = d.listener.Addr()
	case d.kind == kindConn && s[1] == 0:
		a = d.conn.LocalAddr()
	case d.kind == kindConn:
		a = d.conn.RemoteAddr()
	default:
		return errNotSocket
	}
	return p.putText(s[2], s[3], s[4], a.String())
}

// putText stores a string into a buffer, and its length.
func (p *process) putText(buffer, size, length uint64, text string) errno {
	p.args.c = trace.SumString(text)
	if uint64(len(text)) > size {
		return errRange
	}
	if !p.mem.WriteString(uint32(buffer), text) {
		return errFault
	}
	return p.put32(length, uint32(len(text)))
}
