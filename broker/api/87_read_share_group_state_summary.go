package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/share/state"
)

// ReadShareGroupStateSummary, key 87, versions 0 to 1: how far share-partitions are, for a group's coordinator. It is asked by brokers.
//
//	v1  how many records in flight are done with (KIP-1226)
func (h *Handler) readShareGroupStateSummary(_ context.Context, c call, req *kmsg.ReadShareGroupStateSummaryRequest) {
	var keys []state.Key
	for _, topic := range req.Topics {
		for _, part := range topic.Partitions {
			keys = append(keys, state.Key{Group: req.GroupID, Topic: topic.TopicID, Partition: part.Partition})
		}
	}
	resp := kmsg.NewPtrReadShareGroupStateSummaryResponse()
	if req.GroupID == "" {
		c.reply(resp)
		return
	}
	h.askShareStates(c, keys, func(i int, m *state.Machine, to coord.Caller, _ time.Time) coord.Effects {
		return m.Summary(to, keys[i])
	}, func(answers []shareAnswer) {
		for _, topic := range req.Topics {
			t := kmsg.NewReadShareGroupStateSummaryResponseTopic()
			t.TopicID = topic.TopicID
			for _, part := range topic.Partitions {
				one := kmsg.NewReadShareGroupStateSummaryResponseTopicPartition()
				one.Partition, one.ErrorCode, one.ErrorMessage = part.Partition, answers[0].code, answers[0].text
				s := answers[0].state
				one.StateEpoch, one.LeaderEpoch, one.StartOffset, one.DeliveryCompleteCount = s.StateEpoch, s.LeaderEpoch, s.StartOffset, s.DeliveryComplete
				t.Partitions, answers = append(t.Partitions, one), answers[1:]
			}
			resp.Topics = append(resp.Topics, t)
		}
		c.reply(resp)
	})
}
