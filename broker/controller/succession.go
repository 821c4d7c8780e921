package controller

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

const (
	// successionStep is by how much each further voter waits for the ones before it.
	successionStep = 100 * time.Millisecond
	// dyingTimeout is how long a connection must last to show that the process that took it lives.
	dyingTimeout = 50 * time.Millisecond
)

// succession replaces a leader of the quorum that died without waiting for the timeout that exists for silence.
//
// It looks when a connection of raft's that another node dialed ends, and when raft has lost its leader: if the address of the
// last leader refuses a connection, that process is gone. Raft is safe whoever stands for election and whenever; its timeouts
// only keep nodes from standing at the same time. Here the voters take turns instead, by their ids. One that lacks entries is
// refused by one that has them; that one hears of the election, knows no leader then, and takes its turn.
type succession struct {
	c    *Controller
	look chan struct{} // has an element when there is a reason to look

	mu   sync.Mutex
	last raft.Server // the last leader known
}

func newSuccession(c *Controller) *succession {
	return &succession{c: c, look: make(chan struct{}, 1)}
}

// connectionEnded is called when a connection of raft's ends that another node dialed.
func (s *succession) connectionEnded() {
	select {
	case s.look <- struct{}{}:
	default:
	}
}

// leaderIs is called with every change of leader, an empty one when there is none.
func (s *succession) leaderIs(address raft.ServerAddress, id raft.ServerID) {
	if id == "" {
		s.connectionEnded()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = raft.Server{ID: id, Address: address}
}

func (s *succession) run() {
	for {
		select {
		case <-s.look:
			s.succeed()
		case <-s.c.closing:
			return
		}
	}
}

func (s *succession) succeed() {
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	turn := s.c.turn(last.ID)
	if last.ID == "" || last.ID == serverID(s.c.identity.directoryID) || turn < 0 {
		return
	}
	term := s.c.raft.CurrentTerm()
	if !s.vacant(last, term) || !s.c.refuses(string(last.Address)) {
		return
	}
	s.c.cfg.Logger.Info("the quorum's leader is gone", "leader", last.Address, "turn", turn)
	select {
	case <-time.After(time.Duration(turn) * successionStep):
	case <-s.c.closing:
		return
	}
	if s.vacant(last, term) {
		s.c.standNow()
	}
}

// vacant says that nobody else leads, or stands for election, since a term.
func (s *succession) vacant(last raft.Server, term uint64) bool {
	_, now := s.c.raft.LeaderWithID()
	return (now == "" || now == last.ID) && s.c.raft.CurrentTerm() == term && s.c.raft.State() == raft.Follower
}

// refuses dials an address until it knows. A process that is just dying may still take a connection, but does not keep it.
func (c *Controller) refuses(address string) bool {
	for range probeTries {
		ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
		conn, err := c.cfg.Net.Dial(ctx, address)
		cancel()
		if err != nil {
			return refused(err)
		}
		conn.SetReadDeadline(time.Now().Add(dyingTimeout))
		_, err = conn.Read(make([]byte, 1))
		conn.Close()
		if errors.Is(err, os.ErrDeadlineExceeded) || c.isClosing() {
			return false
		}
	}
	return false
}

// turn is this node's place among the voters that are left; -1 when it has no vote.
func (c *Controller) turn(leader raft.ServerID) int {
	future := c.raft.GetConfiguration()
	if future.Error() != nil {
		return -1
	}
	var voters []raft.ServerID
	for _, server := range future.Configuration().Servers {
		if server.Suffrage == raft.Voter && server.ID != leader {
			voters = append(voters, server.ID)
		}
	}
	slices.Sort(voters)
	return slices.Index(voters, serverID(c.identity.directoryID))
}

// standNow has this node stand for election at once: raft's own message for a handed-over leadership, sent to itself.
func (c *Controller) standNow() {
	var resp raft.TimeoutNowResponse
	id, address := serverID(c.identity.directoryID), raft.ServerAddress(c.listener.advertise)
	req := &raft.TimeoutNowRequest{RPCHeader: c.raftHeader()}
	if err := c.transport.TimeoutNow(id, address, req, &resp); err != nil && !c.isClosing() {
		c.cfg.Logger.Info("could not stand for election at once", "error", err)
	}
}

// raftHeader is the header of raft's messages from this node.
func (c *Controller) raftHeader() raft.RPCHeader {
	return raft.RPCHeader{
		ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(serverID(c.identity.directoryID)), Addr: []byte(c.listener.advertise),
	}
}
