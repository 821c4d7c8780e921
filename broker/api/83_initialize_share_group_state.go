package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/share/state"
)

// InitializeShareGroupState, key 83, version 0: a group's coordinator begins share-partitions, or begins them anew with a higher state epoch. It
// is asked by brokers.
func (h *Handler) initializeShareGroupState(_ context.Context, c call, req *kmsg.InitializeShareGroupStateRequest) {
	var keys []state.Key
	var asked []kmsg.InitializeShareGroupStateRequestTopicPartition
	for _, topic := range req.Topics {
		for _, part := range topic.Partitions {
			keys, asked = append(keys, state.Key{Group: req.GroupID, Topic: topic.TopicID, Partition: part.Partition}), append(asked, part)
		}
	}
	resp := kmsg.NewPtrInitializeShareGroupStateResponse()
	if req.GroupID == "" {
		c.reply(resp)
		return
	}
	h.askShareStates(c, keys, func(i int, m *state.Machine, to coord.Caller, now time.Time) coord.Effects {
		return m.Initialize(to, keys[i], asked[i].StateEpoch, asked[i].StartOffset, now)
	}, func(answers []shareAnswer) {
		for _, topic := range req.Topics {
			t := kmsg.NewInitializeShareGroupStateResponseTopic()
			t.TopicID = topic.TopicID
			for _, part := range topic.Partitions {
				one := kmsg.NewInitializeShareGroupStateResponseTopicPartition()
				one.Partition, one.ErrorCode, one.ErrorMessage = part.Partition, answers[0].code, answers[0].text
				t.Partitions, answers = append(t.Partitions, one), answers[1:]
			}
			resp.Topics = append(resp.Topics, t)
		}
		c.reply(resp)
	})
}
