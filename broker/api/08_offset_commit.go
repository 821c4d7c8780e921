package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group"
)

// OffsetCommit, key 8, versions 2 to 10: answered when the offsets are committed to the offsets topic.
//
//	v2–v4  a time to keep the offsets for     v7  static members     v10  topics by id
//	v6     the leader epoch of the offset     v9  GROUP_ID_NOT_FOUND
func (h *Handler) offsetCommit(_ context.Context, c call, req *kmsg.OffsetCommitRequest) {
	if !h.mayGroup(c, OpRead, req.Group) {
		c.reply(group.CommitResponse(req, kerr.GroupAuthorizationFailed))
		return
	}
	known, refused := h.committable(c, req)
	if len(known.Topics) == 0 {
		c.reply(refused)
		return
	}
	to := committer{asker[*kmsg.OffsetCommitResponse]{c, func(err *kerr.Error) *kmsg.OffsetCommitResponse {
		return group.CommitResponse(known, err)
	}}, refused}
	h.Groups.Do(req.Group, to, func(m *group.Machine, now time.Time) coord.Effects { return m.Commit(to, known, now) })
}

// committable separates the partitions whose offsets may be committed from those that are answered with an error.
func (h *Handler) committable(c call, req *kmsg.OffsetCommitRequest) (known *kmsg.OffsetCommitRequest, refused *kmsg.OffsetCommitResponse) {
	byID := c.Version >= 10
	img := h.Controller.Image()
	some := *req
	some.Topics = nil
	refused = kmsg.NewPtrOffsetCommitResponse()
	for _, asked := range req.Topics {
		topic, err := h.topicFor(c, OpRead, img, byID, asked.TopicID, asked.Topic)
		kept, answer := asked, kmsg.NewOffsetCommitResponseTopic()
		kept.Partitions, answer.Topic, answer.TopicID = nil, asked.Topic, asked.TopicID
		for _, part := range asked.Partitions {
			reason := err
			if reason == nil && topic.Partition(part.Partition) == nil {
				reason = kerr.UnknownTopicOrPartition
			}
			if reason == nil {
				kept.Partitions = append(kept.Partitions, part)
				continue
			}
			one := kmsg.NewOffsetCommitResponseTopicPartition()
			one.Partition, one.ErrorCode = part.Partition, codeOf(reason)
			answer.Partitions = append(answer.Partitions, one)
		}
		if len(kept.Partitions) > 0 {
			kept.Topic = topic.Name
			some.Topics = append(some.Topics, kept)
		}
		if len(answer.Partitions) > 0 {
			refused.Topics = append(refused.Topics, answer)
		}
	}
	return &some, refused
}

// committer puts the coordinator's answer behind what was refused before.
type committer struct {
	asker[*kmsg.OffsetCommitResponse]
	before *kmsg.OffsetCommitResponse
}

func (o committer) Answer(response any)    { o.merge(response.(*kmsg.OffsetCommitResponse)) }
func (o committer) Refuse(err *kerr.Error) { o.merge(o.refused(err)) }

func (o committer) merge(resp *kmsg.OffsetCommitResponse) {
	at := make(map[string]int, len(o.before.Topics))
	for i, topic := range o.before.Topics {
		at[topic.Topic+string(topic.TopicID[:])] = i
	}
	for _, topic := range resp.Topics {
		if o.Version >= 10 {
			topic.Topic = ""
		}
		if i, ok := at[topic.Topic+string(topic.TopicID[:])]; ok {
			o.before.Topics[i].Partitions = append(o.before.Topics[i].Partitions, topic.Partitions...)
			continue
		}
		o.before.Topics = append(o.before.Topics, topic)
	}
	o.reply(o.before)
}
