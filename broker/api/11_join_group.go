package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group"
)

// JoinGroup, key 11, versions 0 to 9: answered when the group's generation is complete.
//
//	v1  a time-out for rebalances of its own          v5  static members (KIP-345)
//	v4  MEMBER_ID_REQUIRED with an id (KIP-394)       v7  the type of the protocol     v9  skip assignment (KIP-814)
func (h *Handler) joinGroup(_ context.Context, c call, req *kmsg.JoinGroupRequest) {
	to := joiner{asker[*kmsg.JoinGroupResponse]{c, func(err *kerr.Error) *kmsg.JoinGroupResponse {
		resp := kmsg.NewPtrJoinGroupResponse()
		resp.ErrorCode, resp.MemberID, resp.Generation = err.Code, req.MemberID, -1
		return resp
	}}}
	if !h.mayGroup(c, OpRead, req.Group) {
		to.Refuse(kerr.GroupAuthorizationFailed)
		return
	}
	client := c.client()
	h.Groups.Do(req.Group, to, func(m *group.Machine, now time.Time) coord.Effects { return m.Join(to, client, req, now) })
	c.Release()
}

// joiner knows that an absent protocol was empty before version 7.
type joiner struct{ asker[*kmsg.JoinGroupResponse] }

func (j joiner) Answer(response any)    { j.send(response.(*kmsg.JoinGroupResponse)) }
func (j joiner) Refuse(err *kerr.Error) { j.send(j.refused(err)) }

func (j joiner) send(resp *kmsg.JoinGroupResponse) {
	if resp.Protocol == nil && j.Version < 7 {
		none := ""
		resp.Protocol = &none
	}
	j.reply(resp)
}
