package controller

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"odradek/broker/metadata"
)

// membershipRetry is the pause after a change of the quorum's members that failed.
const membershipRetry = time.Second

// membership brings the quorum's members in line with the registered nodes, while this node leads. Every node is a member: the
// configured controllers with a vote, the others without. A member's id is its directory id, so that a node that lost its disk,
// and with it what it voted, comes back as somebody else.
type membership struct {
	c      *Controller
	kicked chan struct{}
}

func newMembership(c *Controller) *membership {
	return &membership{c: c, kicked: make(chan struct{}, 1)}
}

// kick has the members looked at again.
func (m *membership) kick() {
	select {
	case m.kicked <- struct{}{}:
	default:
	}
}

func (m *membership) run(ctx context.Context) {
	m.kick()
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.kicked:
		}
		if err := m.align(ctx); err != nil && ctx.Err() == nil {
			m.c.cfg.Logger.Warn("quorum: members not changed", "error", err)
			select {
			case <-time.After(membershipRetry):
				m.kick()
			case <-ctx.Done():
			}
		}
	}
}

// align takes one step after the other, each from what the one before left.
func (m *membership) align(ctx context.Context) error {
	for ctx.Err() == nil {
		future := m.c.raft.GetConfiguration()
		if err := future.Error(); err != nil {
			return err
		}
		step := nextStep(future.Configuration().Servers, m.c.Image(), m.c.voters())
		if step == nil {
			return nil
		}
		m.c.cfg.Logger.Info("quorum: "+step.what, "member", step.id, "address", step.address)
		if err := m.take(step); err != nil {
			return err
		}
	}
	return nil
}

func (m *membership) take(step *memberStep) error {
	switch step.what {
	case removeMember:
		m.c.transport.release(step.id)
		return m.c.raft.RemoveServer(step.id, 0, 0).Error()
	case addVoter:
		return m.c.raft.AddVoter(step.id, step.address, 0, 0).Error()
	}
	return m.c.raft.AddNonvoter(step.id, step.address, 0, 0).Error()
}

// memberStep is one change of the quorum's members.
type memberStep struct {
	what    string
	id      raft.ServerID
	address raft.ServerAddress
}

const (
	removeMember = "member removed"
	addVoter     = "member made voter"
	addNonvoter  = "member added"
)

// nextStep finds the next change that brings the members closer to the registered nodes; nil when there is none.
//
// A new directory of a node takes the old one's place: the old member goes first, so that the number of votes needed never
// rises; the new one starts without a vote and gets it when it has caught up, which is what its unfencing says. Members that
// no registered node explains go too, except the configured voters that have not registered yet.
func nextStep(servers []raft.Server, image *metadata.Image, controllers map[int32]string) *memberStep {
	registered := map[raft.ServerID]*metadata.Broker{}
	addresses := map[raft.ServerAddress]bool{}
	for _, broker := range image.Brokers {
		registered[serverID(broker.DirectoryID)] = broker
		addresses[raft.ServerAddress(broker.ControllerAddress)] = true
	}
	awaited := map[raft.ServerAddress]bool{}
	for id, address := range controllers {
		if image.Brokers[id] == nil {
			awaited[raft.ServerAddress(address)] = true
		}
	}
	members := map[raft.ServerID]raft.Server{}
	for _, server := range servers {
		members[server.ID] = server
		if registered[server.ID] == nil && (addresses[server.Address] || !awaited[server.Address]) {
			return &memberStep{removeMember, server.ID, server.Address}
		}
	}
	for _, node := range slices.Sorted(maps.Keys(image.Brokers)) {
		broker := image.Brokers[node]
		id, address := serverID(broker.DirectoryID), raft.ServerAddress(broker.ControllerAddress)
		member, known := members[id]
		_, votes := controllers[node]
		switch {
		case !known:
			return &memberStep{addNonvoter, id, address}
		case member.Address != address && member.Suffrage == raft.Voter:
			return &memberStep{addVoter, id, address}
		case member.Address != address:
			return &memberStep{addNonvoter, id, address}
		case votes && member.Suffrage != raft.Voter && !broker.Fenced:
			return &memberStep{addVoter, id, address}
		}
	}
	return nil
}

func serverID(directory metadata.UUID) raft.ServerID { return raft.ServerID(directory.String()) }
