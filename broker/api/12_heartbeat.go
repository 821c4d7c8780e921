package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group"
)

// Heartbeat, key 12, versions 0 to 4: keeps a member's session, and tells it of a rebalance.
func (h *Handler) heartbeat(_ context.Context, c call, req *kmsg.HeartbeatRequest) {
	to := asker[*kmsg.HeartbeatResponse]{c, func(err *kerr.Error) *kmsg.HeartbeatResponse {
		resp := kmsg.NewPtrHeartbeatResponse()
		if err != kerr.CoordinatorLoadInProgress { // the member is to go on: it may be in good standing
			resp.ErrorCode = err.Code
		}
		return resp
	}}
	if !h.mayGroup(c, OpRead, req.Group) {
		to.Refuse(kerr.GroupAuthorizationFailed)
		return
	}
	h.Groups.Do(req.Group, to, func(m *group.Machine, now time.Time) coord.Effects { return m.Heartbeat(to, req, now) })
}
