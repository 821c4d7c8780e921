package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"odradek/broker/env"
	"odradek/broker/wire"
)

// Reasons for which a connection ends, besides what the peer and the handlers say.
var (
	errIdle    = errors.New("idle for too long")
	errDrained = errors.New("server closes")
	errPanic   = errors.New("a handler panicked")
)

// conn is one connection.
type conn struct {
	server *Server
	id     uint64
	net    net.Conn
	reader *wire.FrameReader
	try    func([]byte) (int, error) // writes without waiting (env.TryWriter); nil where that can't be had
	peer   *Peer                     // of the calls to come; the reader's

	flushing []*Call // memory of the reader's

	ctx    context.Context // the handlers': ends with the connection or the server
	cancel context.CancelFunc
	dead   chan struct{} // closed when the connection has ended
	wake   chan struct{} // of the writer: something at the head is answered, or the reader is done
	room   chan struct{} // of the reader: something was written or released
	reaper *time.Timer

	mu         sync.Mutex
	queue      queue
	mutedUntil time.Time
	lastRead   error  // why nothing more will be queued; nil while the reader goes on
	handling   *Call  // the reader's handler has it; its answer is sent when the handler returns
	writing    bool   // the writer or the reader is in a call to the network, or there is something unsent
	unsent     []byte // what the connection did not take when the reader tried; the writer's to send first
	progress   uint64 // rises with each frame read and each piece written
	seen       uint64 // progress when the reaper last looked
	stale      bool   // nothing happened between its last two looks
	ended      bool
}

func newConn(s *Server, nc net.Conn, id uint64) *conn {
	peer := &Peer{ConnectionID: id, Principal: Anonymous, ListenerName: s.config.ListenerName, ClientAddr: nc.RemoteAddr()}
	c := &conn{
		server: s,
		id:     id,
		net:    nc,
		reader: wire.NewFrameReader(nc, &s.pool, s.config.FrameBytesMax),
		try:    env.TryWriterOf(s.config.Net, nc),
		peer:   peer,
		dead:   make(chan struct{}),
		wake:   make(chan struct{}, 1),
		room:   make(chan struct{}, 1),
	}
	c.ctx, c.cancel = context.WithCancel(s.ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reaper = time.AfterFunc(s.config.IdleMax/2, c.reap)
	return c
}

// run serves the connection until it has ended, and all of its calls that were answered are released.
func (c *conn) run() {
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write()
	}()
	c.read()
	<-written
}

// end closes the connection at once, for the first reason that is given.
func (c *conn) end(reason error) {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return
	}
	c.ended = true
	c.reaper.Stop()
	var unsent []wire.Response
	for call := c.queue.head; call != nil; call = call.next {
		if !call.response.IsZero() {
			unsent = append(unsent, call.response)
		}
	}
	c.mu.Unlock()
	for _, response := range unsent {
		response.Release()
	}
	if reason != io.EOF && reason != errDrained {
		c.logger().Debug("connection ended", "reason", reason)
	}
	c.cancel()
	close(c.dead)
	c.net.Close()
}

// logger names the connection. It is made when there is something to say: most connections have nothing.
func (c *conn) logger() *slog.Logger {
	return c.server.config.Logger.With("listener", c.server.config.ListenerName, "client", c.net.RemoteAddr(), "connection", c.id)
}

// drain stops the reading, so that the connection ends when what was read is answered.
func (c *conn) drain() { c.net.SetReadDeadline(time.Unix(1, 0)) }

// reap ends the connection when nothing happened for IdleMax: no frame came whole (which also bounds how slowly one may
// drip in) and nothing was written. A request that waits for its handler keeps the connection alive. It looks every half
// of that time and so ends a connection up to half as late again, for no cost at all to one that works.
func (c *conn) reap() {
	c.mu.Lock()
	waiting := c.queue.count > 0 && !c.writing || time.Now().Before(c.mutedUntil)
	still := c.progress == c.seen && !waiting
	idle := still && c.stale
	c.seen, c.stale = c.progress, still
	if !idle && !c.ended {
		c.reaper.Reset(c.server.config.IdleMax / 2)
	}
	c.mu.Unlock()
	if idle {
		c.end(errIdle)
	}
}

func (c *conn) progressed() {
	c.mu.Lock()
	c.progress++
	c.mu.Unlock()
}

// mute keeps the reader from the next request for a time.
func (c *conn) mute(d time.Duration) {
	until := time.Now().Add(d)
	c.mu.Lock()
	if until.After(c.mutedUntil) {
		c.mutedUntil = until
	}
	c.mu.Unlock()
}

// answer ends a call: with a response, with none, or with the end of the connection.
func (c *conn) answer(call *Call, response wire.Response, hangUp error) {
	var mutedUntil time.Time
	if response.Mute > 0 {
		mutedUntil = time.Now().Add(response.Mute)
	}
	c.mu.Lock()
	if call.answered {
		c.mu.Unlock()
		panic("server: a call is answered twice")
	}
	call.answered = true
	held := c.takeFrame(call)
	ended := c.ended
	if !ended {
		call.response, call.hangUp = response, hangUp
		if !response.IsZero() {
			c.queue.bytes += response.MemoryLen()
		}
		if mutedUntil.After(c.mutedUntil) {
			c.mutedUntil = mutedUntil
		}
	}
	wake := c.queue.head == call && c.handling != call // the reader sends what its own handler answers
	c.mu.Unlock()
	if held {
		call.frame.Release() // the writer makes room for the reader soon enough
	}
	switch {
	case ended && !response.IsZero():
		response.Release()
	case wake:
		signal(c.wake)
	}
}

func (c *conn) releaseFrame(call *Call) {
	c.mu.Lock()
	held := c.takeFrame(call)
	c.mu.Unlock()
	if held {
		call.frame.Release()
		signal(c.room)
	}
}

// takeFrame takes the frame off the call and the count, and says whether it is now the caller's to release. mu is held.
func (c *conn) takeFrame(call *Call) bool {
	if !call.frameHeld {
		return false
	}
	call.frameHeld = false
	c.queue.bytes -= len(call.frame.Bytes)
	return true
}

// signal wakes the one that waits for ch, now or when it next does.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
