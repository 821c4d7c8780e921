package memenv

import (
	"context"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
)

const (
	// backlogMax bounds the connections that a listener has not accepted yet. Dials beyond wait, as SYNs are dropped.
	backlogMax = 128
	// firstFreePort is where the search for port 0 begins: the start of Linux's ephemeral range.
	firstFreePort = 32768
)

// Net is a network in memory: an env.Net. All the nodes of a test share one, each listening under a host name of its own,
// which may be any text; an empty host (or 0.0.0.0 or ::) listens on the port under every name. Nothing is delayed or lost.
type Net struct {
	mu        sync.Mutex
	changed   *sync.Cond // a listener opened or closed, a backlog grew or shrank, an address stopped hanging, a ctx ended
	listeners map[string]*listener
	hanging   map[string]bool
	lastPort  int
}

// NewNet returns a network that nobody listens on.
func NewNet() *Net {
	n := &Net{listeners: map[string]*listener{}, hanging: map[string]bool{}, lastPort: firstFreePort - 1}
	n.changed = sync.NewCond(&n.mu)
	return n
}

// Hang has dials to address get no answer, as from a machine that is down or cut off, until they end by their context or
// hang is taken back. Connections that exist are not touched.
func (n *Net) Hang(address string, hang bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hanging[address] = hang
	n.changed.Broadcast()
}

// address is a net.Addr; host is empty for a wildcard.
type address struct {
	host string
	port int
}

func (address) Network() string { return "tcp" }

func (a address) String() string {
	host := a.host
	if host == "" {
		host = "::"
	}
	return net.JoinHostPort(host, strconv.Itoa(a.port))
}

func parse(text string) (address, error) {
	host, portText, err := net.SplitHostPort(text)
	if err != nil {
		return address{}, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return address{}, &net.AddrError{Err: "invalid port", Addr: text}
	}
	switch host {
	case "0.0.0.0", "::":
		host = ""
	case "localhost":
		host = "127.0.0.1"
	}
	return address{host, int(port)}, nil
}

// freePort finds a port that nobody listens on. The lock is held.
func (n *Net) freePort(host string) int {
	for {
		if n.lastPort++; n.lastPort > 65535 {
			n.lastPort = firstFreePort
		}
		if n.find(address{host, n.lastPort}) == nil {
			return n.lastPort
		}
	}
}

// find returns who listens on an address. The lock is held.
func (n *Net) find(a address) *listener {
	if l := n.listeners[a.String()]; l != nil {
		return l
	}
	return n.listeners[address{port: a.port}.String()]
}

// Listen implements env.Net.
func (n *Net) Listen(text string) (net.Listener, error) {
	a, err := parse(text)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if a.port == 0 {
		a.port = n.freePort(a.host)
	} else if n.listeners[a.String()] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: a, Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	}
	l := &listener{net: n, addr: a}
	n.listeners[a.String()] = l
	n.changed.Broadcast()
	return l, nil
}

// Dial implements env.Net.
func (n *Net) Dial(ctx context.Context, text string) (net.Conn, error) {
	a, err := parse(text)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	stop := context.AfterFunc(ctx, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.changed.Broadcast()
	})
	defer stop()
	n.mu.Lock()
	defer n.mu.Unlock()
	for ; ctx.Err() == nil; n.changed.Wait() {
		if n.hanging[text] {
			continue
		}
		l := n.find(a)
		if l == nil {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: a, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		}
		if len(l.backlog) < backlogMax {
			dialed, accepted := newConnection(address{a.host, n.freePort(a.host)}, a)
			l.backlog = append(l.backlog, accepted)
			n.changed.Broadcast()
			return dialed, nil
		}
	}
	return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: a, Err: ctx.Err()}
}

// listener is a net.Listener; its fields are guarded by the net's lock.
type listener struct {
	net     *Net
	addr    address
	backlog []*conn
	closed  bool
}

func (l *listener) Addr() net.Addr { return l.addr }

func (l *listener) Accept() (net.Conn, error) {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	for ; !l.closed; l.net.changed.Wait() {
		if len(l.backlog) > 0 {
			c := l.backlog[0]
			l.backlog = l.backlog[1:]
			l.net.changed.Broadcast()
			return c, nil
		}
	}
	return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.addr, Err: net.ErrClosed}
}

// Close also resets what was not accepted.
func (l *listener) Close() error {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "close", Net: "tcp", Addr: l.addr, Err: net.ErrClosed}
	}
	l.closed = true
	delete(l.net.listeners, l.addr.String())
	for _, c := range l.backlog {
		c.abort()
	}
	l.backlog = nil
	l.net.changed.Broadcast()
	return nil
}
