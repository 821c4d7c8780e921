package group

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/env/sometimes"
)

// The versions of JoinGroup in which the answer changes.
const (
	versionMemberIDRequired = 4 // a dynamic member is given its id before it joins (KIP-394)
	versionSkipAssignment   = 9 // a static leader that was replaced is told that it need not assign (KIP-814)
)

// joinRequest is a JoinGroup on its way through the machine.
type joinRequest struct {
	*kmsg.JoinGroupRequest
	to     coord.Caller
	client Client
	now    time.Time
}

// Join is JoinGroup; the answer is a *kmsg.JoinGroupResponse, which comes when the generation is complete.
func (m *Machine) Join(to coord.Caller, client Client, req *kmsg.JoinGroupRequest, now time.Time) coord.Effects {
	r := &joinRequest{req, to, client, now}
	session := duration(req.SessionTimeoutMillis)
	switch {
	case req.Group == "":
		return r.refuse(req.MemberID, kerr.InvalidGroupID)
	case session < m.cfg.SessionTimeoutMin || session > m.cfg.SessionTimeoutMax:
		return r.refuse(req.MemberID, kerr.InvalidSessionTimeout)
	case req.MemberID != "" && m.groups[req.Group] == nil:
		return r.refuse(req.MemberID, kerr.UnknownMemberID)
	}
	g := m.groupOrNew(req.Group)
	if g.newer() {
		return m.joinNewer(g, r)
	}
	var e coord.Effects
	switch {
	case !m.accepts(g, req.MemberID):
		if existing := g.member(req.MemberID); existing != nil {
			m.dismiss(g, existing, &e)
		}
		e.Add(r.refuse("", kerr.GroupMaxSizeReached))
	case !g.offers(req.ProtocolType, req.Protocols):
		e = r.refuse(req.MemberID, kerr.InconsistentGroupProtocol)
	case req.MemberID == "" && req.InstanceID != nil:
		e = m.joinStatic(g, r)
	case req.MemberID == "":
		e = m.joinDynamic(g, r)
	default:
		e = m.rejoin(g, r)
	}
	return m.after(g, e, now)
}

// joinNewer is for groups of the newer protocols: one without members becomes a classic group.
func (m *Machine) joinNewer(g *group, r *joinRequest) coord.Effects {
	if g.consumer != nil && !g.empty() {
		return m.joinConsumer(g, r)
	}
	if !g.empty() || g.share != nil || !g.offers(r.ProtocolType, r.Protocols) {
		return r.refuse(r.MemberID, kerr.InconsistentGroupProtocol)
	}
	graves := g.graves()
	g.reset()
	e := m.Join(r.to, r.client, r.JoinGroupRequest, r.now)
	if len(e.Records) > 0 {
		return e
	}
	// Should they be refused, the record of the group's first generation will do as well: it makes it a classic one.
	answers := e
	e.Records, e.Applied = graves, true
	e.Refused = func(*kerr.Error, time.Time) coord.Effects { return answers }
	return e
}

// accepts says whether the group has a place for whoever joins. In the join phase the places go to those who come first.
func (m *Machine) accepts(g *group, memberID string) bool {
	existing := g.member(memberID)
	switch g.state {
	case PreparingRebalance:
		return existing != nil && existing.joining != nil || g.joining() < m.cfg.SizeMax
	case CompletingRebalance, Stable:
		return existing != nil || len(g.members) < m.cfg.SizeMax
	}
	return true
}

func (m *Machine) joinDynamic(g *group, r *joinRequest) coord.Effects {
	id := r.client.ID + "-" + m.cfg.NewID()
	if r.Version < versionMemberIDRequired {
		return m.enterMember(g, r, id)
	}
	g.promised[id] = r.now.Add(duration(r.SessionTimeoutMillis))
	return r.refuse(id, kerr.MemberIDRequired)
}

func (m *Machine) joinStatic(g *group, r *joinRequest) coord.Effects {
	id := *r.InstanceID + "-" + m.cfg.NewID()
	if before := g.member(g.static[*r.InstanceID]); before != nil {
		return m.replaceStatic(g, r, before, id)
	}
	return m.enterMember(g, r, id)
}

// rejoin is for clients that have a member id.
func (m *Machine) rejoin(g *group, r *joinRequest) coord.Effects {
	if _, promised := g.promised[r.MemberID]; promised {
		if r.InstanceID != nil {
			return r.refuse(r.MemberID, kerr.UnknownServerError) // ids are given out to dynamic members only
		}
		return m.enterMember(g, r, r.MemberID)
	}
	existing, err := g.validate(r.MemberID, r.InstanceID)
	if err != nil {
		return r.refuse(r.MemberID, err)
	}
	same := existing.matches(r.Protocols)
	switch {
	case g.state == CompletingRebalance && same, g.state == Stable && same && g.leader != existing.id:
		// The answer was lost: there is nothing new to agree on. The leader gets the subscriptions again, if it still has to assign.
		return coord.Effects{Prompt: []coord.Reply{{To: r.to, Response: g.joined(existing, g.state == CompletingRebalance)}}}
	}
	// Something changed, or the leader wants a new assignment.
	var e coord.Effects
	m.update(existing, r, &e)
	m.rebalance(g, &e, r.now)
	return e
}

// enterMember adds a member under id.
func (m *Machine) enterMember(g *group, r *joinRequest, id string) coord.Effects {
	entering := &member{id: id, instance: r.InstanceID, isNew: true, expires: r.now.Add(newMemberTimeout)}
	var e coord.Effects
	m.update(entering, r, &e)
	if len(g.members) == 0 {
		g.protocolType = r.ProtocolType
	}
	g.add(entering)
	if g.initial && g.generation == 0 {
		g.memberCame = true
	}
	m.rebalance(g, &e, r.now)
	return e
}

// update takes over what a member says of itself, and has it wait for the generation.
func (m *Machine) update(each *member, r *joinRequest, e *coord.Effects) {
	if each.joining != nil {
		// The same member asks a second time: the first answer would say what this one will.
		e.Prompt = append(e.Prompt, coord.Reply{To: each.joining, Response: refusedJoin(each.id, kerr.RebalanceInProgress)})
	}
	each.client, each.joining = r.client, r.to
	each.sessionTimeout, each.rebalanceTimeout = duration(r.SessionTimeoutMillis), duration(r.RebalanceTimeoutMillis)
	if r.Version < 1 || r.RebalanceTimeoutMillis < 0 {
		each.rebalanceTimeout = each.sessionTimeout
	}
	each.protocols = r.offered()
}

// replaceStatic gives the place of a static member to its next process: who had the old id is fenced. In a stable group nothing
// needs to be agreed on anew unless the choice of protocol changes.
func (m *Machine) replaceStatic(g *group, r *joinRequest, before *member, id string) coord.Effects {
	var e coord.Effects
	sometimes.Reached(sometimes.StaticMemberReplaced)
	old, oldLeader := *before, g.leader
	m.fence(before, &e)
	g.rename(before, id)
	m.update(before, r, &e)
	before.expires = r.now.Add(before.sessionTimeout)
	switch {
	case g.state == Stable && g.protocol != nil && g.choose() == *g.protocol:
		before.joining = nil
		e.Records, e.Applied = []coord.Record{g.record()}, true
		e.Replies = append(e.Replies, coord.Reply{To: r.to, Response: g.rejoinedStatic(before, r.Version, oldLeader)})
		e.Refused = func(err *kerr.Error, now time.Time) coord.Effects {
			g.rename(before, old.id)
			*before = old
			before.joining, before.syncing = nil, nil
			before.expires = now.Add(old.sessionTimeout)
			undone := coord.Effects{Prompt: e.Prompt}
			undone.Add(r.refuse("", err))
			return m.after(g, undone, now)
		}
	case g.state == PreparingRebalance:
		m.maybeCompleteJoin(g, &e, r.now)
	default:
		m.prepareRebalance(g, &e, r.now)
	}
	return e
}

// fence answers what waits of a member whose id is no longer its own.
func (m *Machine) fence(each *member, e *coord.Effects) {
	if each.joining != nil {
		e.Prompt = append(e.Prompt, coord.Reply{To: each.joining, Response: refusedJoin(each.id, kerr.FencedInstanceID)})
	}
	if each.syncing != nil {
		e.Prompt = append(e.Prompt, coord.Reply{To: each.syncing, Response: refusedSync(kerr.FencedInstanceID)})
	}
	each.joining, each.syncing = nil, nil
}

// rename gives a static member a new id.
func (g *group) rename(each *member, id string) {
	if g.leader == each.id {
		g.leader = id
	}
	if g.unsynced[each.id] {
		delete(g.unsynced, each.id)
		g.unsynced[id] = true
	}
	each.id = id
	g.static[*each.instance] = id
}

// joined is the answer that tells a member its generation; the leader is told of all members when it has to assign.
func (g *group) joined(to *member, assigns bool) *kmsg.JoinGroupResponse {
	resp := kmsg.NewPtrJoinGroupResponse()
	resp.Generation, resp.ProtocolType, resp.Protocol = g.generation, &g.protocolType, g.protocol
	resp.LeaderID, resp.MemberID = g.leader, to.id
	resp.Members = []kmsg.JoinGroupResponseMember{}
	if assigns && g.leader == to.id {
		for _, each := range g.members {
			one := kmsg.NewJoinGroupResponseMember()
			one.MemberID, one.InstanceID, one.ProtocolMetadata = each.id, each.instance, each.subscription(g.protocol)
			resp.Members = append(resp.Members, one)
		}
	}
	return resp
}

// rejoinedStatic answers a static member that takes its place again without a rebalance. Old clients that were the leader are told
// that the member before them leads, so that they don't assign.
func (g *group) rejoinedStatic(to *member, version int16, oldLeader string) *kmsg.JoinGroupResponse {
	resp := g.joined(to, version >= versionSkipAssignment)
	if version >= versionSkipAssignment {
		resp.SkipAssignment = g.leader == to.id
	} else {
		resp.LeaderID = oldLeader
	}
	return resp
}

// refuse answers a JoinGroup at once.
func (r *joinRequest) refuse(memberID string, err *kerr.Error) coord.Effects {
	return coord.Effects{Prompt: []coord.Reply{{To: r.to, Response: refusedJoin(memberID, err)}}}
}

func refusedJoin(memberID string, err *kerr.Error) *kmsg.JoinGroupResponse {
	resp := kmsg.NewPtrJoinGroupResponse()
	resp.ErrorCode, resp.MemberID, resp.Generation = err.Code, memberID, -1
	resp.Members = []kmsg.JoinGroupResponseMember{}
	return resp
}
