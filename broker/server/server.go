package server

import (
	"cmp"
	"context"
	"log/slog"
	"math"
	"net"
	"sync"
	"time"

	"odradek/broker/env"
	"odradek/broker/wire"
)

// Config is what a Server is made of. What is zero takes its default.
type Config struct {
	Net          env.Net
	Address      string // "host:port" to listen on
	ListenerName string // as in Kafka's listeners, "PLAINTEXT"
	Handler      Handler
	Versions     *wire.Registry
	Logger       *slog.Logger

	FrameBytesMax       int // socket.request.max.bytes; wire.FrameBytesMax
	ConnectionsMax      int // max.connections; no limit
	ConnectionsPerIPMax int // max.connections.per.ip; no limit
	// Detain says how long a new connection is to be kept without being served and then closed, because its address opens too
	// many; 0 lets it in. nil lets all in.
	Detain         func(ip string) time.Duration
	IdleMax        time.Duration // connections.max.idle.ms; DefaultIdleMax
	InFlightMax    int           // requests of a connection under way; DefaultInFlightMax
	QueuedBytesMax int           // bytes of a connection under way; DefaultQueuedBytesMax
	DrainMax       time.Duration // how long Close waits for answers; DefaultDrainMax

	// PanicIsFatal lets a handler's panic end the process, as it should in a test or the simulator. Otherwise it is
	// logged with its stack as an error, and costs the connection.
	PanicIsFatal bool
	// PoisonFrames overwrites the bytes of requests when they are released (wire.Pool).
	PoisonFrames bool
}

func (c Config) withDefaults() Config {
	c.FrameBytesMax = cmp.Or(c.FrameBytesMax, wire.FrameBytesMax)
	c.ConnectionsMax = cmp.Or(c.ConnectionsMax, math.MaxInt)
	c.ConnectionsPerIPMax = cmp.Or(c.ConnectionsPerIPMax, math.MaxInt)
	c.IdleMax = cmp.Or(c.IdleMax, DefaultIdleMax)
	c.InFlightMax = cmp.Or(c.InFlightMax, DefaultInFlightMax)
	c.QueuedBytesMax = cmp.Or(c.QueuedBytesMax, DefaultQueuedBytesMax)
	c.DrainMax = cmp.Or(c.DrainMax, DefaultDrainMax)
	return c
}

// Server is one listener with its connections.
type Server struct {
	config    Config
	listener  net.Listener
	pool      wire.Pool
	admission *admission
	ctx       context.Context // ends when Close begins
	cancel    context.CancelFunc
	running   sync.WaitGroup // the accepting goroutine and one for each connection

	mu     sync.Mutex
	conns  map[*conn]struct{}
	nextID uint64
	closed bool
}

// Open binds the address. Connections are taken from Start on; until then they wait in the kernel's queue.
func Open(config Config) (*Server, error) {
	listener, err := config.Net.Listen(config.Address)
	if err != nil {
		return nil, err
	}
	s := &Server{config: config.withDefaults(), listener: listener, conns: make(map[*conn]struct{})}
	s.pool.Poison = config.PoisonFrames
	s.admission = newAdmission(s.config.ConnectionsMax, s.config.ConnectionsPerIPMax)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// SetLimits changes ConnectionsMax and ConnectionsPerIPMax, and what single addresses, without port, have in place of the second
// (max.connections.per.ip.overrides). Connections that are there stay.
func (s *Server) SetLimits(connectionsMax, connectionsPerIPMax int, ofIP map[string]int) {
	s.admission.setLimits(connectionsMax, connectionsPerIPMax, ofIP)
}

// Addr is the address it listens on, with the port that port 0 became.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Start begins to take connections.
func (s *Server) Start() { s.running.Go(s.accept) }

// Close stops taking connections and requests, ends the handlers' contexts, waits up to DrainMax for the answers to what
// was read before, and ends the connections. It returns when no handler runs any more. A second Close does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	if closed {
		return nil
	}
	s.cancel()
	err := s.listener.Close()
	for _, c := range conns {
		c.drain()
	}
	late := time.AfterFunc(s.config.DrainMax, func() {
		for _, c := range conns {
			c.end(errDrained)
		}
	})
	s.running.Wait()
	late.Stop()
	return err
}

// accept is the accepting goroutine.
func (s *Server) accept() {
	backoff := acceptBackoffMin
	for s.admission.await(s.ctx.Done()) {
		nc, err := s.listener.Accept()
		if err == nil {
			backoff = acceptBackoffMin
			s.admit(nc)
			continue
		}
		if s.ctx.Err() != nil {
			return
		}
		s.config.Logger.Warn("accept failed", "listener", s.config.ListenerName, "error", err)
		select {
		case <-time.After(backoff):
		case <-s.ctx.Done():
		}
		backoff = min(2*backoff, acceptBackoffMax)
	}
}

// admit serves a connection, unless its address has too many or the server is closed.
func (s *Server) admit(nc net.Conn) {
	addr := nc.RemoteAddr()
	if !s.admission.enter(addr) {
		s.config.Logger.Debug("connection refused: too many from this address", "client", addr)
		nc.Close()
		return
	}
	detained := time.Duration(0)
	if s.config.Detain != nil {
		detained = s.config.Detain(ipOf(addr))
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.admission.leave(addr)
		nc.Close()
		return
	}
	if detained > 0 {
		s.running.Add(1)
		s.mu.Unlock()
		go s.detain(nc, detained)
		return
	}
	s.nextID++
	c := newConn(s, nc, s.nextID)
	s.conns[c] = struct{}{}
	s.running.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.running.Done()
		c.run()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		s.admission.leave(addr)
	}()
}

// detain keeps a connection for a time and closes it unserved. It counts as one meanwhile.
func (s *Server) detain(nc net.Conn, d time.Duration) {
	defer s.running.Done()
	s.config.Logger.Debug("connection detained: its address opens too many", "client", nc.RemoteAddr(), "for", d)
	select {
	case <-time.After(d):
	case <-s.ctx.Done():
	}
	s.admission.leave(nc.RemoteAddr())
	nc.Close()
}
