package group

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
)

// Heartbeat keeps a member alive and tells it of a rebalance; the answer is a *kmsg.HeartbeatResponse.
func (m *Machine) Heartbeat(to coord.Caller, req *kmsg.HeartbeatRequest, now time.Time) coord.Effects {
	resp := kmsg.NewPtrHeartbeatResponse()
	if err := m.heartbeat(req, now); err != nil {
		resp.ErrorCode = err.Code
	}
	return coord.Effects{Prompt: []coord.Reply{{To: to, Response: resp}}}
}

func (m *Machine) heartbeat(req *kmsg.HeartbeatRequest, now time.Time) *kerr.Error {
	if req.Group == "" {
		return kerr.InvalidGroupID
	}
	g := m.groups[req.Group]
	if g != nil && g.consumer != nil {
		return m.heartbeatConsumer(g, req, now)
	}
	if g == nil || g.newer() {
		return kerr.UnknownMemberID
	}
	each, err := g.validate(req.MemberID, req.InstanceID)
	switch {
	case err != nil:
		return err
	case req.Generation != g.generation:
		return kerr.IllegalGeneration
	}
	g.heard(each, now)
	if g.state == PreparingRebalance {
		return kerr.RebalanceInProgress
	}
	return nil
}

// heard puts the end of a member's session off; it never moves it to before the timer that is set. Members that have no such end
// now, because a request of theirs waits, get it when that is answered.
func (g *group) heard(each *member, now time.Time) {
	if !each.isNew && !each.expires.IsZero() {
		each.expires = now.Add(each.sessionTimeout)
	}
}

// Leave takes members out; req is of version 3 or later. The answer is a *kmsg.LeaveGroupResponse.
func (m *Machine) Leave(to coord.Caller, req *kmsg.LeaveGroupRequest, now time.Time) coord.Effects {
	resp := kmsg.NewPtrLeaveGroupResponse()
	e := coord.Effects{Prompt: []coord.Reply{{To: to, Response: resp}}}
	if req.Group == "" {
		resp.ErrorCode = kerr.InvalidGroupID.Code
		return e
	}
	g := m.groups[req.Group]
	if g != nil && g.consumer != nil {
		return m.leaveConsumer(to, g, req, now)
	}
	if g != nil && g.share != nil {
		g = nil // its members know no such request
	}
	gone := false
	for _, leaving := range req.Members {
		answer := kmsg.NewLeaveGroupResponseMember()
		answer.MemberID, answer.InstanceID = leaving.MemberID, leaving.InstanceID
		if err := m.leave(g, leaving, &e); err != nil {
			answer.ErrorCode = err.Code
		} else {
			gone = true
		}
		resp.Members = append(resp.Members, answer)
	}
	if g == nil {
		return e
	}
	if gone {
		m.missed(g, &e, now)
	}
	return m.after(g, e, now)
}

// leave takes one member out. An administrator names a static member by its instance alone.
func (m *Machine) leave(g *group, leaving kmsg.LeaveGroupRequestMember, e *coord.Effects) *kerr.Error {
	if g == nil {
		return kerr.UnknownMemberID
	}
	id := leaving.MemberID
	if id == "" && leaving.InstanceID != nil {
		id = g.static[*leaving.InstanceID]
	}
	if _, promised := g.promised[id]; promised {
		delete(g.promised, id)
		return nil
	}
	each, err := g.validate(id, leaving.InstanceID)
	if err != nil {
		return err
	}
	m.dismiss(g, each, e)
	return nil
}
