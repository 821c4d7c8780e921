package api

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/group"
	"odradek/broker/group/assign"
	"odradek/broker/metadata"
	"odradek/broker/share/state"
)

// DescribeShareGroupOffsets, key 90, versions 0 to 1 (KIP-932): before which offset share groups are done with all. Null topics are all that a
// group has to do with.
//
//	v1  how many records are not done with (KIP-1226), -1 when that is not known
func (h *Handler) describeShareGroupOffsets(_ context.Context, c call, req *kmsg.DescribeShareGroupOffsetsRequest) {
	h.inBackground(func(ctx context.Context) {
		resp := kmsg.NewPtrDescribeShareGroupOffsetsResponse()
		for _, asked := range req.Groups {
			resp.Groups = append(resp.Groups, h.shareOffsets(ctx, c, asked))
		}
		c.reply(resp)
	})
}

func (h *Handler) shareOffsets(ctx context.Context, c call, asked kmsg.DescribeShareGroupOffsetsRequestGroup) kmsg.DescribeShareGroupOffsetsResponseGroup {
	answer := kmsg.NewDescribeShareGroupOffsetsResponseGroup()
	answer.GroupID = asked.GroupID
	refuse := func(err *kerr.Error, text *string) kmsg.DescribeShareGroupOffsetsResponseGroup {
		answer.ErrorCode, answer.ErrorMessage = err.Code, text
		return answer
	}
	if !h.mayGroup(c, OpDescribe, asked.GroupID) {
		return refuse(kerr.GroupAuthorizationFailed, nil)
	}
	known, text, err := h.shareTopics(ctx, asked.GroupID)
	if err != nil && err != kerr.GroupIDNotFound { // who is not there has read nothing
		return refuse(err, text)
	}
	topics := asked.Topics
	if topics == nil {
		topics = allShareTopics(known)
	}
	img := h.Controller.Image()
	for _, topic := range topics {
		t := kmsg.NewDescribeShareGroupOffsetsResponseGroupTopic()
		t.Topic = topic.Topic
		found := img.Topics[topic.Topic]
		if found != nil {
			t.TopicID = found.ID
		}
		keys := make([]state.Key, len(topic.Partitions))
		for i, index := range topic.Partitions {
			keys[i] = state.Key{Group: asked.GroupID, Topic: t.TopicID, Partition: index}
		}
		summaries, lags := make([]state.State, len(keys)), make([]int64, len(keys))
		errs := eachShare(keys, func(i int, key state.Key) (err error) {
			lags[i] = -1
			if found == nil {
				summaries[i].StartOffset = -1 // nobody has begun it, as the reference says it
				return nil
			}
			if summaries[i], err = h.ShareStore.Summary(ctx, key); err == nil && c.Version >= 1 {
				lags[i] = h.shareLag(ctx, key, topic.Topic, summaries[i])
			}
			return err
		})
		for i, index := range topic.Partitions {
			one := kmsg.NewDescribeShareGroupOffsetsResponseGroupTopicPartition()
			one.Partition, one.StartOffset, one.LeaderEpoch = index, summaries[i].StartOffset, summaries[i].LeaderEpoch
			one.Lag = lags[i]
			if errs[i] != nil {
				one.StartOffset, one.ErrorCode, one.ErrorMessage = -1, errs[i].Code, &errs[i].Description
			}
			t.Partitions = append(t.Partitions, one)
		}
		answer.Topics = append(answer.Topics, t)
	}
	return answer
}

// shareLag is how many records of a share-partition are not done with, -1 when that is not known.
func (h *Handler) shareLag(ctx context.Context, key state.Key, topic string, s state.State) int64 {
	if s.StartOffset < 0 || s.DeliveryComplete < 0 {
		return -1
	}
	end, err := h.ShareStore.EndOffset(ctx, topic, key.Partition)
	if err != nil {
		return -1
	}
	return max(end-s.StartOffset-int64(s.DeliveryComplete), 0)
}

// allShareTopics are the topics that a group has to do with, in order.
func allShareTopics(known group.ShareTopics) []kmsg.DescribeShareGroupOffsetsRequestGroupTopic {
	ids := make([]metadata.UUID, 0, len(known.Topics))
	for id := range known.Topics {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, assign.CompareTopics)
	var topics []kmsg.DescribeShareGroupOffsetsRequestGroupTopic
	for _, id := range ids {
		t := kmsg.NewDescribeShareGroupOffsetsRequestGroupTopic()
		t.Topic, t.Partitions = known.Topics[id].Name, known.Topics[id].Partitions
		topics = append(topics, t)
	}
	return topics
}
