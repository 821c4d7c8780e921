package netsim

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
)

// Linux's range of ephemeral ports.
const (
	firstEphemeral = 32768
	lastEphemeral  = 60999
)

// Host is a machine: its address, the sockets of the process that runs on it, and the links that lead away from it.
type Host struct {
	net       *Network
	name      string
	addr      netip.Addr
	index     int
	up        bool
	links     []*link // by index of the other host
	listeners []*Listener
	conns     []*Conn // in the order of their making; a map's order would not be the seed's
	nextPort  uint16
	connects  Connects
	shortPPM  uint32 // as Params.ShortReadPPM and ShortSendPPM, of this host's sockets; the larger counts
}

// Connects says what becomes of connects to a host.
type Connects uint8

// What a host does with a connect from another: it answers as its listeners do, or not at all, or refuses.
const (
	ConnectsAnswered Connects = iota
	ConnectsHang
	ConnectsRefused
)

// SetConnects changes what becomes of connects from other hosts. Connections that are open stay.
func (h *Host) SetConnects(c Connects) { h.connects = c }

// SetShort makes so many of a million reads and writes of the host's sockets move only a part of what they could.
func (h *Host) SetShort(ppm uint32) { h.shortPPM = ppm }

// Name is the host's name.
func (h *Host) Name() string { return h.name }

// Addr is the host's address.
func (h *Host) Addr() netip.Addr { return h.addr }

// Up tells whether the machine has power.
func (h *Host) Up() bool { return h.up }

// Kill ends every socket, as the kernel does when the process dies: listeners refuse from now on; a connection with unread
// bytes is reset, and any other is reset or closed in order, as the generator says. Peers must be ready for both: which one a
// dying process shows depends on what was in flight.
func (h *Host) Kill() {
	for len(h.listeners) > 0 {
		h.listeners[0].Close()
	}
	for _, c := range slices.Clone(h.conns) {
		if c.closed {
			continue // its last bytes are the kernel's affair, which lives on
		}
		if h.net.rng.Uint32()&1 == 0 {
			c.abort()
		} else {
			c.Close()
		}
	}
}

// PowerOff ends every socket without a word to anybody, and the host answers nothing until PowerOn.
func (h *Host) PowerOff() {
	h.up = false
	for _, l := range h.listeners {
		l.closed = true
	}
	h.listeners = nil
	for _, c := range slices.Clone(h.conns) {
		c.Notify = nil
		c.vanish()
	}
}

// PowerOn lets the host be reached again. Whoever still speaks to a connection of before is answered with a reset.
func (h *Host) PowerOn() { h.up = true }

// Listener accepts connections on a port.
type Listener struct {
	host    *Host
	port    uint16
	closed  bool
	backlog []*Conn
	// Notify is called when a connection can be accepted. May be nil.
	Notify func()
}

// Listen opens address, a "host:port" whose host must be empty, unspecified or this host. Port 0 takes a free one.
func (h *Host) Listen(address string) (*Listener, error) {
	name, port, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	if name != "" && h.net.resolve(h, name) != h {
		return nil, fmt.Errorf("%w: %s is not %s", ErrBadAddress, name, h.name)
	}
	if port == 0 {
		for port = h.ephemeral(); h.listener(port) != nil; {
			port = h.ephemeral()
		}
	}
	if h.listener(port) != nil {
		return nil, fmt.Errorf("%w: port %d", ErrAddrInUse, port)
	}
	l := &Listener{host: h, port: port}
	h.listeners = append(h.listeners, l)
	return l, nil
}

func (h *Host) listener(port uint16) *Listener {
	for _, l := range h.listeners {
		if l.port == port {
			return l
		}
	}
	return nil
}

func (h *Host) ephemeral() uint16 {
	port := h.nextPort
	h.nextPort++
	if h.nextPort > lastEphemeral {
		h.nextPort = firstEphemeral
	}
	return port
}

// Addr is where the listener listens.
func (l *Listener) Addr() netip.AddrPort { return netip.AddrPortFrom(l.host.addr, l.port) }

// Accept takes the connection that has waited longest, or fails with ErrAgain.
func (l *Listener) Accept() (*Conn, error) {
	if len(l.backlog) == 0 {
		return nil, ErrAgain
	}
	c := l.backlog[0]
	l.backlog = l.backlog[1:]
	return c, nil
}

// Ready tells whether Accept would succeed.
func (l *Listener) Ready() bool { return len(l.backlog) > 0 }

// Close refuses from now on, and resets what waits to be accepted.
func (l *Listener) Close() {
	if l.closed {
		return
	}
	l.closed = true
	l.host.listeners = slices.DeleteFunc(l.host.listeners, func(other *Listener) bool { return other == l })
	for _, c := range l.backlog {
		c.abort()
	}
	l.backlog = nil
}

func splitAddress(address string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("%w: %w", ErrBadAddress, err)
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%w: %s: %w", ErrBadAddress, address, err)
	}
	return host, uint16(number), nil
}
