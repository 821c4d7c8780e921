package controller

import (
	"bufio"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// responsesQueuedMax bounds the responses that a node has not read yet; one that reads no more is cut off.
const responsesQueuedMax = 4096

// serverConn is a connection of controller requests from another node. Its requests run at the same time.
type serverConn struct {
	conn net.Conn
	out  chan []byte
	once sync.Once
	gone chan struct{}
}

// serve answers one connection's requests until it ends.
func (c *Controller) serve(conn net.Conn) {
	s := &serverConn{conn: conn, out: make(chan []byte, responsesQueuedMax), gone: make(chan struct{})}
	go s.write()
	defer c.connectionEnded(s)
	defer s.close()
	r := bufio.NewReader(conn)
	for {
		b, err := readFrame(r)
		if err != nil {
			return
		}
		f, err := parseRequest(b)
		if err != nil {
			return
		}
		if err := c.serveOne(s, f); err != nil {
			return
		}
	}
}

func (c *Controller) serveOne(s *serverConn, f requestFrame) error {
	if f.key == helloKey {
		who := c.hello()
		s.send(&responseFrame{correlation: f.correlation, body: who.append(nil)})
		return nil
	}
	req, err := decodeRequest(f)
	if err != nil {
		return err
	}
	if req == nil {
		s.send(&responseFrame{correlation: f.correlation, status: statusUnsupported})
		return nil
	}
	c.submit(&pending{req: req, conn: s, done: func(resp kmsg.Response, version uint64, err error) {
		answer := &responseFrame{correlation: f.correlation, metadata: version}
		if err != nil {
			answer.status, answer.leader = statusNotController, c.leaderAddress()
		} else {
			answer.body = resp.AppendTo(nil)
		}
		s.send(answer)
	}})
	return nil
}

// send queues a response. It never blocks.
func (s *serverConn) send(f *responseFrame) {
	select {
	case s.out <- f.append(nil):
	default:
		s.close()
	}
}

func (s *serverConn) write() {
	for {
		select {
		case b := <-s.out:
			if _, err := s.conn.Write(b); err != nil {
				s.close()
				return
			}
		case <-s.gone:
			return
		}
	}
}

func (s *serverConn) close() {
	s.once.Do(func() {
		close(s.gone)
		s.conn.Close()
	})
}
