package netsim

import (
	"fmt"
	"net/netip"
	"time"

	"odradek/sim/clock"
)

// synWait is the time before an unanswered SYN is sent again; it doubles each time (RFC 6298: one second).
const synWait = time.Second

// handshake is a connect that is under way.
type handshake struct {
	target   *Host
	port     uint16
	began    clock.Time
	wait     time.Duration
	leg      func() // what happens when event fires
	event    *clock.Event
	listener *Listener // which answered
}

// Dial begins to connect to address, a "host:port". The connection's Status tells how it went. An address that nobody has is
// unreachable at once; a machine that answers without a listener refuses after a round trip; one that doesn't answer is
// tried for Params.SYNTimeout.
func (h *Host) Dial(address string) (*Conn, error) {
	name, port, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	target := h.net.resolve(h, name)
	if target == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnreachable, address)
	}
	c := h.net.newConn(h)
	c.local = netip.AddrPortFrom(h.addr, h.ephemeral())
	c.remote = netip.AddrPortFrom(target.addr, port)
	hs := &handshake{target: target, port: port, began: h.net.queue.Now(), wait: synWait}
	hs.event = clock.NewEvent(func() { hs.leg() })
	c.handshake = hs
	c.sendSYN()
	return c, nil
}

// sendSYN starts an attempt.
func (c *Conn) sendSYN() {
	c.after(c.net.latency(c.host, c.handshake.target), c.arriveSYN)
}

func (c *Conn) after(d time.Duration, leg func()) {
	c.handshake.leg = leg
	c.net.queue.Arm(c.handshake.event, c.net.queue.Now().Add(d))
}

// arriveSYN is at the target: a listener answers with a SYN-ACK, an empty port with a reset.
func (c *Conn) arriveSYN() {
	n, hs := c.net, c.handshake
	connects := hs.target.connects
	if c.host == hs.target {
		connects = ConnectsAnswered
	}
	if !n.passes(c.host, hs.target) || connects == ConnectsHang {
		c.retrySYN()
		return
	}
	l := hs.target.listener(hs.port)
	if connects == ConnectsRefused {
		l = nil
	}
	if l != nil && len(l.backlog) >= n.params.Backlog {
		c.retrySYN() // a full backlog drops it
		return
	}
	hs.listener = l
	c.after(n.latency(hs.target, c.host), c.arriveAnswer)
}

func (c *Conn) arriveAnswer() {
	n, hs := c.net, c.handshake
	switch {
	case !n.passes(hs.target, c.host):
		c.retrySYN()
	case hs.listener == nil:
		c.fail(ErrRefused)
	default:
		c.establish()
	}
}

func (c *Conn) retrySYN() {
	hs := c.handshake
	if c.net.queue.Now().Sub(hs.began) >= c.net.params.SYNTimeout {
		c.fail(ErrTimedOut)
		return
	}
	c.after(hs.wait, c.sendSYN)
	hs.wait *= 2
}

// establish opens this end, makes the other, and sends the handshake's last leg, which puts the other end into the backlog.
func (c *Conn) establish() {
	hs := c.handshake
	peer := c.net.newConn(hs.target)
	peer.local, peer.remote = c.remote, c.local
	peer.peer, c.peer = c, peer
	peer.phase, c.phase = open, open
	peer.handshake = &handshake{listener: hs.listener, event: clock.NewEvent(func() {})}
	c.handshake = nil
	c.startKeepAlive()
	c.send(segment{kind: accepted})
	c.notify()
}

// join puts a connection into the backlog of the listener that answered.
func (c *Conn) join() {
	l := c.handshake.listener
	c.handshake = nil
	if l.closed || len(l.backlog) >= c.net.params.Backlog {
		c.abort()
		return
	}
	c.startKeepAlive()
	l.backlog = append(l.backlog, c)
	if l.Notify != nil {
		l.Notify()
	}
}

func (c *Conn) startKeepAlive() {
	c.heard = c.net.queue.Now()
	c.net.queue.Arm(c.keepEvent, c.heard.Add(c.net.params.KeepIdle))
}
