package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// OffsetForLeaderEpoch, key 23, versions 2 to 4: where a leader epoch ends in the leader's log (KIP-101, KIP-320). Consumers use it to
// notice that what they read was truncated.
func (h *Handler) offsetForLeaderEpoch(_ context.Context, c call, req *kmsg.OffsetForLeaderEpochRequest) *kmsg.OffsetForLeaderEpochResponse {
	resp := kmsg.NewPtrOffsetForLeaderEpochResponse()
	img := h.Controller.Image()
	for t := range req.Topics {
		asked := &req.Topics[t]
		topic, err := h.topicFor(c, OpDescribe, img, false, metadata.UUID{}, asked.Topic)
		answer := kmsg.NewOffsetForLeaderEpochResponseTopic()
		answer.Topic = asked.Topic
		for i := range asked.Partitions {
			part := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			part.Partition, part.LeaderEpoch, part.EndOffset = asked.Partitions[i].Partition, -1, -1
			partErr := err
			if partErr == nil {
				partErr = h.epochEnd(topic, &asked.Partitions[i], &part)
			}
			part.ErrorCode = codeFor(c, partErr)
			answer.Partitions = append(answer.Partitions, part)
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return resp
}

func (h *Handler) epochEnd(topic *metadata.Topic, asked *kmsg.OffsetForLeaderEpochRequestTopicPartition, part *kmsg.OffsetForLeaderEpochResponseTopicPartition) error {
	partition, err := h.partitionOf(topic, asked.Partition)
	if err != nil {
		return err
	}
	end, err := partition.OffsetForLeaderEpoch(asked.CurrentLeaderEpoch, asked.LeaderEpoch)
	if err != nil {
		return err
	}
	part.LeaderEpoch, part.EndOffset = end.Epoch, end.EndOffset
	return nil
}
