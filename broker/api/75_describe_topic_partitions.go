package api

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// DescribeTopicPartitions, key 75, version 0: partitions with their eligible leaders (KIP-966), a page at a time. Topics come in the
// order of their names; the cursor names the first partition of the next page.
func (h *Handler) describeTopicPartitions(_ context.Context, c call, req *kmsg.DescribeTopicPartitionsRequest) *kmsg.DescribeTopicPartitionsResponse {
	resp := kmsg.NewPtrDescribeTopicPartitionsResponse()
	img := h.Controller.Image()
	names, err := pageTopics(img, req)
	if err != nil {
		for _, asked := range req.Topics {
			topic := kmsg.NewDescribeTopicPartitionsResponseTopic()
			topic.Topic, topic.ErrorCode = &asked.Topic, codeOf(err)
			resp.Topics = append(resp.Topics, topic)
		}
		return resp
	}
	left := int(max(min(h.node.DescribePartitionsMax, req.ResponsePartitionLimit), 1))
	for _, name := range names {
		if len(req.Topics) == 0 && !h.mayTopic(c, OpDescribe, name) {
			continue
		}
		first := int32(0)
		if req.Cursor != nil && req.Cursor.Topic == name {
			first = req.Cursor.Partition
		}
		if left == 0 {
			resp.NextCursor = cursorAt(name, first)
			break
		}
		topic := h.describeTopic(c, img, name, first, left)
		resp.Topics = append(resp.Topics, topic)
		left -= len(topic.Partitions)
		if next := first + int32(len(topic.Partitions)); left == 0 && img.Topics[name].Partition(next) != nil {
			resp.NextCursor = cursorAt(name, next)
			break
		}
	}
	return resp
}

// pageTopics are the topics that may be on the page: those asked for, or all, from the cursor's on.
func pageTopics(img *metadata.Image, req *kmsg.DescribeTopicPartitionsRequest) ([]string, error) {
	var names []string
	for _, asked := range req.Topics {
		names = append(names, asked.Topic)
	}
	if len(req.Topics) == 0 {
		names = sortedTopics(img)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if req.Cursor == nil {
		return names, nil
	}
	at, found := slices.BinarySearch(names, req.Cursor.Topic)
	if req.Cursor.Partition < 0 || !found && len(req.Topics) > 0 {
		return nil, kerr.InvalidRequest
	}
	return names[at:], nil
}

func cursorAt(topic string, partition int32) *kmsg.DescribeTopicPartitionsResponseNextCursor {
	cursor := kmsg.NewDescribeTopicPartitionsResponseNextCursor()
	cursor.Topic, cursor.Partition = topic, partition
	return &cursor
}

func (h *Handler) describeTopic(c call, img *metadata.Image, name string, first int32, limit int) kmsg.DescribeTopicPartitionsResponseTopic {
	answer := kmsg.NewDescribeTopicPartitionsResponseTopic()
	answer.Topic = &name
	topic := img.Topics[name]
	switch {
	case !h.mayTopic(c, OpDescribe, name):
		answer.ErrorCode = kerr.TopicAuthorizationFailed.Code
		return answer
	case topic == nil && !validTopicName(name):
		answer.ErrorCode = kerr.InvalidTopicException.Code
	case topic == nil:
		answer.ErrorCode = kerr.UnknownTopicOrPartition.Code
	}
	answer.AuthorizedOperations = h.operations(c, ResourceTopic, name)
	if topic == nil {
		return answer
	}
	answer.TopicID, answer.IsInternal = topic.ID, isInternal(name)
	end := min(int64(len(topic.Partitions)), int64(first)+int64(limit))
	for index := int64(first); index < end; index++ {
		answer.Partitions = append(answer.Partitions, describePartition(img, topic, int32(index)))
	}
	return answer
}

func describePartition(img *metadata.Image, topic *metadata.Topic, index int32) kmsg.DescribeTopicPartitionsResponseTopicPartition {
	p := topic.Partitions[index]
	answer := kmsg.NewDescribeTopicPartitionsResponseTopicPartition()
	answer.Partition, answer.LeaderID, answer.LeaderEpoch = index, p.Leader, p.LeaderEpoch
	answer.Replicas, answer.ISR, answer.OfflineReplicas = p.Replicas, p.ISR, offline(img, p.Replicas)
	// Empty, never null: Java's admin client takes null for a broker's mistake and fails.
	answer.EligibleLeaderReplicas, answer.LastKnownELR = append([]int32{}, p.ELR...), []int32{}
	if p.LastKnownLeader >= 0 {
		answer.LastKnownELR = []int32{p.LastKnownLeader}
	}
	if !img.Alive(p.Leader) {
		answer.LeaderID, answer.ErrorCode = metadata.NoLeader, kerr.LeaderNotAvailable.Code
	}
	return answer
}
