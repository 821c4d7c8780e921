package netsim

import (
	"net/netip"

	"odradek/sim/clock"
)

// phase of a connection's life at one end.
type phase uint8

const (
	connecting phase = iota
	open
	dead // failed, or its process gone: whatever arrives is answered with a reset
)

// Conn is one end of a connection.
//
// What it sends waits in outbox until its time of arrival (or longer, when the link is cut), and is then put into the peer's
// inbox. credit is what the peer's window still takes. An end that its process has closed lives on until its outbox is empty.
//
// Invariant: credit + bytes in outbox + the peer's unread bytes + the peer's owed credit = Params.Window, while both ends live.
type Conn struct {
	net           *Network
	host          *Host
	peer          *Conn // nil until the handshake is over
	local, remote netip.AddrPort
	phase         phase
	err           error // why it is dead; told once, as the kernel does
	told          bool

	lost      int // faults for which whatever is sent is dropped on the way
	outbox    []segment
	credit    int
	arrival   clock.Time // of the last segment sent: none overtakes it
	pumpEvent *clock.Event
	stuck     stuck
	finSent   bool

	inbox     [][]byte
	unread    int
	eof       bool // the peer will send no more
	readShut  bool
	closed    bool // by its own process
	owed      int  // bytes read, not yet given back to the peer as credit
	owedEvent *clock.Event

	heard     clock.Time // when the peer last showed that it lives
	probes    int
	keepEvent *clock.Event
	handshake *handshake

	// Notify is called whenever reading or writing may have become possible. May be nil.
	Notify func()
}

// segment is what travels: bytes, or one of the signals.
type segment struct {
	kind    kind
	data    []byte
	leaves  clock.Time // when the link has taken all of it
	arrives clock.Time
}

type kind uint8

const (
	data     kind = iota
	finished      // FIN: no more bytes
	reset         // RST
	accepted      // the handshake's last leg
)

func (n *Network) newConn(h *Host) *Conn {
	c := &Conn{net: n, host: h, credit: n.params.Window, heard: n.queue.Now()}
	c.pumpEvent = clock.NewEvent(c.pump)
	c.owedEvent = clock.NewEvent(c.payCredit)
	c.keepEvent = clock.NewEvent(c.keepAlive)
	h.conns = append(h.conns, c)
	return c
}

// LocalAddr is this end's address.
func (c *Conn) LocalAddr() netip.AddrPort { return c.local }

// RemoteAddr is the other end's address.
func (c *Conn) RemoteAddr() netip.AddrPort { return c.remote }

// Status is nil once connected, ErrInProgress before, and else why it failed.
func (c *Conn) Status() error {
	switch {
	case c.phase == connecting:
		return ErrInProgress
	case c.err != nil:
		return c.tell(c.err)
	}
	return nil
}

// tell returns an error the first time, and after is what comes of it later.
func (c *Conn) tell(after error) error {
	if c.told {
		return after
	}
	c.told = true
	return c.err
}

// Readable tells whether Read would return at once.
func (c *Conn) Readable() bool {
	return c.phase != connecting && (c.unread > 0 || c.eof || c.readShut || c.phase == dead)
}

// Writable tells whether a writer should try: there is room for a fair part of the window, or there will never be.
func (c *Conn) Writable() bool {
	return c.phase == dead || c.phase == open && (c.credit >= c.net.params.Window/4 || c.finSent)
}

// Read moves bytes to p. It returns 0 and no error at the end of the stream, and ErrAgain when nothing is there yet.
func (c *Conn) Read(p []byte) (int, error) {
	switch {
	case c.phase == connecting:
		return 0, ErrNotConn
	case c.unread > 0 && !c.readShut:
		return c.take(p), nil
	case c.err != nil:
		return 0, c.tell(nil)
	case c.eof || c.readShut || c.phase == dead:
		return 0, nil
	}
	return 0, ErrAgain
}

func (c *Conn) take(p []byte) int {
	p = c.short(p, c.net.params.ShortReadPPM)
	total := 0
	for len(p) > 0 && len(c.inbox) > 0 {
		moved := copy(p, c.inbox[0])
		p, total = p[moved:], total+moved
		if moved == len(c.inbox[0]) {
			c.inbox[0] = nil
			c.inbox = c.inbox[1:]
		} else {
			c.inbox[0] = c.inbox[0][moved:]
		}
	}
	c.unread -= total
	c.owe(total)
	return total
}

// Write takes bytes from p, at least one, or fails with ErrAgain.
func (c *Conn) Write(p []byte) (int, error) {
	switch {
	case c.phase == connecting:
		return 0, ErrNotConn
	case c.err != nil:
		return 0, c.tell(ErrPipe)
	case c.finSent || c.phase == dead:
		return 0, ErrPipe
	case len(p) == 0:
		return 0, nil
	case c.credit == 0:
		return 0, ErrAgain
	}
	p = c.short(p[:min(len(p), c.credit)], c.net.params.ShortSendPPM)
	c.credit -= len(p)
	c.send(segment{kind: data, data: append([]byte(nil), p...)})
	return len(p), nil
}

// short cuts a buffer, now and then, down to a part of it.
func (c *Conn) short(p []byte, ppm uint32) []byte {
	if ppm = max(ppm, c.host.shortPPM); len(p) > 1 && ppm > 0 && c.net.rng.Uint32N(million) < ppm {
		return p[:1+c.net.rng.IntN(len(p)-1)]
	}
	return p
}

// CloseWrite lets the peer read to the end of what was written.
func (c *Conn) CloseWrite() error {
	switch {
	case c.phase == connecting:
		return ErrNotConn
	case c.phase == dead:
		return ErrNotConn
	case !c.finSent:
		c.finSent = true
		c.send(segment{kind: finished})
	}
	return nil
}

// CloseRead makes reads end at once; what the peer still sends is thrown away.
func (c *Conn) CloseRead() error {
	if c.phase != open {
		return ErrNotConn
	}
	c.readShut = true
	c.owe(c.unread)
	c.inbox, c.unread = nil, 0
	c.notify()
	return nil
}

// Close ends the connection for its process: in order when everything was read, and else with a reset.
func (c *Conn) Close() {
	if c.closed {
		return
	}
	if c.phase != open || c.unread > 0 {
		c.abort()
		return
	}
	c.closed = true
	c.Notify = nil
	if !c.finSent {
		c.finSent = true
		c.send(segment{kind: finished})
	}
	c.settle()
}

// abort ends the connection with a reset.
func (c *Conn) abort() {
	c.closed = true
	c.Notify = nil
	if c.phase != open {
		c.vanish()
		return
	}
	c.send(segment{kind: reset})
	c.phase = dead
	c.settle()
}

// fail ends the connection under its process's feet.
func (c *Conn) fail(err error) {
	if c.phase == dead {
		return
	}
	c.err = err
	c.vanish()
	c.notify()
}

// vanish forgets everything at this end; the peer isn't told.
func (c *Conn) vanish() {
	c.phase = dead
	c.outbox = nil
	c.stuck = stuck{}
	c.settle()
}

// settle stops what need not go on: timers of a dead end, and a closed end's membership of its host once nothing of it is
// under way.
func (c *Conn) settle() {
	q := c.net.queue
	if c.phase == dead || c.closed {
		q.Cancel(c.keepEvent)
		q.Cancel(c.owedEvent)
	}
	if c.handshake != nil && c.phase == dead {
		q.Cancel(c.handshake.event)
	}
	if (c.phase == dead || c.closed) && len(c.outbox) == 0 && !c.stuck.is {
		q.Cancel(c.pumpEvent)
		c.host.forget(c)
	}
}

func (h *Host) forget(c *Conn) {
	for i, other := range h.conns {
		if other == c {
			h.conns = append(h.conns[:i], h.conns[i+1:]...)
			return
		}
	}
}

func (c *Conn) notify() {
	if c.Notify != nil {
		c.Notify()
	}
}
