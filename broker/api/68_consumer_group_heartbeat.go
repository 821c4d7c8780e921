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

// ConsumerGroupHeartbeat, key 68, versions 0 to 1 (KIP-848): a member of a consumer group joins, says what it has, learns what it is to
// have, and leaves.
//
//	v1  the member draws its own id (KIP-1082), and may subscribe by a regular expression
func (h *Handler) consumerGroupHeartbeat(_ context.Context, c call, req *kmsg.ConsumerGroupHeartbeatRequest) {
	to := asker[*kmsg.ConsumerGroupHeartbeatResponse]{c, func(err *kerr.Error) *kmsg.ConsumerGroupHeartbeatResponse {
		resp := kmsg.NewPtrConsumerGroupHeartbeatResponse()
		resp.ErrorCode, resp.ErrorMessage = err.Code, &err.Description
		return resp
	}}
	if h.Controller.Image().FeatureLevel(metadata.GroupVersion) < 1 {
		to.Refuse(kerr.UnsupportedVersion)
		return
	}
	if !h.mayGroup(c, OpRead, req.Group) {
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
	h.Groups.Do(req.Group, to, func(m *group.Machine, now time.Time) coord.Effects { return m.ConsumerHeartbeat(to, client, req, now) })
}
