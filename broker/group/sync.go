package group

import (
	"bytes"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
)

// Sync is SyncGroup; the answer is a *kmsg.SyncGroupResponse, which comes when the leader has assigned and that is committed.
func (m *Machine) Sync(to coord.Caller, req *kmsg.SyncGroupRequest, now time.Time) coord.Effects {
	refuse := func(err *kerr.Error) coord.Effects {
		return coord.Effects{Prompt: []coord.Reply{{To: to, Response: refusedSync(err)}}}
	}
	if req.Group == "" {
		return refuse(kerr.InvalidGroupID)
	}
	g := m.groups[req.Group]
	if g != nil && g.consumer != nil {
		return m.syncConsumer(to, g, req, now)
	}
	if g == nil || g.newer() {
		return refuse(kerr.UnknownMemberID)
	}
	each, err := g.validate(req.MemberID, req.InstanceID)
	switch {
	case err != nil:
		return refuse(err)
	case req.Generation != g.generation:
		return refuse(kerr.IllegalGeneration)
	case req.ProtocolType != nil && *req.ProtocolType != g.protocolType,
		req.Protocol != nil && (g.protocol == nil || *req.Protocol != *g.protocol):
		return refuse(kerr.InconsistentGroupProtocol)
	case g.state == PreparingRebalance:
		return refuse(kerr.RebalanceInProgress)
	case g.state == Empty:
		return refuse(kerr.UnknownMemberID)
	}
	delete(g.unsynced, each.id)
	if len(g.unsynced) == 0 {
		g.syncEnds = time.Time{}
	}
	if g.state == Stable {
		return m.after(g, coord.Effects{Replies: []coord.Reply{{To: to, Response: g.synced(each)}}}, now)
	}
	var e coord.Effects
	if each.syncing != nil {
		e.Prompt = append(e.Prompt, coord.Reply{To: each.syncing, Response: refusedSync(kerr.RebalanceInProgress)})
	}
	each.syncing = to
	if g.leader == each.id {
		m.assign(g, req.GroupAssignment, &e, now)
	}
	return m.after(g, e, now)
}

// assign takes over the leader's assignment. Members that it leaves out have nothing.
func (m *Machine) assign(g *group, assignments []kmsg.SyncGroupRequestGroupAssignment, e *coord.Effects, now time.Time) {
	byMember := make(map[string][]byte, len(assignments))
	for _, a := range assignments {
		byMember[a.MemberID] = a.MemberAssignment
	}
	was, since := g.persisted, g.stateSinceMs
	g.enter(Stable, now)
	g.persisted = true
	for _, each := range g.members {
		each.assignment = bytes.Clone(byMember[each.id]) // the request's bytes are the connection's
		if each.assignment == nil {
			each.assignment = []byte{}
		}
	}
	var waiting []coord.Caller
	for _, each := range g.members {
		if each.syncing != nil {
			waiting = append(waiting, each.syncing)
			e.Replies = append(e.Replies, coord.Reply{To: each.syncing, Response: g.synced(each)})
			each.syncing = nil
			each.expires = now.Add(each.sessionTimeout)
		}
	}
	e.Records, e.Applied = []coord.Record{g.record()}, true
	prompt := e.Prompt
	e.Refused = func(err *kerr.Error, now time.Time) coord.Effects {
		// Nobody was told: the generation is given up and the next one tried.
		g.persisted, g.stateSinceMs = was, since
		undone := coord.Effects{Prompt: prompt}
		for _, to := range waiting {
			undone.Prompt = append(undone.Prompt, coord.Reply{To: to, Response: refusedSync(err)})
		}
		m.resetAssignments(g, &undone, err, now)
		m.prepareRebalance(g, &undone, now)
		return m.after(g, undone, now)
	}
}

func (g *group) synced(each *member) *kmsg.SyncGroupResponse {
	resp := kmsg.NewPtrSyncGroupResponse()
	resp.ProtocolType, resp.Protocol, resp.MemberAssignment = &g.protocolType, g.protocol, each.assignment
	return resp
}

func refusedSync(err *kerr.Error) *kmsg.SyncGroupResponse {
	resp := kmsg.NewPtrSyncGroupResponse()
	resp.ErrorCode, resp.MemberAssignment = err.Code, []byte{}
	return resp
}
