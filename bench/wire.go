package bench

import (
	"context"
	"net"
	"sync/atomic"
)

// Wire is what the client's connections have carried, in bytes: values, and all that is around them.
type Wire struct {
	SentBytes     int64 `json:"sent_bytes"`
	ReceivedBytes int64 `json:"received_bytes"`
}

// wire counts what goes over the connections that it dials. A nil one counts nothing.
type wire struct{ sent, received atomic.Int64 }

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &countedConn{conn, w}, nil
}

// since is what was carried after before was counted.
func (w *wire) since(before Wire) Wire {
	if w == nil {
		return Wire{}
	}
	return Wire{w.sent.Load() - before.SentBytes, w.received.Load() - before.ReceivedBytes}
}

type countedConn struct {
	net.Conn
	wire *wire
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.wire.received.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.wire.sent.Add(int64(n))
	return n, err
}

// writeAll writes pieces one behind the other, by one system call where that goes.
func (c *countedConn) writeAll(pieces net.Buffers) error {
	n, err := pieces.WriteTo(c.Conn)
	c.wire.sent.Add(n)
	return err
}
