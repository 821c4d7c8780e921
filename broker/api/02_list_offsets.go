package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
	"odradek/broker/replica"
)

// ListOffsets, key 2, versions 1 to 11: the offset of a time, or of one of the times that are none: latest, earliest and so on.
// Each of those came with a version; an older version can't ask for it.
//
//	v2  isolation level     v4  current leader epoch, and the offset's epoch     v10  timeout (nothing here is remote: not used)
func (h *Handler) listOffsets(_ context.Context, c call, req *kmsg.ListOffsetsRequest) *kmsg.ListOffsetsResponse {
	resp := kmsg.NewPtrListOffsetsResponse()
	img := h.Controller.Image()
	isolation := replica.HighWatermark
	switch {
	case req.ReplicaID >= 0:
		isolation = replica.LogEnd
	case req.IsolationLevel == 1:
		isolation = replica.Committed
	}
	for t := range req.Topics {
		asked := &req.Topics[t]
		topic, err := h.topicFor(c, OpDescribe, img, false, metadata.UUID{}, asked.Topic)
		answer := kmsg.NewListOffsetsResponseTopic()
		answer.Topic = asked.Topic
		times := countPartitions(asked.Partitions)
		for i := range asked.Partitions {
			index := asked.Partitions[i].Partition
			if times[index] == 0 {
				continue // answered already, as named twice
			}
			part := kmsg.NewListOffsetsResponseTopicPartition()
			part.Partition = index
			part.Timestamp, part.Offset, part.LeaderEpoch = -1, -1, -1
			partErr := err
			switch {
			case times[index] > 1:
				partErr = kerr.InvalidRequest
			case !timestampKnown(asked.Partitions[i].Timestamp, c.Version):
				partErr = kerr.UnsupportedVersion
			case err == nil:
				partErr = h.listOffset(topic, &asked.Partitions[i], isolation, &part)
			}
			times[index] = 0
			part.ErrorCode = codeFor(c, partErr)
			answer.Partitions = append(answer.Partitions, part)
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return resp
}

func countPartitions(partitions []kmsg.ListOffsetsRequestTopicPartition) map[int32]int {
	times := make(map[int32]int, len(partitions))
	for i := range partitions {
		times[partitions[i].Partition]++
	}
	return times
}

func (h *Handler) listOffset(topic *metadata.Topic, asked *kmsg.ListOffsetsRequestTopicPartition, isolation replica.Isolation, part *kmsg.ListOffsetsResponseTopicPartition) error {
	partition, err := h.partitionOf(topic, asked.Partition)
	if err != nil {
		return err
	}
	found, err := partition.ListOffset(asked.CurrentLeaderEpoch, isolation, asked.Timestamp)
	if err != nil {
		return err
	}
	part.Offset, part.Timestamp, part.LeaderEpoch = found.Offset, found.Timestamp, found.LeaderEpoch
	return nil
}

// timestampKnown says whether a version can ask for a time.
func timestampKnown(timestamp int64, version int16) bool {
	switch timestamp {
	case replica.TimestampMax:
		return version >= 7
	case replica.TimestampEarliestLocal:
		return version >= 8
	case replica.TimestampLatestTiered:
		return version >= 9
	case replica.TimestampEarliestPendingUpload:
		return version >= 11
	}
	return timestamp >= replica.TimestampEarliest
}
