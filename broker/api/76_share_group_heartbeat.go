package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group"
	"odradek/broker/metadata"
)

// ShareGroupHeartbeat, key 76, version 1 (KIP-932): a member of a share group joins, subscribes, learns which partitions it is to fetch from, and
// leaves.
func (h *Handler) shareGroupHeartbeat(_ context.Context, c call, req *kmsg.ShareGroupHeartbeatRequest) {
	to := asker[*kmsg.ShareGroupHeartbeatResponse]{c, func(err *kerr.Error) *kmsg.ShareGroupHeartbeatResponse {
		resp := kmsg.NewPtrShareGroupHeartbeatResponse()
		resp.ErrorCode, resp.ErrorMessage = err.Code, &err.Description
		return resp
	}}
	switch {
	case h.Controller.Image().FeatureLevel(metadata.ShareVersion) < 1:
		to.Refuse(kerr.UnsupportedVersion)
		return
	case !h.mayGroup(c, OpRead, req.GroupID):
		to.Refuse(kerr.GroupAuthorizationFailed)
		return
	}
	for _, topic := range req.SubscribedTopicNames {
		if !h.mayTopic(c, OpDescribe, topic) {
			to.Refuse(kerr.TopicAuthorizationFailed)
			return
		}
	}
	client := c.client()
	h.Groups.Do(req.GroupID, to, func(m *group.Machine, now time.Time) coord.Effects { return m.ShareHeartbeat(to, client, req, now) })
}
