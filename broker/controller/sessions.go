package controller

import (
	"time"

	"odradek/broker/metadata"
)

// sessions is what the active controller knows of the nodes' lives. It is soft state: a new active controller gives every node
// a fresh session, so that its own election costs nobody theirs. Pure: the time is handed in.
type sessions struct {
	timeout time.Duration
	nodes   map[int32]*session
}

type session struct {
	epoch    int64
	deadline time.Time
	// conn carried the last heartbeat; nil for this node's own, and before the first.
	conn *serverConn
	// version is the metadata the node said it has; -1 when it has not said.
	version int64
	// heardAt is when it said so, caughtUpAt when it last had all that there was; zero for never.
	heardAt, caughtUpAt time.Time
}

func newSessions(timeout time.Duration, image *metadata.Image, now time.Time) *sessions {
	s := &sessions{timeout: timeout, nodes: map[int32]*session{}}
	for id, broker := range image.Brokers {
		s.nodes[id] = &session{epoch: broker.Epoch, deadline: now.Add(timeout), version: -1}
	}
	return s
}

// touch notes a sign of life from a node that has a version of the metadata, of which the newest is another or the same.
func (s *sessions) touch(id int32, epoch, version, newest int64, conn *serverConn, now time.Time) {
	next := &session{epoch: epoch, deadline: now.Add(s.timeout), conn: conn, version: version, heardAt: now}
	if known := s.nodes[id]; known != nil {
		next.caughtUpAt = known.caughtUpAt
	}
	if version >= newest {
		next.caughtUpAt = now
	}
	s.nodes[id] = next
}

// live returns the session of an unfenced node, which gets one here if it has none of its epoch.
func (s *sessions) live(broker *metadata.Broker, now time.Time) *session {
	known := s.nodes[broker.ID]
	if known == nil || known.epoch != broker.Epoch {
		known = &session{epoch: broker.Epoch, deadline: now.Add(s.timeout), version: -1}
		s.nodes[broker.ID] = known
	}
	return known
}

// expired lists the unfenced nodes whose session ended, and says when the next one will end, if there is any.
func (s *sessions) expired(image *metadata.Image, now time.Time) (ended []int32, next time.Time) {
	for id, broker := range image.Brokers {
		if broker.Fenced {
			continue
		}
		switch known := s.live(broker, now); {
		case !known.deadline.After(now):
			ended = append(ended, id)
		case next.IsZero() || known.deadline.Before(next):
			next = known.deadline
		}
	}
	return ended, next
}

// carriedBy lists the nodes whose last heartbeat came over a connection.
func (s *sessions) carriedBy(conn *serverConn) (nodes []int32) {
	for id, known := range s.nodes {
		if known.conn == conn {
			nodes = append(nodes, id)
		}
	}
	return nodes
}
