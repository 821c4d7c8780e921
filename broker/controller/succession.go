package controller

import (
	"context"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// successionStep is by how much each further voter waits for the ones before it.
const successionStep = 100 * time.Millisecond

// leaderUnheard is called when a connection of raft's that another node dialed ends. If that was the leader's, and its address
// refuses a connection, its process is gone, and the election need not wait for the timeout that exists for silence.
//
// Raft is safe whoever stands for election and whenever; its timeouts only keep nodes from standing at the same time. Here the
// voters take turns instead, by their ids: when the first one dies too or lacks entries, the next one stands a step later.
func (c *Controller) leaderUnheard() {
	if c.isClosing() || !c.succeeding.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer c.succeeding.Store(false)
		c.succeed()
	}()
}

func (c *Controller) succeed() {
	address, leader := c.raft.LeaderWithID()
	term := c.raft.CurrentTerm()
	turn := c.turn(leader)
	if leader == "" || leader == serverID(c.identity.directoryID) || turn < 0 || !c.refuses(string(address)) {
		return
	}
	c.cfg.Logger.Info("the quorum's leader is gone", "leader", address, "turn", turn)
	select {
	case <-time.After(time.Duration(turn) * successionStep):
	case <-c.closing:
		return
	}
	if _, now := c.raft.LeaderWithID(); now == leader && c.raft.CurrentTerm() == term && c.raft.State() == raft.Follower {
		c.standNow()
	}
}

// refuses dials an address until it knows: a process that is just dying may still take a connection.
func (c *Controller) refuses(address string) bool {
	for try := range probeTries {
		ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
		conn, err := c.cfg.Net.Dial(ctx, address)
		cancel()
		if err != nil {
			return refused(err)
		}
		conn.Close()
		select {
		case <-time.After(time.Duration(try+1) * 5 * time.Millisecond):
		case <-c.closing:
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
