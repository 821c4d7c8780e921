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

// ShareGroupDescribe, key 77, version 1 (KIP-932): share groups with their members and what these fetch from.
func (h *Handler) shareGroupDescribe(_ context.Context, c call, req *kmsg.ShareGroupDescribeRequest) {
	refused := func(i int, err *kerr.Error) kmsg.ShareGroupDescribeResponseGroup {
		one := kmsg.NewShareGroupDescribeResponseGroup()
		one.GroupID, one.ErrorCode = req.GroupIDs[i], err.Code
		return one
	}
	parts := newGather(len(req.GroupIDs), refused, func(described []kmsg.ShareGroupDescribeResponseGroup) {
		resp := kmsg.NewPtrShareGroupDescribeResponse()
		for i, each := range described {
			switch {
			case each.ErrorCode != 0:
			case !h.mayDescribeShared(c, each.Members):
				each = refused(i, kerr.TopicAuthorizationFailed)
			case req.IncludeAuthorizedOperations:
				each.AuthorizedOperations = h.operations(c, ResourceGroup, each.GroupID)
			}
			resp.Groups = append(resp.Groups, each)
		}
		c.reply(resp)
	})
	for i, to := range parts.callers() {
		switch id := req.GroupIDs[i]; {
		case h.Controller.Image().FeatureLevel(metadata.ShareVersion) < 1:
			to.Refuse(kerr.UnsupportedVersion)
		case !h.mayGroup(c, OpDescribe, id):
			to.Refuse(kerr.GroupAuthorizationFailed)
		case id == "":
			to.Refuse(kerr.InvalidGroupID)
		default:
			h.Groups.Do(id, to, func(m *group.Machine, _ time.Time) coord.Effects { return m.DescribeShare(to, id) })
		}
	}
}

// mayDescribeShared says whether a client may see all the topics that members subscribe to or have.
func (h *Handler) mayDescribeShared(c call, members []kmsg.ShareGroupDescribeResponseGroupMember) bool {
	for _, m := range members {
		for _, topic := range m.SubscribedTopicNames {
			if !h.mayTopic(c, OpDescribe, topic) {
				return false
			}
		}
		for _, topic := range m.Assignment.TopicPartitions {
			if !h.mayTopic(c, OpDescribe, topic.Topic) {
				return false
			}
		}
	}
	return true
}
