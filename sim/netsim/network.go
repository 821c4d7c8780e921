// Package netsim is the network of a universe: hosts with addresses, directed links between each two, and TCP-like streams
// over them. It knows nothing of guests; what happens in it is a function of its generator and of the order of calls.
//
// A stream behaves as TCP does as seen from sockets: bytes arrive once and in order, or the connection fails. Loss is
// therefore delay: what a blocked link held is sent again, later and later, and gets through after the link has healed, or
// the sender gives up after Params.UserTimeout without an acknowledgement, and the receiver is left half-open.
//
// What a machine does when its process dies (Host.Kill) and when it loses power (Host.PowerOff) differ as in life: the
// first answers whoever speaks to it with a reset, the second with silence.
package netsim

import (
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"time"

	"odradek/sim/clock"
)

// Errors of sockets, named as the kernel names them.
var (
	ErrAgain       = errors.New("would block")
	ErrInProgress  = errors.New("connection in progress")
	ErrRefused     = errors.New("connection refused")
	ErrReset       = errors.New("connection reset by peer")
	ErrTimedOut    = errors.New("connection timed out")
	ErrUnreachable = errors.New("host unreachable")
	ErrPipe        = errors.New("broken pipe")
	ErrNotConn     = errors.New("socket is not connected")
	ErrAddrInUse   = errors.New("address in use")
	ErrBadAddress  = errors.New("bad address")
)

// Params are the constants of every host's TCP.
type Params struct {
	Window       int           // bytes in flight or unread before a writer blocks
	RTOMin       time.Duration // first wait before lost bytes are sent again; it doubles …
	RTOMax       time.Duration // … up to this
	UserTimeout  time.Duration // unacknowledged for so long, a connection fails with ErrTimedOut
	SYNTimeout   time.Duration // a connect nobody answers fails after this
	KeepIdle     time.Duration // a silent connection is probed after this, and again after each such span
	KeepProbes   int           // as many unanswered probes fail it
	Backlog      int           // connections that wait to be accepted
	ShortReadPPM uint32        // of a million reads, so many return only a part of what is there
	ShortSendPPM uint32        // of a million writes, so many take only a part of what would fit
}

// DefaultParams are Linux's values as Go programs have them, but for UserTimeout, which Linux keeps at a quarter of an hour
// and which is cut here so that a universe of a minute sees it.
func DefaultParams() Params {
	return Params{
		Window: 256 << 10, RTOMin: 200 * time.Millisecond, RTOMax: 5 * time.Second, UserTimeout: 15 * time.Second,
		SYNTimeout: 60 * time.Second, KeepIdle: 15 * time.Second, KeepProbes: 9, Backlog: 128,
	}
}

// LinkParams describe one direction between two hosts.
type LinkParams struct {
	Latency        Dist
	BytesPerSecond int64 // 0 is no cap
}

// Network is the hosts and what connects them. Not safe for concurrent use.
type Network struct {
	queue  *clock.Queue
	rng    *rand.Rand
	params Params
	local  LinkParams // of a host to itself
	link   LinkParams // of hosts that nothing else was set for
	hosts  []*Host
	byIP   map[netip.Addr]*Host
	byName map[string]*Host
	bytes  uint64
}

// link is one direction between two hosts.
type link struct {
	params  LinkParams
	blocked bool
	busy    clock.Time // until then, earlier bytes occupy a link that has a cap
}

// New makes an empty network. link is what each pair of hosts starts with.
func New(queue *clock.Queue, rng *rand.Rand, params Params, link LinkParams) *Network {
	return &Network{
		queue: queue, rng: rng, params: params, link: link,
		local: LinkParams{Latency: Constant(10 * time.Microsecond)},
		byIP:  map[netip.Addr]*Host{}, byName: map[string]*Host{},
	}
}

// AddHost adds a machine with a name and an address. It is up.
func (n *Network) AddHost(name, ip string) (*Host, error) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrBadAddress, name, err)
	}
	if n.byIP[addr] != nil || n.byName[name] != nil {
		return nil, fmt.Errorf("%w: %s %s", ErrAddrInUse, name, ip)
	}
	h := &Host{net: n, name: name, addr: addr, index: len(n.hosts), up: true, nextPort: firstEphemeral}
	n.hosts = append(n.hosts, h)
	n.byIP[addr], n.byName[name] = h, h
	for _, from := range n.hosts {
		for len(from.links) < len(n.hosts) {
			from.links = append(from.links, &link{params: n.link})
		}
	}
	h.links[h.index].params = n.local
	return h, nil
}

// Host finds a host by its name.
func (n *Network) Host(name string) *Host { return n.byName[name] }

// Delivered is how many bytes arrived at hosts.
func (n *Network) Delivered() uint64 { return n.bytes }

// Block cuts the direction from one host to another: what is sent on it is lost until Unblock.
func (n *Network) Block(from, to *Host) { from.links[to.index].blocked = true }

// Unblock heals the direction. Senders notice when they next try again.
func (n *Network) Unblock(from, to *Host) { from.links[to.index].blocked = false }

// Blocked tells whether the direction is cut.
func (n *Network) Blocked(from, to *Host) bool { return from.links[to.index].blocked }

// SetLink changes what the direction is like: for what is sent from now on, and for the bytes that still wait to leave, which
// take the new bandwidth. A link that was slow has a long queue before it; it drains at once when the link is fast again.
func (n *Network) SetLink(from, to *Host, params LinkParams) {
	l := from.links[to.index]
	before := l.params.BytesPerSecond
	l.params = params
	if before == params.BytesPerSecond || l.busy <= n.queue.Now() {
		return
	}
	l.busy = n.rescale(l.busy, before, params.BytesPerSecond)
	for _, c := range from.conns {
		if c.peer != nil && c.peer.host == to {
			c.rescale(before, params.BytesPerSecond)
		}
	}
}

// never is a moment after every universe's end.
const never = clock.Time(1 << 62)

// rescale is when bytes leave that a link of one bandwidth would have sent by then, and one of another sends from now on.
func (n *Network) rescale(leaves clock.Time, before, after int64) clock.Time {
	now := n.queue.Now()
	switch {
	case leaves <= now:
		return leaves
	case after == 0:
		return now
	}
	high, low := bits.Mul64(uint64(leaves.Sub(now)), uint64(before))
	if high >= uint64(after) {
		return never
	}
	span, _ := bits.Div64(high, low, uint64(after))
	return now.Add(time.Duration(min(span, uint64(never.Sub(now)))))
}

// DefaultLink is what the links between hosts start with.
func (n *Network) DefaultLink() LinkParams { return n.link }

// ResetLink breaks every connection between two hosts, as a middlebox does that has forgotten them: both ends see a reset.
func (n *Network) ResetLink(a, b *Host) {
	for _, c := range append([]*Conn(nil), a.conns...) {
		if c.peer != nil && c.peer.host == b {
			peer := c.peer
			c.fail(ErrReset)
			peer.fail(ErrReset)
		}
	}
}

// LoseConns lets whatever is sent on the connections that are open between two hosts be lost, as by a middlebox that has forgotten
// them: neither end hears of it, and each gives up by itself. New connections are good. The function returned ends it.
func (n *Network) LoseConns(a, b *Host) (end func()) {
	var lost []*Conn
	for _, c := range a.conns {
		if c.peer != nil && c.peer.host == b {
			lost = append(lost, c, c.peer)
		}
	}
	for _, c := range lost {
		c.lost++
	}
	return func() {
		for _, c := range lost {
			c.lost--
		}
	}
}

// passes tells whether something sent on the connection gets to the peer now.
func (c *Conn) passes() bool { return c.lost == 0 && c.net.passes(c.host, c.peer.host) }

// passes tells whether something sent from a to b gets there now.
func (n *Network) passes(a, b *Host) bool {
	return a.up && b.up && !a.links[b.index].blocked
}

// latency draws the time from a to b.
func (n *Network) latency(a, b *Host) time.Duration {
	return a.links[b.index].params.Latency.Sample(n.rng)
}

// arrival is when size bytes that a sends now have left for b, and when they reach it.
func (n *Network) arrival(a, b *Host, size int) (leaves, arrives clock.Time) {
	l := a.links[b.index]
	leaves = n.queue.Now()
	if l.params.BytesPerSecond > 0 {
		leaves = max(leaves, l.busy).Add(time.Duration(int64(size) * int64(time.Second) / l.params.BytesPerSecond))
		l.busy = leaves
	}
	return leaves, leaves.Add(l.params.Latency.Sample(n.rng))
}

// resolve finds what an address names: a host by its name, its IP or, as seen from another, itself.
func (n *Network) resolve(from *Host, name string) *Host {
	if h := n.byName[name]; h != nil {
		return h
	}
	if name == "localhost" {
		return from
	}
	addr, err := netip.ParseAddr(name)
	if err != nil {
		return nil
	}
	if addr.IsLoopback() || addr.IsUnspecified() {
		return from
	}
	return n.byIP[addr]
}
