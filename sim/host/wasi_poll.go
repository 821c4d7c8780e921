package host

import (
	"encoding/binary"

	"odradek/sim/clock"
)

// pollState is a process that is parked in poll_oneoff.
type pollState struct {
	waits bool
	timer *clock.Event
}

// Layout of a subscription and of an event (WASI preview 1).
const (
	subscriptionSize = 48
	eventSize        = 32
	tagClock         = 0
	tagRead          = 1
	clockAbsolute    = 1
)

// maxSubscriptions bounds one poll; Go's poller never has more.
const maxSubscriptions = 1 << 16

// pollOneoff waits for the first of: a descriptor is ready, the time is over. A guest has nothing to run when it asks, so
// here it gives way to the universe; a poll that need not wait still does when events are due, so that a busy guest doesn't
// hold up the others.
func pollOneoff(p *process, s []uint64) errno {
	count := s[2]
	if count == 0 || count > maxSubscriptions {
		return errInvalid
	}
	subs, ok := p.bytes(s[0], count*subscriptionSize)
	events, ok2 := p.bytes(s[1], count*eventSize)
	if !ok || !ok2 {
		return errFault
	}
	deadline := p.deadline(subs)
	if next, some := p.u.queue.Next(); some && next <= p.u.queue.Now() {
		p.sleep(0)
	}
	ready := p.collect(subs, events, deadline)
	for ready == 0 {
		p.waitPoll(subs, deadline)
		ready = p.collect(subs, events, deadline)
	}
	p.args = callArgs{count, uint64(max(deadline, 0)), uint64(ready)}
	return p.put32(s[3], uint32(ready))
}

const never clock.Time = -1

// deadline is the moment of the earliest clock subscription.
func (p *process) deadline(subs []byte) clock.Time {
	now, earliest := p.u.queue.Now(), never
	for ; len(subs) > 0; subs = subs[subscriptionSize:] {
		if subs[8] != tagClock {
			continue
		}
		timeout := binary.LittleEndian.Uint64(subs[24:])
		if binary.LittleEndian.Uint16(subs[40:])&clockAbsolute != 0 {
			timeout -= min(timeout, uint64(p.reading(binary.LittleEndian.Uint32(subs[16:]), now)))
		}
		at := now.Add(p.node.clock.Span(timeout))
		if earliest == never || at < earliest {
			earliest = at
		}
	}
	return earliest
}

// reading is what a clock of the node shows.
func (p *process) reading(id uint32, now clock.Time) int64 {
	if id == clockRealtime {
		return p.node.clock.Wall(now)
	}
	return p.node.clock.Mono(now)
}

// collect writes an event for each subscription that is ready, and returns how many there are.
func (p *process) collect(subs, events []byte, deadline clock.Time) (ready int) {
	expired := deadline != never && p.u.queue.Now() >= deadline
	for ; len(subs) > 0; subs = subs[subscriptionSize:] {
		tag := subs[8]
		e := events[ready*eventSize : (ready+1)*eventSize]
		if tag == tagClock {
			if expired {
				ready++
				writeEvent(e, subs, tag, errOK)
			}
			continue
		}
		d := p.fd(uint64(binary.LittleEndian.Uint32(subs[16:])))
		switch {
		case d == nil:
			ready++
			writeEvent(e, subs, tag, errBadFD)
		case d.ready(wanted(tag)) != 0:
			ready++
			writeEvent(e, subs, tag, errOK)
		}
	}
	return ready
}

func wanted(tag byte) interest {
	if tag == tagRead {
		return wantRead
	}
	return wantWrite
}

func writeEvent(e, sub []byte, tag byte, result errno) {
	clear(e)
	copy(e, sub[:8]) // the caller's mark
	binary.LittleEndian.PutUint16(e[8:], uint16(result))
	e[10] = tag
}

// waitPoll parks the guest until a descriptor that it asked for may be ready, or until the deadline.
func (p *process) waitPoll(subs []byte, deadline clock.Time) {
	p.mark(subs, true)
	p.poll.waits = true
	if deadline != never {
		p.u.queue.Arm(p.poll.timer, deadline)
	}
	p.park()
	p.mark(subs, false)
}

// mark notes at each descriptor what the guest waits for there.
func (p *process) mark(subs []byte, waits bool) {
	for ; len(subs) > 0; subs = subs[subscriptionSize:] {
		if subs[8] == tagClock {
			continue
		}
		if d := p.fd(uint64(binary.LittleEndian.Uint32(subs[16:]))); d != nil && waits {
			d.wants |= wanted(subs[8])
		} else if d != nil {
			d.wants = 0
		}
	}
}

// notify wakes the guest if it is parked for something that d now offers.
func (p *process) notify(d *descriptor) {
	if !p.poll.waits || d.ready(d.wants) == 0 {
		return
	}
	if !p.wake.Armed() {
		p.wakeAt(p.u.queue.Now().Add(p.u.config.WakeDelay.Sample(p.u.wakes)))
	}
}
