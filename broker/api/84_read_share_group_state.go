package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/share/state"
)

// ReadShareGroupState, key 84, version 0: the leader of a share-partition learns its state, and fences the leaders before it. It is asked by
// brokers.
func (h *Handler) readShareGroupState(_ context.Context, c call, req *kmsg.ReadShareGroupStateRequest) {
	var keys []state.Key
	var epochs []int32
	for _, topic := range req.Topics {
		for _, part := range topic.Partitions {
			keys, epochs = append(keys, state.Key{Group: req.GroupID, Topic: topic.TopicID, Partition: part.Partition}), append(epochs, part.LeaderEpoch)
		}
	}
	resp := kmsg.NewPtrReadShareGroupStateResponse()
	if req.GroupID == "" {
		c.reply(resp)
		return
	}
	h.askShareStates(c, keys, func(i int, m *state.Machine, to coord.Caller, now time.Time) coord.Effects {
		return m.Read(to, keys[i], epochs[i], now)
	}, func(answers []shareAnswer) {
		for _, topic := range req.Topics {
			t := kmsg.NewReadShareGroupStateResponseTopic()
			t.TopicID = topic.TopicID
			for _, part := range topic.Partitions {
				t.Partitions, answers = append(t.Partitions, readShareState(part.Partition, answers[0])), answers[1:]
			}
			resp.Topics = append(resp.Topics, t)
		}
		c.reply(resp)
	})
}

func readShareState(partition int32, answer shareAnswer) kmsg.ReadShareGroupStateResponseTopicPartition {
	one := kmsg.NewReadShareGroupStateResponseTopicPartition()
	one.Partition, one.ErrorCode, one.ErrorMessage = partition, answer.code, answer.text
	one.StateEpoch, one.StartOffset = answer.state.StateEpoch, answer.state.StartOffset
	for _, b := range answer.state.Batches {
		batch := kmsg.NewReadShareGroupStateResponseTopicPartitionStateBatch()
		batch.FirstOffset, batch.LastOffset, batch.DeliveryState, batch.DeliveryCount = b.First, b.Last, b.State, b.DeliveryCount
		one.StateBatches = append(one.StateBatches, batch)
	}
	return one
}
