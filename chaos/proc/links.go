package proc

import (
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"odradek/chaos"
)

// giveUpAfter is how long a cut link holds what was sent before the connection fails, as netsim's UserTimeout.
const giveUpAfter = 15 * time.Second

// links is what each directed link suffers, by the faults in force, and the connections that run over them.
type links struct {
	nodes int

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever the faults in force change
	active  []chaos.Act
	random  *rand.Rand
	conns   map[*relayed]struct{}
}

// condition is what one direction is like.
type condition struct {
	blocked        bool
	delay          *chaos.Delay
	bytesPerSecond int64 // 0 is no cap
}

// relayed is a connection that runs: the end that was dialed and the one that this package dialed.
type relayed struct {
	from, to  int // node numbers, or chaos.Clients
	near, far net.Conn
}

func newLinks(nodes int, random *rand.Rand) *links {
	return &links{nodes: nodes, changed: make(chan struct{}), random: random, conns: map[*relayed]struct{}{}}
}

// begin puts a fault on links in force.
func (l *links) begin(act chaos.Act) {
	l.mu.Lock()
	l.active = append(l.active, act)
	l.wake()
	l.mu.Unlock()
}

// end takes it back.
func (l *links) end(index int) {
	l.mu.Lock()
	for i := range l.active {
		if l.active[i].Index == index {
			l.active = append(l.active[:i:i], l.active[i+1:]...)
			break
		}
	}
	l.wake()
	l.mu.Unlock()
}

// wake runs under the lock.
func (l *links) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// on is what a direction is like now, and a channel that is closed when that may change.
func (l *links) on(from, to int) (condition, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var c condition
	if from == to {
		return c, l.changed
	}
	for _, act := range l.active {
		if !l.hits(act, from, to) {
			continue
		}
		if act.Fault.Kind.Partitions() {
			c.blocked = true
			continue
		}
		p := act.Fault.Params
		if p.Delay != nil {
			c.delay = p.Delay
		}
		if p.BytesPerSecond > 0 && (c.bytesPerSecond == 0 || p.BytesPerSecond < c.bytesPerSecond) {
			c.bytesPerSecond = p.BytesPerSecond
		}
	}
	return c, l.changed
}

func (l *links) hits(act chaos.Act, from, to int) bool {
	for _, link := range chaos.Links(act.Fault, act.Nodes, l.nodes) {
		if link.From == from && link.To == to {
			return true
		}
	}
	return false
}

// sample draws a delay.
func (l *links) sample(d *chaos.Delay) time.Duration {
	if d == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return d.Sample(l.random.Float64(), l.random.Float64())
}

// open waits until a direction lets bytes pass. It says false when that took longer than giveUpAfter, or done was closed.
func (l *links) open(from, to int, done <-chan struct{}) (condition, bool) {
	var timeout <-chan time.Time
	for {
		c, changed := l.on(from, to)
		if !c.blocked {
			return c, true
		}
		if timeout == nil {
			timer := time.NewTimer(giveUpAfter)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-changed:
		case <-timeout:
			return c, false
		case <-done:
			return c, false
		}
	}
}

// add and remove keep the set of running connections.
func (l *links) add(c *relayed) {
	l.mu.Lock()
	l.conns[c] = struct{}{}
	l.mu.Unlock()
}

func (l *links) remove(c *relayed) {
	l.mu.Lock()
	delete(l.conns, c)
	l.mu.Unlock()
}

// reset breaks every connection that the fault hits: both ends see a reset.
func (l *links) reset(act chaos.Act) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		if c.from != c.to && (l.hits(act, c.from, c.to) || l.hits(act, c.to, c.from)) {
			abort(c.near)
			abort(c.far)
		}
	}
}

// abort closes a connection so that its peer sees a reset.
func abort(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // of a connection that is closed already; then there is nothing to abort
	}
	_ = conn.Close()
}
