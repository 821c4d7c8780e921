package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/share/state"
)

// WriteShareGroupState, key 85, versions 0 to 1: the leader of a share-partition says what has changed. It is asked by brokers.
//
//	v1  how many records in flight are done with (KIP-1226)
func (h *Handler) writeShareGroupState(_ context.Context, c call, req *kmsg.WriteShareGroupStateRequest) {
	var keys []state.Key
	var states []state.State
	for _, topic := range req.Topics {
		for _, part := range topic.Partitions {
			keys = append(keys, state.Key{Group: req.GroupID, Topic: topic.TopicID, Partition: part.Partition})
			states = append(states, writtenShareState(c.Version, part))
		}
	}
	resp := kmsg.NewPtrWriteShareGroupStateResponse()
	if req.GroupID == "" {
		c.reply(resp)
		return
	}
	h.askShareStates(c, keys, func(i int, m *state.Machine, to coord.Caller, now time.Time) coord.Effects {
		return m.Write(to, keys[i], states[i], now)
	}, func(answers []shareAnswer) {
		for _, topic := range req.Topics {
			t := kmsg.NewWriteShareGroupStateResponseTopic()
			t.TopicID = topic.TopicID
			for _, part := range topic.Partitions {
				one := kmsg.NewWriteShareGroupStateResponseTopicPartition()
				one.Partition, one.ErrorCode, one.ErrorMessage = part.Partition, answers[0].code, answers[0].text
				t.Partitions, answers = append(t.Partitions, one), answers[1:]
			}
			resp.Topics = append(resp.Topics, t)
		}
		c.reply(resp)
	})
}

func writtenShareState(version int16, part kmsg.WriteShareGroupStateRequestTopicPartition) state.State {
	s := state.State{StateEpoch: part.StateEpoch, LeaderEpoch: part.LeaderEpoch, StartOffset: part.StartOffset, DeliveryComplete: -1}
	if version >= 1 {
		s.DeliveryComplete = part.DeliveryCompleteCount
	}
	for _, b := range part.StateBatches {
		s.Batches = append(s.Batches, state.Batch{First: b.FirstOffset, Last: b.LastOffset, State: b.DeliveryState, DeliveryCount: b.DeliveryCount})
	}
	return s
}
