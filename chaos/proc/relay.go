package proc

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// relay stands before one listener of a node: it is the address that everybody is told. While the node's process is down the
// relay does not listen either, so that who dials is refused as by the node itself.
//
// Two things differ from a real cut. A dialer's handshake is answered by the relay, so a connect over a cut link succeeds
// and then hangs, where it would hang at once. And what the kernels on the way have buffered before a cut still arrives.
type relay struct {
	links   *links
	node    int                // whose listener it is
	address string             // that everybody is told
	backend string             // where the node listens
	owner   func(port int) int // the number of the node whose process has the connection from a local port, or chaos.Clients

	mu       sync.Mutex
	listener net.Listener
}

// listen makes an address for the relay, or opens the one that it had.
func (r *relay) listen() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listener != nil {
		return nil
	}
	address := r.address
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	r.listener, r.address = listener, listener.Addr().String()
	go r.accept(listener)
	return nil
}

// refuse stops listening; connections that run go on.
func (r *relay) refuse() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listener != nil {
		_ = r.listener.Close() // nothing is lost with a listener
		r.listener = nil
	}
}

func (r *relay) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of descriptors, for one
			continue
		}
		go r.carry(conn)
	}
}

// carry dials the node once both directions are open, and moves bytes until one end is gone.
func (r *relay) carry(near net.Conn) {
	from := r.owner(near.RemoteAddr().(*net.TCPAddr).Port)
	for _, way := range [][2]int{{from, r.node}, {r.node, from}} {
		if _, ok := r.links.open(way[0], way[1], nil); !ok {
			abort(near)
			return
		}
	}
	far, err := net.DialTimeout("tcp", r.backend, time.Second)
	if err != nil {
		abort(near)
		return
	}
	c := &relayed{from: from, to: r.node, near: near, far: far}
	r.links.add(c)
	defer r.links.remove(c)
	var both sync.WaitGroup
	both.Go(func() { r.pump(from, r.node, near, far) })
	both.Go(func() { r.pump(r.node, from, far, near) })
	both.Wait()
	near.Close()
	far.Close()
}

// parcel is bytes on their way.
type parcel struct {
	data []byte
	due  time.Time
}

// Of a direction: how much a read takes, and how many reads a slow link holds before the sender has to wait.
const (
	parcelBytes  = 64 << 10
	parcelsOnWay = 64
)

// pump moves what src sends to dst by the conditions of the link from one node to another.
func (r *relay) pump(from, to int, src, dst net.Conn) {
	way, done := make(chan parcel, parcelsOnWay), make(chan struct{})
	go func() {
		defer close(done)
		r.deliver(from, to, way, dst)
	}()
	var due time.Time
	var err error
	for err == nil {
		p := parcel{data: make([]byte, parcelBytes)}
		var n int
		n, err = src.Read(p.data)
		if n == 0 {
			continue
		}
		p.data = p.data[:n]
		c, _ := r.links.on(from, to)
		if at := time.Now().Add(r.links.sample(c.delay)); at.After(due) {
			due = at // none overtakes another
		}
		p.due = due
		select {
		case way <- p:
		case <-done:
			abort(src) // the other side takes nothing any more
			return
		}
	}
	close(way)
	<-done
	if !errors.Is(err, io.EOF) {
		abort(dst) // a reset is passed on
	}
}

// deliver writes the parcels when they are due and the link is open, and then passes the end of the stream on.
func (r *relay) deliver(from, to int, way <-chan parcel, dst net.Conn) {
	for p := range way {
		time.Sleep(time.Until(p.due))
		c, ok := r.links.open(from, to, nil)
		if !ok {
			abort(dst)
			return
		}
		if c.bytesPerSecond > 0 {
			time.Sleep(time.Duration(int64(len(p.data)) * int64(time.Second) / c.bytesPerSecond))
		}
		if _, err := dst.Write(p.data); err != nil {
			return
		}
	}
	if _, ok := r.links.open(from, to, nil); !ok {
		abort(dst)
		return
	}
	if tcp, ok := dst.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // of a connection that has failed meanwhile; its reader finds out
	}
}
