package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ElectLeaders, key 43, versions 0 to 2: gives partitions to their preferred leaders, or, from version 1, to a replica that may lack
// acknowledged records when there is no other. Decided by the active controller; no topics are all topics.
func (h *Handler) electLeaders(ctx context.Context, c call, req *kmsg.ElectLeadersRequest) *kmsg.ElectLeadersResponse {
	resp := kmsg.NewPtrElectLeadersResponse()
	refuse := func(err error) *kmsg.ElectLeadersResponse {
		resp.ErrorCode = codeOf(err)
		for _, asked := range req.Topics {
			topic := kmsg.NewElectLeadersResponseTopic()
			topic.Topic = asked.Topic
			for _, index := range asked.Partitions {
				part := kmsg.NewElectLeadersResponseTopicPartition()
				part.Partition, part.ErrorCode, part.ErrorMessage = index, codeOf(err), messageOf(err)
				topic.Partitions = append(topic.Partitions, part)
			}
			resp.Topics = append(resp.Topics, topic)
		}
		return resp
	}
	if !h.mayCluster(c, OpAlter) {
		return refuse(kerr.ClusterAuthorizationFailed)
	}
	forward := kmsg.NewPtrElectLeadersRequest()
	forward.Version, forward.TimeoutMillis = 2, req.TimeoutMillis
	forward.ElectionType, forward.Topics = req.ElectionType, req.Topics
	decided, err := ask[*kmsg.ElectLeadersResponse](ctx, h, req.TimeoutMillis, forward)
	if err != nil {
		return refuse(err)
	}
	return decided
}
