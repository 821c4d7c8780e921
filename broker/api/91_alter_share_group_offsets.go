package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group"
	"odradek/broker/metadata"
	"odradek/broker/share/state"
)

// AlterShareGroupOffsets, key 91, version 0 (KIP-932): a share group without members begins elsewhere in partitions. A group that is not there
// is made, as long as one of the topics is.
func (h *Handler) alterShareGroupOffsets(_ context.Context, c call, req *kmsg.AlterShareGroupOffsetsRequest) {
	resp := kmsg.NewPtrAlterShareGroupOffsetsResponse()
	h.inBackground(func(ctx context.Context) {
		defer c.reply(resp)
		known, text, err := h.shareTopics(ctx, req.GroupID)
		switch {
		case !h.mayGroup(c, OpRead, req.GroupID):
			err, text = kerr.GroupAuthorizationFailed, nil
		case req.GroupID == "":
			err, text = kerr.InvalidGroupID, &kerr.InvalidGroupID.Description
		case known.Missing:
			err = nil
		case err == nil && !known.Empty:
			err, text = kerr.NonEmptyGroup, &kerr.NonEmptyGroup.Description
		}
		if err != nil {
			resp.ErrorCode, resp.ErrorMessage = err.Code, text
			return
		}
		for _, topic := range req.Topics {
			resp.Topics = append(resp.Topics, h.alterShareTopic(ctx, c, req.GroupID, topic))
		}
	})
}

func (h *Handler) alterShareTopic(ctx context.Context, c call, id string, topic kmsg.AlterShareGroupOffsetsRequestTopic) kmsg.AlterShareGroupOffsetsResponseTopic {
	answer := kmsg.NewAlterShareGroupOffsetsResponseTopic()
	answer.Topic = topic.Topic
	found, err := h.topicFor(c, OpRead, h.Controller.Image(), false, metadata.UUID{}, topic.Topic)
	if found != nil {
		answer.TopicID = found.ID
	}
	if err == nil {
		// First it is noted that the share coordinator may know of the topic, so that it will be made to forget it with the group.
		err = h.beginShareTopic(ctx, id, found.ID)
	}
	keys := make([]state.Key, len(topic.Partitions))
	for i, part := range topic.Partitions {
		keys[i] = state.Key{Group: id, Topic: answer.TopicID, Partition: part.Partition}
	}
	errs := eachShare(keys, func(i int, key state.Key) error {
		switch {
		case err != nil:
			return err
		case found.Partition(key.Partition) == nil:
			return kerr.UnknownTopicOrPartition
		}
		before, err := h.ShareStore.Summary(ctx, key)
		if err != nil {
			return err
		}
		return h.ShareStore.Initialize(ctx, key, before.StateEpoch+1, topic.Partitions[i].StartOffset)
	})
	for i, part := range topic.Partitions {
		one := kmsg.NewAlterShareGroupOffsetsResponseTopicPartition()
		one.Partition = part.Partition
		if errs[i] != nil {
			one.ErrorCode, one.ErrorMessage = errs[i].Code, &errs[i].Description
		}
		answer.Partitions = append(answer.Partitions, one)
	}
	return answer
}

func (h *Handler) beginShareTopic(ctx context.Context, id string, topic metadata.UUID) error {
	answer, err := h.askGroup(ctx, id, func(m *group.Machine, to coord.Caller, _ time.Time) coord.Effects {
		return m.BeginShareTopic(to, id, topic)
	})
	if err != nil {
		return err
	}
	if refused := answer.(group.ShareTopics).Err; refused != nil {
		return refused
	}
	return nil
}
