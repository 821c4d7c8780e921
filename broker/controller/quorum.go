package controller

import (
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
	Members                              []QuorumMember
}

// QuorumMember is a voter or an observer of the quorum.
type QuorumMember struct {
	// NodeID is -1 for a member that has not registered as a node.
	NodeID      int32
	DirectoryID string
	Address     string
	Voter       bool
	// MetadataVersion is the version of the metadata that the member has, as it last told the active controller; -1 where that
	// is not known, which is everywhere but on the active controller.
	MetadataVersion int64
}

// Quorum describes the metadata quorum as this node knows it.
func (c *Controller) Quorum() Quorum {
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
	versions := c.reportedVersions()
	image := c.Image()
	for _, server := range future.Configuration().Servers {
		member := QuorumMember{
			NodeID: nodeOf(image, server.ID), DirectoryID: string(server.ID), Address: string(server.Address),
			Voter: server.Suffrage == raft.Voter, MetadataVersion: -1,
		}
		if version, ok := versions[member.NodeID]; ok {
			member.MetadataVersion = version
		}
		q.Members = append(q.Members, member)
	}
	return q
}

// reportedVersions asks the active controller, if that is here, what the nodes told it.
func (c *Controller) reportedVersions() map[int32]int64 {
	a := c.active.Load()
	if a == nil {
		return nil
	}
	versions := make(chan map[int32]int64, 1)
	a.event(func() {
		reported := map[int32]int64{}
		for id, known := range a.sessions.nodes {
			reported[id] = known.version
		}
		versions <- reported
	})
	select {
	case reported := <-versions:
		return reported
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
