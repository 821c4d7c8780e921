package controller

import (
	"maps"
	"time"

	"github.com/hashicorp/raft"

	"odradek/broker/metadata"
)

// Quorum is what this node knows of the metadata quorum, for DescribeQuorum.
type Quorum struct {
	// LeaderID is the active controller's node id, -1 when there is none known.
	LeaderID int32
	Term     uint64
	// LastIndex, CommitIndex and AppliedIndex are this node's own.
	LastIndex, CommitIndex, AppliedIndex uint64
	// MetadataVersion is that of this node's image.
	MetadataVersion int64
	Members         []QuorumMember
}

// QuorumMember is a voter or an observer of the quorum.
type QuorumMember struct {
	// NodeID is -1 for a member that has not registered as a node.
	NodeID      int32
	DirectoryID string
	Address     string
	Voter       bool
	// MetadataVersion is the version of the metadata that the member has, as it last told the active controller; -1 where that
	// is not known, which is everywhere but on the active controller. HeardAt is when it did, CaughtUpAt when it last had all
	// that there was; zero for never.
	MetadataVersion     int64
	HeardAt, CaughtUpAt time.Time
}

// Quorum describes the metadata quorum as this node knows it.
func (c *Controller) Quorum() Quorum { return c.quorum(c.reported(), time.Now()) }

// quorum describes it with what the nodes told.
func (c *Controller) quorum(told map[int32]*session, now time.Time) Quorum {
	q := Quorum{
		LeaderID: -1, Term: c.raft.CurrentTerm(),
		LastIndex: c.raft.LastIndex(), CommitIndex: c.raft.CommitIndex(), AppliedIndex: c.raft.AppliedIndex(),
	}
	if id, ok := c.Leader(); ok {
		q.LeaderID = id
	}
	future := c.raft.GetConfiguration()
	if future.Error() != nil {
		return q
	}
	image := c.Image()
	q.MetadataVersion = int64(image.Version)
	for _, server := range future.Configuration().Servers {
		member := QuorumMember{
			NodeID: nodeOf(image, server.ID), DirectoryID: string(server.ID), Address: string(server.Address),
			Voter: server.Suffrage == raft.Voter, MetadataVersion: -1,
		}
		if known := told[member.NodeID]; known != nil {
			member.MetadataVersion, member.HeardAt, member.CaughtUpAt = known.version, known.heardAt, known.caughtUpAt
		}
		if member.NodeID == c.cfg.NodeID && q.LeaderID == c.cfg.NodeID {
			member.MetadataVersion, member.HeardAt, member.CaughtUpAt = q.MetadataVersion, now, now
		}
		q.Members = append(q.Members, member)
	}
	return q
}

// reported asks the active controller, if that is here, what the nodes told it.
func (c *Controller) reported() map[int32]*session {
	a := c.active.Load()
	if a == nil {
		return nil
	}
	answer := make(chan map[int32]*session, 1)
	a.event(func() { answer <- maps.Clone(a.sessions.nodes) }) // a session is never changed but for being replaced
	select {
	case told := <-answer:
		return told
	case <-a.stopped:
		return nil
	}
}

// nodeOf finds the node that a member is; -1 for none.
func nodeOf(image *metadata.Image, member raft.ServerID) int32 {
	for id, broker := range image.Brokers {
		if serverID(broker.DirectoryID) == member {
			return id
		}
	}
	return -1
}
