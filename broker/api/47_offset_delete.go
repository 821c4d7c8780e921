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

// OffsetDelete, key 47, version 0: forgets committed offsets of topics that no member subscribes to (KIP-496).
func (h *Handler) offsetDelete(_ context.Context, c call, req *kmsg.OffsetDeleteRequest) {
	refuse := func(err *kerr.Error) *kmsg.OffsetDeleteResponse {
		resp := kmsg.NewPtrOffsetDeleteResponse()
		resp.ErrorCode = err.Code
		return resp
	}
	if !h.mayGroup(c, OpDelete, req.Group) {
		c.reply(refuse(kerr.GroupAuthorizationFailed))
		return
	}
	img := h.Controller.Image()
	known := *req
	known.Topics = nil
	refused := kmsg.NewPtrOffsetDeleteResponse()
	for _, asked := range req.Topics {
		topic, err := h.topicFor(c, OpRead, img, false, metadata.UUID{}, asked.Topic)
		kept, answer := asked, kmsg.NewOffsetDeleteResponseTopic()
		kept.Partitions, answer.Topic = nil, asked.Topic
		for _, part := range asked.Partitions {
			reason := err
			if reason == nil && topic.Partition(part.Partition) == nil {
				reason = kerr.UnknownTopicOrPartition
			}
			if reason == nil {
				kept.Partitions = append(kept.Partitions, part)
				continue
			}
			one := kmsg.NewOffsetDeleteResponseTopicPartition()
			one.Partition, one.ErrorCode = part.Partition, codeOf(reason)
			answer.Partitions = append(answer.Partitions, one)
		}
		if len(kept.Partitions) > 0 {
			known.Topics = append(known.Topics, kept)
		}
		if len(answer.Partitions) > 0 {
			refused.Topics = append(refused.Topics, answer)
		}
	}
	to := offsetDeleter{asker[*kmsg.OffsetDeleteResponse]{c, refuse}, refused}
	h.Groups.Do(req.Group, to, func(m *group.Machine, now time.Time) coord.Effects { return m.DeleteOffsets(to, &known, now) })
}

// offsetDeleter puts the coordinator's answer behind what was refused before.
type offsetDeleter struct {
	asker[*kmsg.OffsetDeleteResponse]
	before *kmsg.OffsetDeleteResponse
}

func (o offsetDeleter) Answer(response any) {
	resp := response.(*kmsg.OffsetDeleteResponse)
	if resp.ErrorCode == 0 {
		resp.Topics = mergeDeleted(o.before.Topics, resp.Topics)
	}
	o.reply(resp)
}

func mergeDeleted(before, after []kmsg.OffsetDeleteResponseTopic) []kmsg.OffsetDeleteResponseTopic {
	at := make(map[string]int, len(before))
	for i, topic := range before {
		at[topic.Topic] = i
	}
	for _, topic := range after {
		if i, ok := at[topic.Topic]; ok {
			before[i].Partitions = append(before[i].Partitions, topic.Partitions...)
			continue
		}
		before = append(before, topic)
	}
	return before
}
