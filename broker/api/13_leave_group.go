package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group"
)

// LeaveGroup, key 13, versions 0 to 5.
//
//	v3  several members, and static ones by their instance alone (KIP-345)     v5  a reason (not kept)
func (h *Handler) leaveGroup(_ context.Context, c call, req *kmsg.LeaveGroupRequest) {
	to := leaver{asker[*kmsg.LeaveGroupResponse]{c, func(err *kerr.Error) *kmsg.LeaveGroupResponse {
		resp := kmsg.NewPtrLeaveGroupResponse()
		resp.ErrorCode = err.Code
		return resp
	}}}
	if !h.mayGroup(c, OpRead, req.Group) {
		to.Refuse(kerr.GroupAuthorizationFailed)
		return
	}
	if c.Version < 3 {
		one := kmsg.NewLeaveGroupRequestMember()
		one.MemberID = req.MemberID
		req.Members = []kmsg.LeaveGroupRequestMember{one}
	}
	h.Groups.Do(req.Group, to, func(m *group.Machine, now time.Time) coord.Effects { return m.Leave(to, req, now) })
}

// leaver tells versions before 3 the one member's error as the request's.
type leaver struct {
	asker[*kmsg.LeaveGroupResponse]
}

func (l leaver) Answer(response any) {
	resp := response.(*kmsg.LeaveGroupResponse)
	if l.Version < 3 && len(resp.Members) == 1 {
		resp.ErrorCode, resp.Members = resp.Members[0].ErrorCode, nil
	}
	l.reply(resp)
}
