package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/share/state"
)

// DeleteShareGroupState, key 86, version 0: a group's coordinator has share-partitions forgotten. It is asked by brokers.
func (h *Handler) deleteShareGroupState(_ context.Context, c call, req *kmsg.DeleteShareGroupStateRequest) {
	var keys []state.Key
	for _, topic := range req.Topics {
		for _, part := range topic.Partitions {
			keys = append(keys, state.Key{Group: req.GroupID, Topic: topic.TopicID, Partition: part.Partition})
		}
	}
	resp := kmsg.NewPtrDeleteShareGroupStateResponse()
	if req.GroupID == "" {
		c.reply(resp)
		return
	}
	h.askShareStates(c, keys, func(i int, m *state.Machine, to coord.Caller, _ time.Time) coord.Effects {
		return m.Delete(to, keys[i])
	}, func(answers []shareAnswer) {
		for _, topic := range req.Topics {
			t := kmsg.NewDeleteShareGroupStateResponseTopic()
			t.TopicID = topic.TopicID
			for _, part := range topic.Partitions {
				one := kmsg.NewDeleteShareGroupStateResponseTopicPartition()
				one.Partition, one.ErrorCode, one.ErrorMessage = part.Partition, answers[0].code, answers[0].text
				t.Partitions, answers = append(t.Partitions, one), answers[1:]
			}
			resp.Topics = append(resp.Topics, t)
		}
		c.reply(resp)
	})
}
