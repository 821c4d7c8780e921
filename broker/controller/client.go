package controller

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"odradek/broker/env"
)

const (
	// dialTimeout bounds a connection attempt to another node's controller.
	dialTimeout = 5 * time.Second
	// writeTimeout bounds how long a peer that reads nothing can hold a caller.
	writeTimeout = 5 * time.Second
)

// peer is a connection to another node's controller, over which any number of requests run at the same time.
type peer struct {
	conn    net.Conn
	broken  func() // called when the connection ends by itself; may be nil
	mu      sync.Mutex
	next    uint32
	waiting map[uint32]chan responseFrame
	err     error
	writeMu sync.Mutex
}

func dialPeer(ctx context.Context, network env.Net, address string, broken func()) (*peer, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := network.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	p := &peer{conn: conn, broken: broken, waiting: map[uint32]chan responseFrame{}}
	if _, err := conn.Write([]byte{streamRequests}); err != nil {
		conn.Close()
		return nil, err
	}
	go p.read()
	return p, nil
}

func (p *peer) read() {
	r := bufio.NewReader(p.conn)
	for {
		b, err := readFrame(r)
		var f responseFrame
		if err == nil {
			f, err = parseResponse(b)
		}
		if err != nil {
			p.fail(err)
			return
		}
		p.mu.Lock()
		to := p.waiting[f.correlation]
		delete(p.waiting, f.correlation)
		p.mu.Unlock()
		if to != nil {
			to <- f
		}
	}
}

// fail ends the connection and all that wait on it.
func (p *peer) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return
	}
	p.err = fmt.Errorf("controller: connection to %s: %w", p.conn.RemoteAddr(), err)
	p.conn.Close()
	if p.broken != nil && !errors.Is(err, net.ErrClosed) {
		p.broken()
	}
	for _, to := range p.waiting {
		close(to)
	}
	p.waiting = nil
}

func (p *peer) failed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err != nil
}

// call sends a request and waits for its response. A request whose ctx ended may still be carried out.
func (p *peer) call(ctx context.Context, key, version int16, body []byte) (responseFrame, error) {
	to := make(chan responseFrame, 1)
	p.mu.Lock()
	if p.err != nil {
		p.mu.Unlock()
		return responseFrame{}, p.err
	}
	p.next++
	f := requestFrame{correlation: p.next, key: key, version: version, body: body}
	p.waiting[f.correlation] = to
	p.mu.Unlock()

	p.writeMu.Lock()
	p.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := p.conn.Write(f.append(nil))
	p.writeMu.Unlock()
	if err != nil {
		p.fail(err)
	}
	select {
	case response, ok := <-to:
		if !ok {
			return responseFrame{}, p.err
		}
		return response, nil
	case <-ctx.Done():
		p.mu.Lock()
		delete(p.waiting, f.correlation)
		p.mu.Unlock()
		return responseFrame{}, ctx.Err()
	}
}

// sayHello asks a node who it is.
func (p *peer) sayHello(ctx context.Context) (hello, error) {
	f, err := p.call(ctx, helloKey, 0, nil)
	if err != nil {
		return hello{}, err
	}
	return parseHello(f.body)
}

// peers keeps one connection to each address that was asked. broken is called when one ends by itself: it may have been what
// the active controller hears this node's life by.
type peers struct {
	net    env.Net
	broken func()
	mu     sync.Mutex
	all    map[string]*peer
}

func newPeers(network env.Net, broken func()) *peers {
	return &peers{net: network, broken: broken, all: map[string]*peer{}}
}

func (ps *peers) get(ctx context.Context, address string) (*peer, error) {
	ps.mu.Lock()
	p := ps.all[address]
	ps.mu.Unlock()
	if p != nil && !p.failed() {
		return p, nil
	}
	p, err := dialPeer(ctx, ps.net, address, ps.broken)
	if err != nil {
		return nil, err
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if other := ps.all[address]; other != nil && !other.failed() {
		p.fail(net.ErrClosed) // somebody else was quicker
		return other, nil
	}
	ps.all[address] = p
	return p, nil
}

// keepOnly closes the connections to all other addresses, "" for all.
func (ps *peers) keepOnly(address string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for a, p := range ps.all {
		if a != address {
			p.fail(net.ErrClosed)
			delete(ps.all, a)
		}
	}
}
