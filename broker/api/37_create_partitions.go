package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// CreatePartitions, key 37, versions 0 to 3: makes topics larger. Decided by the active controller.
func (h *Handler) createPartitions(ctx context.Context, c call, req *kmsg.CreatePartitionsRequest) *kmsg.CreatePartitionsResponse {
	resp := kmsg.NewPtrCreatePartitionsResponse()
	forward := kmsg.NewPtrCreatePartitionsRequest()
	forward.Version, forward.TimeoutMillis, forward.ValidateOnly = 3, req.TimeoutMillis, req.ValidateOnly
	refuse := func(topic string, err error) {
		answer := kmsg.NewCreatePartitionsResponseTopic()
		answer.Topic, answer.ErrorCode, answer.ErrorMessage = topic, codeOf(err), messageOf(err)
		resp.Topics = append(resp.Topics, answer)
	}
	img := h.Controller.Image()
	for _, topic := range req.Topics {
		if !h.mayTopic(c, OpAlter, topic.Topic) {
			refuse(topic.Topic, kerr.TopicAuthorizationFailed)
			continue
		}
		added := 0
		if known := img.Topics[topic.Topic]; known != nil && !req.ValidateOnly {
			added = max(int(topic.Count)-len(known.Partitions), 0)
		}
		if !c.meter.mutate(added, c.Version >= 3) {
			refuse(topic.Topic, kerr.ThrottlingQuotaExceeded)
			continue
		}
		forward.Topics = append(forward.Topics, topic)
	}
	if len(forward.Topics) == 0 {
		return resp
	}
	decided, err := ask[*kmsg.CreatePartitionsResponse](ctx, h, req.TimeoutMillis, forward)
	if err != nil {
		for _, topic := range forward.Topics {
			refuse(topic.Topic, err)
		}
		return resp
	}
	resp.Topics = append(resp.Topics, decided.Topics...)
	return resp
}
