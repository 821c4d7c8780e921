package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group"
)

// SyncGroup, key 14, versions 0 to 5: the leader hands in the assignment, and each member is told its own.
//
//	v5  the protocol, as the member believes it to be (KIP-559)
func (h *Handler) syncGroup(_ context.Context, c call, req *kmsg.SyncGroupRequest) {
	to := asker[*kmsg.SyncGroupResponse]{c, func(err *kerr.Error) *kmsg.SyncGroupResponse {
		resp := kmsg.NewPtrSyncGroupResponse()
		if err == kerr.CoordinatorLoadInProgress {
			err = kerr.RebalanceInProgress // the members that this node knew are to join again
		}
		resp.ErrorCode = err.Code
		return resp
	}}
	switch {
	case c.Version >= 5 && (req.ProtocolType == nil || req.Protocol == nil):
		to.Refuse(kerr.InconsistentGroupProtocol)
		return
	case !h.mayGroup(c, OpRead, req.Group):
		to.Refuse(kerr.GroupAuthorizationFailed)
		return
	}
	h.Groups.Do(req.Group, to, func(m *group.Machine, now time.Time) coord.Effects { return m.Sync(to, req, now) })
	c.Release()
}
