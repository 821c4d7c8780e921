package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group"
	"odradek/broker/metadata"
)

// DeleteShareGroupOffsets, key 92, version 0 (KIP-932): a share group without members forgets how far it was in topics.
func (h *Handler) deleteShareGroupOffsets(_ context.Context, c call, req *kmsg.DeleteShareGroupOffsetsRequest) {
	resp := kmsg.NewPtrDeleteShareGroupOffsetsResponse()
	h.inBackground(func(ctx context.Context) {
		defer c.reply(resp)
		known, text, err := h.shareTopics(ctx, req.GroupID)
		switch {
		case !h.mayGroup(c, OpDelete, req.GroupID):
			err, text = kerr.GroupAuthorizationFailed, nil
		case req.GroupID == "":
			err, text = kerr.InvalidGroupID, &kerr.InvalidGroupID.Description
		case err == nil && !known.Empty:
			err, text = kerr.NonEmptyGroup, &kerr.NonEmptyGroup.Description
		}
		if err != nil {
			resp.ErrorCode, resp.ErrorMessage = err.Code, text
			return
		}
		for _, topic := range req.Topics {
			resp.Topics = append(resp.Topics, h.deleteShareTopic(ctx, c, req.GroupID, topic.Topic, known))
		}
	})
}

func (h *Handler) deleteShareTopic(ctx context.Context, c call, id, topic string, known group.ShareTopics) kmsg.DeleteShareGroupOffsetsResponseTopic {
	answer := kmsg.NewDeleteShareGroupOffsetsResponseTopic()
	answer.Topic = topic
	found, err := h.topicFor(c, OpRead, h.Controller.Image(), false, metadata.UUID{}, topic)
	if err == nil {
		answer.TopicID = found.ID
		if of, has := known.Topics[found.ID]; has {
			err = h.deleteShareState(ctx, id, found.ID, of)
		}
	}
	if err != nil {
		code := asKafka(err)
		answer.ErrorCode, answer.ErrorMessage = code.Code, &code.Description
	}
	return answer
}

// deleteShareState has the share coordinator forget a topic of a group, and then the group's.
func (h *Handler) deleteShareState(ctx context.Context, id string, topic metadata.UUID, of group.ShareTopic) error {
	if err := h.forgetShares(ctx, id, map[metadata.UUID]group.ShareTopic{topic: of}); err != nil {
		return err
	}
	_, err := h.askGroup(ctx, id, func(m *group.Machine, to coord.Caller, _ time.Time) coord.Effects {
		return m.ForgetShareTopics(to, id, []metadata.UUID{topic})
	})
	if err != nil {
		return err.(*kerr.Error)
	}
	return nil
}
