package controller

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/raft"

	"odradek/broker/env"
	"odradek/broker/metadata"
)

// What a dialer of the controller's listener says first. After streamRaft it names the member it wants, a directory id of 16
// bytes.
const (
	streamRaft     byte = 'R'
	streamRequests byte = 'K'
)

// preambleTimeout is how long a new connection may take to say what it is for.
const preambleTimeout = 5 * time.Second

// listener accepts for raft's transport and for controller requests on one port: a node then has one address that answers
// whether its process is alive.
type listener struct {
	net       env.Net
	inner     net.Listener
	advertise string
	member    metadata.UUID // this node's directory
	raft      chan net.Conn
	serve     func(net.Conn) // takes over a connection of requests
	// raftEnded is called when a connection of raft's ends that the other side dialed.
	raftEnded func()

	mu     sync.Mutex
	closed chan struct{}
	conns  map[net.Conn]struct{}
	done   sync.WaitGroup
}

func listen(network env.Net, address, advertise string, member metadata.UUID) (*listener, error) {
	inner, err := network.Listen(address)
	if err != nil {
		return nil, fmt.Errorf("controller: %w", err)
	}
	if advertise == "" {
		advertise = inner.Addr().String()
	}
	return &listener{
		net: network, inner: inner, advertise: advertise, member: member,
		raft: make(chan net.Conn), closed: make(chan struct{}), conns: map[net.Conn]struct{}{},
	}, nil
}

// run accepts until the listener is closed.
func (l *listener) run() {
	for {
		conn, err := l.inner.Accept()
		if err != nil {
			select {
			case <-l.closed:
				return
			case <-time.After(50 * time.Millisecond): // out of descriptors, for one
				continue
			}
		}
		if !l.track(conn) {
			conn.Close()
			return
		}
		l.done.Add(1)
		go func() {
			defer l.done.Done()
			l.sort(conn)
		}()
	}
}

func (l *listener) track(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closed:
		return false
	default:
	}
	l.conns[conn] = struct{}{}
	return true
}

func (l *listener) untrack(conn net.Conn) {
	conn.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
}

// sort reads what a connection is for, and hands it on.
func (l *listener) sort(conn net.Conn) {
	conn.SetReadDeadline(time.Now().Add(preambleTimeout))
	kind, wanted, err := readPreamble(conn)
	conn.SetReadDeadline(time.Time{})
	switch {
	case err == nil && kind == streamRequests:
		l.serve(conn)
		l.untrack(conn)
	case err == nil && kind == streamRaft && wanted == l.member:
		select {
		case l.raft <- &raftConn{Conn: conn, listener: l}:
		case <-l.closed:
			l.untrack(conn)
		}
	default:
		l.untrack(conn)
	}
}

func readPreamble(conn net.Conn) (kind byte, member metadata.UUID, err error) {
	var first [1]byte
	if _, err = io.ReadFull(conn, first[:]); err == nil && first[0] == streamRaft {
		_, err = io.ReadFull(conn, member[:])
	}
	return first[0], member, err
}

// raftConn tells when the other side is gone.
type raftConn struct {
	net.Conn
	listener *listener
	once     sync.Once
}

func (c *raftConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.once.Do(c.listener.raftEnded)
	}
	if errors.Is(err, net.ErrClosed) {
		err = io.EOF // closed on this side: to raft the end of a connection, and no error to be logged
	}
	return n, err
}

func (c *raftConn) Close() error {
	c.listener.untrack(c.Conn)
	return nil
}

// Accept gives raft its connections.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.raft:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Addr is the address that others are told, which raft puts into its messages.
func (l *listener) Addr() net.Addr { return advertised(l.advertise) }

type advertised string

func (advertised) Network() string  { return "tcp" }
func (a advertised) String() string { return string(a) }

// Dial connects raft to another node.
func (l *listener) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	id, where := splitMemberAddress(address)
	member, err := uuid.Parse(string(id))
	if err != nil {
		return nil, fmt.Errorf("controller: member %q: %w", id, err)
	}
	conn, err := l.net.Dial(ctx, where)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(append([]byte{streamRaft}, member[:]...)); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// Close stops accepting and ends all connections that were accepted.
func (l *listener) Close() error {
	l.mu.Lock()
	select {
	case <-l.closed:
		l.mu.Unlock()
		return nil
	default:
	}
	close(l.closed)
	err := l.inner.Close()
	for conn := range l.conns {
		conn.Close()
	}
	l.mu.Unlock()
	l.done.Wait()
	return err
}
