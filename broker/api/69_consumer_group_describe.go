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

// ConsumerGroupDescribe, key 69, versions 0 to 1: consumer groups with their members, what these have and what they are to have.
//
//	v1  the protocol of each member
func (h *Handler) consumerGroupDescribe(_ context.Context, c call, req *kmsg.ConsumerGroupDescribeRequest) {
	refused := func(i int, err *kerr.Error) kmsg.ConsumerGroupDescribeResponseGroup {
		one := kmsg.NewConsumerGroupDescribeResponseGroup()
		one.Group, one.ErrorCode = req.Groups[i], err.Code
		return one
	}
	parts := newGather(len(req.Groups), refused, func(described []kmsg.ConsumerGroupDescribeResponseGroup) {
		resp := kmsg.NewPtrConsumerGroupDescribeResponse()
		for i, each := range described {
			switch {
			case each.ErrorCode != 0:
			case !h.mayDescribeMembers(c, each.Members):
				each = refused(i, kerr.TopicAuthorizationFailed)
			case req.IncludeAuthorizedOperations:
				each.AuthorizedOperations = h.operations(c, ResourceGroup, each.Group)
			}
			resp.Groups = append(resp.Groups, each)
		}
		c.reply(resp)
	})
	for i, to := range parts.callers() {
		switch id := req.Groups[i]; {
		case h.Controller.Image().FeatureLevel(metadata.GroupVersion) < 1:
			to.Refuse(kerr.UnsupportedVersion)
		case !h.mayGroup(c, OpDescribe, id):
			to.Refuse(kerr.GroupAuthorizationFailed)
		case id == "":
			to.Refuse(kerr.InvalidGroupID)
		default:
			h.Groups.Do(id, to, func(m *group.Machine, _ time.Time) coord.Effects { return m.DescribeConsumer(to, id) })
		}
	}
}

// mayDescribeMembers says whether a client may see all the topics that members subscribe to or have.
func (h *Handler) mayDescribeMembers(c call, members []kmsg.ConsumerGroupDescribeResponseGroupMember) bool {
	for _, m := range members {
		for _, topic := range m.SubscribedTopics {
			if !h.mayTopic(c, OpDescribe, topic) {
				return false
			}
		}
		for _, assignment := range []kmsg.Assignment{m.Assignment, m.TargetAssignment} {
			for _, topic := range assignment.TopicPartitions {
				if !h.mayTopic(c, OpDescribe, topic.Topic) {
					return false
				}
			}
		}
	}
	return true
}
