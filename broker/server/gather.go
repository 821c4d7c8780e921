package server

import (
	"net"
	"runtime"
	"sync"
)

// gather puts pieces together for as few writes as possible: small ones are copied behind each other into a scratch, large
// ones stand as they are between them, and all of it goes out by one writev. Where there is no writev, a large piece is
// written by itself.
type gather struct {
	conn       net.Conn
	vectored   bool
	progressed func() // called after each write

	scratch []byte // from the pool while something is sent; never grown, as pieces point into it
	pieces  net.Buffers
	sealed  int         // scratch[:sealed] is in pieces
	out     net.Buffers // pieces, as they are consumed
}

var scratches = sync.Pool{New: func() any { return new([scratchBytes]byte) }}

// vectored says whether conn takes many buffers in one call.
func vectored(conn net.Conn) bool {
	switch conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		return runtime.GOOS != "wasip1"
	}
	return false
}

func (g *gather) begin() { g.scratch = scratches.Get().(*[scratchBytes]byte)[:0] }

// finish gives the scratch back; what was not flushed is forgotten.
func (g *gather) finish() {
	scratches.Put((*[scratchBytes]byte)(g.scratch[:scratchBytes]))
	g.scratch, g.sealed, g.out = nil, 0, nil
	clear(g.pieces)
	g.pieces = g.pieces[:0]
}

// bytes adds b, which must stay as it is until the next flush.
func (g *gather) bytes(b []byte) error {
	if len(b) <= copyBytesMax || !g.vectored && len(b) <= scratchBytes {
		room, err := g.room(len(b))
		copy(room, b)
		return err
	}
	g.seal()
	g.pieces = append(g.pieces, b)
	if !g.vectored {
		return g.flush()
	}
	return nil
}

// room adds n bytes, at most scratchBytes, that the caller fills before the next call.
func (g *gather) room(n int) ([]byte, error) {
	if len(g.scratch)+n > scratchBytes {
		if err := g.flush(); err != nil {
			return nil, err
		}
	}
	at := len(g.scratch)
	g.scratch = g.scratch[:at+n]
	return g.scratch[at:], nil
}

// seal makes what is in the scratch a piece.
func (g *gather) seal() {
	if g.sealed < len(g.scratch) {
		g.pieces = append(g.pieces, g.scratch[g.sealed:])
		g.sealed = len(g.scratch)
	}
}

// flush writes all of it.
func (g *gather) flush() error {
	g.seal()
	if len(g.pieces) == 0 {
		return nil
	}
	g.out = g.pieces
	_, err := g.out.WriteTo(g.conn)
	g.progressed()
	clear(g.pieces)
	g.pieces, g.scratch, g.sealed = g.pieces[:0], g.scratch[:0], 0
	return err
}
