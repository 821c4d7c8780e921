package group

import (
	"bytes"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group/assign"
	"odradek/broker/metadata"
)

// A member of the classic protocol in a consumer group (KIP-848): its epoch is its generation, and each step to its target is a rebalance
// that concerns it alone. It joins, and says what it still has; asks for what it may use; and is told by its heartbeats when it has to join
// again. Nobody of the group leads.

// joinConsumer is JoinGroup in a consumer group with members.
func (m *Machine) joinConsumer(g *group, r *joinRequest) coord.Effects {
	c, protocols := g.consumer, r.offered()
	switch s, err := readSubscription(protocols); {
	case c.members[r.MemberID] == nil && len(c.members) >= m.cfg.Consumer.SizeMax:
		return r.refuse(r.MemberID, kerr.GroupMaxSizeReached)
	case r.ProtocolType != consumerProtocol || !c.speaks(protocols):
		return r.refuse(r.MemberID, kerr.InconsistentGroupProtocol)
	case r.MemberID == "" && r.InstanceID == nil && r.Version >= versionMemberIDRequired:
		return r.refuse(m.cfg.NewID(), kerr.MemberIDRequired)
	case err != nil:
		return r.refuse(r.MemberID, kerr.InconsistentGroupProtocol)
	case r.MemberID != "" && c.members[r.MemberID] == nil && len(s.OwnedPartitions) > 0:
		// It was put out and does not know: what it has may be another's by now. Who has nothing may come with any id.
		return r.refuse(r.MemberID, kerr.UnknownMemberID)
	default:
		return m.enterClassic(g, r, &classicMetadata{duration(r.SessionTimeoutMillis), protocols}, &s)
	}
}

// enterClassic takes a member of the classic protocol the three steps of a heartbeat: what it says of itself is the same in other words.
func (m *Machine) enterClassic(g *group, r *joinRequest, said *classicMetadata, s *kmsg.ConsumerMemberMetadata) coord.Effects {
	req, everything := kmsg.NewPtrConsumerGroupHeartbeatRequest(), ""
	req.Group, req.MemberID, req.InstanceID, req.RackID = r.Group, r.MemberID, r.InstanceID, s.Rack
	req.RebalanceTimeoutMillis, req.SubscribedTopicNames, req.SubscribedTopicRegex = r.RebalanceTimeoutMillis, s.Topics, &everything
	if r.Version < 1 || r.RebalanceTimeoutMillis < 0 {
		req.RebalanceTimeoutMillis = r.SessionTimeoutMillis
	}
	if req.SubscribedTopicNames == nil {
		req.SubscribedTopicNames = []string{}
	}
	owned := m.owned(s)
	req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	for _, id := range owned.Topics() {
		req.Topics = append(req.Topics, kmsg.ConsumerGroupHeartbeatRequestTopic{TopicID: id, Partitions: owned[id]})
	}
	b, err := m.newBeat(r.client, req, r.now)
	if err == nil {
		b.classic = said
		err = b.enter()
	}
	if err != nil {
		return r.refuse(r.MemberID, err.code)
	}
	b.subscribe()
	b.retarget()
	b.reconcile()
	b.schedule()
	resp, kind := kmsg.NewPtrJoinGroupResponse(), consumerProtocol
	resp.MemberID, resp.Generation, resp.ProtocolType, resp.Protocol = b.id, b.member.epoch, &kind, &said.protocols[0].name
	resp.Members = []kmsg.JoinGroupResponseMember{}
	e := coord.Effects{Records: b.records, Replies: []coord.Reply{{To: r.to, Response: resp}}}
	e.Refused = func(err *kerr.Error, now time.Time) coord.Effects {
		undone := m.undoConsumer(g, nil)(err, now)
		undone.Add(r.refuse(r.MemberID, err))
		return undone
	}
	return m.after(g, e, r.now)
}

// offered are the protocols of a request, as the group may keep them.
func (r *joinRequest) offered() []protocol {
	offered := make([]protocol, len(r.Protocols))
	for i, p := range r.Protocols {
		offered[i] = protocol{p.Name, bytes.Clone(p.Metadata)} // the request's bytes are the connection's
	}
	return offered
}

// speaks says whether one of the protocols is known to all members of the classic protocol: should the newer one end, they need one.
func (c *consumerGroup) speaks(offered []protocol) bool {
	return slices.ContainsFunc(offered, func(p protocol) bool {
		for _, each := range c.members {
			if each.classic != nil && !each.classic.supports(p.name) {
				return false
			}
		}
		return true
	})
}

func (c *classicMetadata) supports(name string) bool {
	return slices.ContainsFunc(c.protocols, func(p protocol) bool { return p.name == name })
}

// equal says whether two members say the same of themselves in the classic protocol, or nothing.
func (c *classicMetadata) equal(other *classicMetadata) bool {
	if c == nil || other == nil {
		return c == other
	}
	return c.sessionTimeout == other.sessionTimeout && slices.EqualFunc(c.protocols, other.protocols, func(p, q protocol) bool {
		return p.name == q.name && bytes.Equal(p.metadata, q.metadata)
	})
}

// classicMember finds a member of the classic protocol.
func (c *consumerGroup) classicMember(id string, instance *string) (*consumerMember, *kerr.Error) {
	if instance != nil {
		switch known, ok := c.static[*instance]; {
		case !ok:
			return nil, kerr.UnknownMemberID
		case known != id:
			return nil, kerr.FencedInstanceID
		}
	}
	if each := c.members[id]; each != nil && each.classic != nil {
		return each, nil
	}
	return nil, kerr.UnknownMemberID
}

// syncConsumer is SyncGroup in a consumer group: the member is told what it may use.
func (m *Machine) syncConsumer(to coord.Caller, g *group, req *kmsg.SyncGroupRequest, now time.Time) coord.Effects {
	c := g.consumer
	each, err := c.classicMember(req.MemberID, req.InstanceID)
	switch {
	case err != nil:
	case req.Generation != each.epoch:
		err = kerr.IllegalGeneration
	case req.ProtocolType != nil && *req.ProtocolType != consumerProtocol, req.Protocol != nil && *req.Protocol != each.classic.protocols[0].name:
		err = kerr.InconsistentGroupProtocol
	case c.epoch > each.epoch && each.state != memberUnrevoked:
		m.rejoinBy(g, each, now)
		err = kerr.RebalanceInProgress
	}
	if err != nil {
		return m.after(g, coord.Effects{Prompt: []coord.Reply{{To: to, Response: refusedSync(err)}}}, now)
	}
	delete(g.revocations, each.id)
	g.heardConsumer(each.id, now.Add(each.classic.sessionTimeout))
	resp, kind := kmsg.NewPtrSyncGroupResponse(), consumerProtocol
	resp.ProtocolType, resp.Protocol, resp.MemberAssignment = &kind, &each.classic.protocols[0].name, m.classicAssignment(each, each.assigned)
	return m.after(g, coord.Effects{Replies: []coord.Reply{{To: to, Response: resp}}}, now)
}

// heartbeatConsumer is Heartbeat in a consumer group. A member has to join again to get on to another epoch, to say that it gave up what it
// had to, and to have what others gave up.
func (m *Machine) heartbeatConsumer(g *group, req *kmsg.HeartbeatRequest, now time.Time) *kerr.Error {
	c := g.consumer
	each, err := c.classicMember(req.MemberID, req.InstanceID)
	switch {
	case err != nil:
		return err
	case req.Generation != each.epoch:
		return kerr.IllegalGeneration
	}
	g.heardConsumer(each.id, now.Add(each.classic.sessionTimeout))
	if each.epoch < c.epoch || each.state == memberUnrevoked || each.state == memberUnreleased && !c.waits(each, m.cfg.Image()) {
		m.rejoinBy(g, each, now)
		m.after(g, coord.Effects{}, now)
		return kerr.RebalanceInProgress
	}
	return nil
}

// rejoinBy gives a member until the end of its time for rebalances to join again.
func (m *Machine) rejoinBy(g *group, each *consumerMember, now time.Time) {
	if _, pending := g.revocations[each.id]; !pending {
		g.revokeBy(each.id, revocation{now.Add(each.rebalanceTimeout), each.epoch})
	}
}

// waits says whether something of a member's target is still with others.
func (c *consumerGroup) waits(each *consumerMember, img *metadata.Image) bool {
	subscribed := map[metadata.UUID]bool{}
	for _, id := range each.topicIDs(img, c.regexes) {
		subscribed[id] = true
	}
	_, missing := goal{subscribed: subscribed}.filter(c.target[each.id]).Split(each.assigned)
	return anyOf(missing, func(p partition) bool {
		owner, taken := c.owners[p]
		return taken && owner != each.id
	})
}

func anyOf(all assign.Partitions, is func(partition) bool) bool {
	for topic, list := range all {
		if slices.ContainsFunc(list, func(index int32) bool { return is(partition{topic, index}) }) {
			return true
		}
	}
	return false
}
