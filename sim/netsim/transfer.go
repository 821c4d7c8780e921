package netsim

import (
	"time"

	"odradek/sim/clock"
)

// stuck is the state of a sender whose bytes, or their acknowledgements, are being lost.
type stuck struct {
	is    bool
	since clock.Time
	retry clock.Time
	rto   time.Duration
	acks  bool // bytes got there, their acknowledgement did not
}

// send puts a segment on its way. None overtakes those before it.
func (c *Conn) send(s segment) {
	s.leaves, s.arrives = c.net.arrival(c.host, c.peer.host, len(s.data))
	c.arrival = max(c.arrival, s.arrives)
	s.arrives = c.arrival
	c.outbox = append(c.outbox, s)
	if !c.pumpEvent.Armed() {
		c.net.queue.Arm(c.pumpEvent, s.arrives)
	}
}

// rescale moves the segments that have not left yet, because the link's bandwidth changed. Invariant kept: none overtakes another.
func (c *Conn) rescale(before, after int64) {
	c.arrival = c.net.queue.Now()
	for i := range c.outbox {
		s := &c.outbox[i]
		leaves := c.net.rescale(s.leaves, before, after)
		c.arrival = max(c.arrival, s.arrives.Add(leaves.Sub(s.leaves)))
		s.leaves, s.arrives = leaves, c.arrival
	}
	if len(c.outbox) > 0 && !c.stuck.is {
		c.net.queue.Arm(c.pumpEvent, c.outbox[0].arrives)
	}
}

// pump delivers the segments that are due; what finds the link cut stays and is tried again, each time after twice the wait.
func (c *Conn) pump() {
	now := c.net.queue.Now()
	forth := c.passes()
	back := c.peer.passes()
	delivered := false
	for forth && len(c.outbox) > 0 && c.outbox[0].arrives <= now {
		s := c.outbox[0]
		c.outbox[0] = segment{}
		c.outbox = c.outbox[1:]
		delivered = true
		c.peer.receive(s)
	}
	if !c.host.up {
		return
	}
	lost := !forth && len(c.outbox) > 0 && c.outbox[0].arrives <= now
	if lost && c.dropReset() {
		return
	}
	c.stuck.acks = (c.stuck.acks || delivered) && !back && c.phase == open
	if lost || c.stuck.acks {
		c.retryLater(now, forth)
		return
	}
	c.stuck = stuck{}
	if len(c.outbox) > 0 {
		c.net.queue.Arm(c.pumpEvent, c.outbox[0].arrives)
		return
	}
	c.settle()
}

// dropReset forgets a reset that the cut link swallowed: nobody sends a reset again. What waits before it is lost with it,
// because the end that sent it has no memory of the connection.
func (c *Conn) dropReset() bool {
	if c.outbox[len(c.outbox)-1].kind != reset {
		return false
	}
	c.vanish()
	return true
}

func (c *Conn) retryLater(now clock.Time, forth bool) {
	p := &c.net.params
	s := &c.stuck
	switch {
	case !s.is:
		s.is, s.since, s.rto = true, now, p.RTOMin
		s.retry = now.Add(s.rto)
	case now.Sub(s.since) >= p.UserTimeout:
		c.stuck = stuck{}
		c.giveUp()
		return
	case now >= s.retry:
		s.rto = min(2*s.rto, p.RTOMax)
		s.retry = now.Add(s.rto)
	}
	at := min(s.retry, s.since.Add(p.UserTimeout))
	if forth && len(c.outbox) > 0 {
		at = min(at, c.outbox[0].arrives)
	}
	c.net.queue.Arm(c.pumpEvent, at)
}

func (c *Conn) giveUp() {
	if c.phase == open {
		c.fail(ErrTimedOut)
		return
	}
	c.vanish()
}

// receive takes what arrived from the peer.
func (c *Conn) receive(s segment) {
	c.heard, c.probes = c.net.queue.Now(), 0
	switch s.kind {
	case reset:
		c.fail(ErrReset)
	case accepted:
		c.join()
	case finished:
		if c.phase == open && !c.eof {
			c.eof = true
			c.notify()
		}
	case data:
		c.net.bytes += uint64(len(s.data))
		switch {
		case c.phase == dead || c.closed:
			c.answerReset()
		case c.readShut:
			c.owe(len(s.data))
		default:
			c.inbox = append(c.inbox, s.data)
			c.unread += len(s.data)
			c.notify()
		}
	}
}

// answerReset tells the peer that nobody is here any more. The answer may be lost; the peer then hears it when it next sends.
func (c *Conn) answerReset() {
	peer := c.peer
	c.vanish()
	c.net.queue.After(c.net.latency(c.host, peer.host), func() {
		if c.passes() {
			peer.fail(ErrReset)
		}
	})
}

// owe counts bytes that the peer may send in place of those read. They are told in portions, as TCP updates its window.
func (c *Conn) owe(n int) {
	c.owed += n
	if c.owed >= c.net.params.Window/4 && !c.owedEvent.Armed() && c.phase == open {
		c.net.queue.Arm(c.owedEvent, c.net.queue.Now().Add(c.net.latency(c.host, c.peer.host)))
	}
}

func (c *Conn) payCredit() {
	if !c.passes() {
		c.net.queue.Arm(c.owedEvent, c.net.queue.Now().Add(c.net.params.RTOMin))
		return
	}
	if c.peer.phase == dead {
		return
	}
	c.peer.credit += c.owed
	c.owed = 0
	c.peer.notify()
}

// keepAlive asks a peer that has been silent whether it is still there.
func (c *Conn) keepAlive() {
	n, now := c.net, c.net.queue.Now()
	idle := n.params.KeepIdle
	if quiet := now.Sub(c.heard); quiet < idle {
		n.queue.Arm(c.keepEvent, c.heard.Add(idle))
		return
	}
	n.queue.Arm(c.keepEvent, now.Add(idle))
	if !c.passes() || !c.peer.passes() {
		if c.probes++; c.probes > n.params.KeepProbes {
			c.fail(ErrTimedOut)
		}
		return
	}
	c.probes = 0
	if c.peer.phase == dead {
		c.fail(ErrReset)
	}
}
