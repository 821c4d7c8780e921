package brokertest

import (
	"context"
	"net"
	"sync"
	"time"
)

// Isolate cuts the node off from clients and from the other nodes: what is sent on its connections waits, in both directions,
// and new ones are not answered. Heal takes it back, and what waited arrives.
func (n *Node) Isolate() { n.network.cut() }

// Heal ends Isolate.
func (n *Node) Heal() { n.network.heal() }

// SlowNetwork has all that the node reads and writes come that much later; 0 makes it quick again.
func (n *Node) SlowNetwork(delay time.Duration) {
	n.network.mu.Lock()
	defer n.network.mu.Unlock()
	n.network.delay = delay
}

// network is a node's own link to the world: an env.Net whose connections can be held up, all at once, and end with the process.
type network struct {
	world *world

	mu     sync.Mutex
	open   chan struct{} // closed while bytes pass
	delay  time.Duration
	dead   bool
	closer map[interface{ Close() error }]struct{}
	muted  map[string]bool // clients' addresses that get no answer any more
}

func newNetwork(w *world) *network {
	n := &network{world: w, open: make(chan struct{}), closer: map[interface{ Close() error }]struct{}{}, muted: map[string]bool{}}
	close(n.open)
	return n
}

func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.isOpen() {
		n.open = make(chan struct{})
	}
}

func (n *network) heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.isOpen() {
		close(n.open)
	}
}

// isOpen says whether bytes pass. The lock is held.
func (n *network) isOpen() bool {
	select {
	case <-n.open:
		return true
	default:
		return false
	}
}

// state returns what a byte on its way meets.
func (n *network) state() (open <-chan struct{}, delay time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.open, n.delay
}

// die ends all sockets of the process, and lets it have no new ones.
func (n *network) die() {
	n.mu.Lock()
	n.dead = true
	all := n.closer
	n.closer, n.muted = map[interface{ Close() error }]struct{}{}, map[string]bool{}
	n.mu.Unlock()
	for each := range all {
		each.Close()
	}
}

func (n *network) isDead() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dead
}

// revive is for the next process.
func (n *network) revive() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dead = false
}

// keep remembers what dies with the process.
func (n *network) keep(c interface{ Close() error }) error {
	n.mu.Lock()
	dead := n.dead
	if !dead {
		n.closer[c] = struct{}{}
	}
	n.mu.Unlock()
	if dead {
		c.Close()
		return net.ErrClosed
	}
	return nil
}

func (n *network) forget(c interface{ Close() error }) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.closer, c)
}

// mute has the connection from an address end instead of carrying another byte to it.
func (n *network) mute(client net.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.muted[client.String()] = true
}

func (n *network) isMuted(client net.Addr) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.muted) > 0 && n.muted[client.String()]
}

func (n *network) unmute(client net.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.muted, client.String())
}

// Listen implements env.Net.
func (n *network) Listen(address string) (net.Listener, error) {
	inner, err := n.world.Listen(address)
	if err != nil {
		return nil, err
	}
	l := &listener{inner, n}
	return l, n.keep(l)
}

// Dial implements env.Net.
func (n *network) Dial(ctx context.Context, address string) (net.Conn, error) {
	open, _ := n.state()
	select {
	case <-open:
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
	}
	if n.isDead() {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: net.ErrClosed}
	}
	inner, err := n.world.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	c := newConn(n, inner)
	return c, n.keep(c)
}

type listener struct {
	net.Listener
	network *network
}

func (l *listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := newConn(l.network, inner)
	return c, l.network.keep(c)
}

func (l *listener) Close() error {
	l.network.forget(l)
	return l.Listener.Close()
}
