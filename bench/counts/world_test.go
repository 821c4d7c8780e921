package counts

import (
	"context"
	"net"
	"sync/atomic"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
)

// count is what the brokers have asked of their world.
type count struct{ reads, writes, bytesIn, bytesOut, diskReads, diskWrites, diskBytes, syncs atomic.Int64 }

// counts are the figures, in the order of the columns.
func (c *count) figures() []int64 {
	all := []*atomic.Int64{&c.reads, &c.writes, &c.bytesIn, &c.bytesOut, &c.diskReads, &c.diskWrites, &c.diskBytes, &c.syncs}
	figures := make([]int64, len(all))
	for i, each := range all {
		figures[i] = each.Load()
	}
	return figures
}

// hook counts what is done to a disk.
func (c *count) hook(op memenv.Op) error {
	switch op.Kind {
	case memenv.OpRead:
		c.diskReads.Add(1)
	case memenv.OpWrite:
		c.diskWrites.Add(1)
		c.diskBytes.Add(int64(op.Length))
	case memenv.OpSync, memenv.OpSyncDir:
		c.syncs.Add(1)
	}
	return nil
}

// countedNet is a broker's network.
type countedNet struct {
	*memenv.Net
	count *count
}

func (n countedNet) Listen(address string) (net.Listener, error) {
	l, err := n.Net.Listen(address)
	return countedListener{l, n}, err
}

func (n countedNet) Dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := n.Net.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	return &countedConn{conn, n.count}, nil
}

// TryWriter implements env.TryWriter.
func (n countedNet) TryWriter(conn net.Conn) func(p []byte) (int, error) {
	counted, ok := conn.(*countedConn)
	if !ok {
		return nil
	}
	write := env.TryWriterOf(n.Net, counted.Conn)
	return func(p []byte) (int, error) { return counted.wrote(write(p)) }
}

type countedListener struct {
	net.Listener
	net countedNet
}

func (l countedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &countedConn{conn, l.net.count}, nil
}

type countedConn struct {
	net.Conn
	count *count
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.count.reads.Add(1)
	c.count.bytesIn.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) { return c.wrote(c.Conn.Write(p)) }

func (c *countedConn) wrote(n int, err error) (int, error) {
	c.count.writes.Add(1)
	c.count.bytesOut.Add(int64(n))
	return n, err
}

// CloseWrite is what each connection of an env.Net has.
func (c *countedConn) CloseWrite() error {
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}
