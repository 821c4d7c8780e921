package group

import (
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group/assign"
)

// revocation is by when a member has to have given up its partitions, and the epoch it is in until then.
type revocation struct {
	by    time.Time
	epoch int32
}

// consumerLeave takes a member out, or, of a static one, notes that it will be back.
func (m *Machine) consumerLeave(to coord.Caller, req *kmsg.ConsumerGroupHeartbeatRequest, now time.Time) coord.Effects {
	g := m.groups[req.Group]
	switch {
	case g == nil:
		return refuseConsumer(to, refusalf(kerr.GroupIDNotFound, "Group %s not found.", req.Group))
	case g.consumer == nil:
		return refuseConsumer(to, refusalf(kerr.GroupIDNotFound, "Group %s is not a consumer group.", req.Group))
	}
	c := g.consumer
	leaving := c.members[req.MemberID]
	if req.InstanceID != nil {
		leaving = c.members[c.static[*req.InstanceID]]
		switch {
		case leaving == nil:
			return refuseConsumer(to, refusalf(kerr.UnknownMemberID, "Instance id %s is unknown.", *req.InstanceID))
		case leaving.id != req.MemberID:
			return refuseConsumer(to, refusalf(kerr.FencedInstanceID, "Static member %s with instance id %s was fenced by member %s.", req.MemberID, *req.InstanceID, leaving.id))
		}
	}
	if leaving == nil {
		return refuseConsumer(to, refusalf(kerr.UnknownMemberID, "Member %s is not a member of group %s.", req.MemberID, req.Group))
	}
	resp := kmsg.NewPtrConsumerGroupHeartbeatResponse()
	resp.MemberID, resp.MemberEpoch = &req.MemberID, req.MemberEpoch
	e := coord.Effects{Replies: []coord.Reply{{To: to, Response: resp}}, Refused: m.undoConsumer(g, to)}
	if req.MemberEpoch == epochLeaveStatic {
		next := *leaving
		next.epoch, next.revoking = epochLeaveStatic, assign.Partitions{}
		next.since = leaving.keepSince(leaving.assigned)
		e.Records = []coord.Record{next.current(g.id)}
		delete(g.revocations, leaving.id)
		return m.after(g, e, now)
	}
	m.takeOut(g, &e, now, leaving)
	return m.after(g, e, now)
}

// fenceConsumers are the records that take members out. The group's next epoch begins; its target is made when somebody is heard of.
func (m *Machine) fenceConsumers(g *group, leaving ...*consumerMember) []coord.Record {
	c := g.consumer
	b := &beat{m: m, g: g, c: c, img: m.cfg.Image(), members: maps.Clone(c.members), regexes: c.regexes, target: c.target}
	for _, each := range leaving {
		g.forgetSession(each.id)
		delete(b.members, each.id)
		b.write(tombstone(key(keyConsumerCurrent, g.id, each.id)), tombstone(key(keyConsumerTarget, g.id, each.id)), tombstone(key(keyConsumerMember, g.id, each.id)))
	}
	members := b.members
	b.own() // which copies the regular expressions too
	b.members = members
	b.write(b.dropRegexes()...)
	hash := hashTopics(subscribedTopics(b.img, b.members, b.regexes))
	b.write(consumerGroupRecord(g.id, c.epoch+1, hash))
	return b.records
}

// tickConsumer takes out the members of which nothing was heard, and those that did not give up their partitions in time.
func (m *Machine) tickConsumer(g *group, now time.Time) coord.Effects {
	var gone []*consumerMember
	for _, id := range sortedKeys(g.sessions) {
		pending, revokes := g.revocations[id]
		late := revokes && !pending.by.After(now)
		if g.sessions[id].After(now) && !late {
			continue
		}
		each := g.consumer.members[id]
		switch {
		case each == nil:
			g.forgetSession(id)
		case g.sessions[id].After(now) && each.classic == nil && (each.epoch != pending.epoch || each.state != memberUnrevoked):
			delete(g.revocations, id)
		default:
			gone = append(gone, each)
		}
	}
	if len(gone) == 0 {
		return coord.Effects{}
	}
	e := coord.Effects{Refused: m.undoConsumer(g, nil)}
	m.takeOut(g, &e, now, gone...)
	return e
}

func (g *group) heardConsumer(id string, expires time.Time) {
	if g.sessions == nil {
		g.sessions = map[string]time.Time{}
	}
	g.sessions[id] = expires
}

func (g *group) revokeBy(id string, r revocation) {
	if g.revocations == nil {
		g.revocations = map[string]revocation{}
	}
	g.revocations[id] = r
}

func (g *group) forgetSession(id string) {
	delete(g.sessions, id)
	delete(g.revocations, id)
}

// settleSessions gives each member a session, and takes them from those that are none: after a load, and when records were refused.
func (m *Machine) settleSessions(g *group, now time.Time) {
	if g.share != nil {
		m.settleShareSessions(g, now)
		return
	}
	members := map[string]*consumerMember{}
	if g.consumer != nil {
		members = g.consumer.members
	}
	for id := range g.sessions {
		if members[id] == nil {
			g.forgetSession(id)
		}
	}
	for id, each := range members {
		if _, known := g.sessions[id]; !known {
			g.heardConsumer(id, now.Add(m.sessionOf(g, each)))
		}
		if _, known := g.revocations[id]; !known && each.state == memberUnrevoked {
			g.revokeBy(id, revocation{now.Add(each.rebalanceTimeout), each.epoch})
		}
	}
}

// sessionOf is how long a member may be silent: the classic protocol has it say so itself.
func (m *Machine) sessionOf(g *group, each *consumerMember) time.Duration {
	if each.classic != nil {
		return each.classic.sessionTimeout
	}
	return m.cfg.Consumer.Times(g.id).SessionTimeout
}

func (m *Machine) settleShareSessions(g *group, now time.Time) {
	for id := range g.sessions {
		if g.share.members[id] == nil {
			g.forgetSession(id)
		}
	}
	for id := range g.share.members {
		if _, known := g.sessions[id]; !known {
			g.heardConsumer(id, now.Add(m.cfg.Share.Times(g.id).SessionTimeout))
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// leaveConsumer is LeaveGroup in a consumer group: members of the classic protocol leave, or an administrator takes members out.
func (m *Machine) leaveConsumer(to coord.Caller, g *group, req *kmsg.LeaveGroupRequest, now time.Time) coord.Effects {
	resp := kmsg.NewPtrLeaveGroupResponse()
	c := g.consumer
	gone := map[string]*consumerMember{}
	for _, leaving := range req.Members {
		answer := kmsg.NewLeaveGroupResponseMember()
		answer.MemberID, answer.InstanceID = leaving.MemberID, leaving.InstanceID
		each := c.members[leaving.MemberID]
		if leaving.InstanceID != nil {
			each = c.members[c.static[*leaving.InstanceID]]
		}
		switch {
		case each == nil || gone[each.id] != nil:
			answer.ErrorCode = kerr.UnknownMemberID.Code
		case leaving.InstanceID != nil && leaving.MemberID != "" && leaving.MemberID != each.id:
			answer.ErrorCode = kerr.FencedInstanceID.Code
		default:
			gone[each.id] = each
		}
		resp.Members = append(resp.Members, answer)
	}
	e := coord.Effects{Replies: []coord.Reply{{To: to, Response: resp}}}
	if len(gone) == 0 {
		return e
	}
	e.Refused = func(err *kerr.Error, now time.Time) coord.Effects {
		m.settleSessions(g, now)
		refused := kmsg.NewPtrLeaveGroupResponse()
		refused.ErrorCode = err.Code
		return m.after(g, coord.Effects{Prompt: []coord.Reply{{To: to, Response: refused}}}, now)
	}
	m.takeOut(g, &e, now, sortedMembers(gone)...)
	return m.after(g, e, now)
}
