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

// The versions of OffsetFetch in which its form changes.
const (
	fetchGroupError    = 2  // an error of the whole group, and null for all topics
	fetchBatched       = 8  // several groups (KIP-709)
	fetchTopicsByID    = 10 // topics by id
	offsetUnknown      = -1 // where nothing is committed
	offsetEpochUnknown = -1
)

// OffsetFetch, key 9, versions 1 to 10: the committed offsets of groups. Null topics are all topics.
//
//	v2  all topics, and an error of its own for the group     v8  several groups (KIP-709)
//	v5  the leader epoch of the offset                        v9  the member that asks (KIP-848)
//	v7  UNSTABLE_OFFSET_COMMIT, for who asks                  v10 topics by id
func (h *Handler) offsetFetch(_ context.Context, c call, req *kmsg.OffsetFetchRequest) {
	groups := req.Groups
	if c.Version < fetchBatched {
		groups = []kmsg.OffsetFetchRequestGroup{batched(req)}
	}
	img := h.Controller.Image()
	parts := newGather(len(groups), func(i int, err *kerr.Error) kmsg.OffsetFetchResponseGroup {
		return refusedOffsets(groups[i], c.Version, err)
	}, func(parts []kmsg.OffsetFetchResponseGroup) { c.reply(offsetsResponse(c.Version, parts)) })
	for i, to := range parts.callers() {
		asked, refused, err := h.fetchable(c, img, groups[i])
		if err != nil {
			to.Refuse(err)
			continue
		}
		to = offsetFetcher{to, c.Version, img, refused}
		if asked.Topics != nil && len(asked.Topics) == 0 && len(refused) > 0 {
			empty := kmsg.NewOffsetFetchResponseGroup()
			empty.Group = asked.Group
			to.Answer(empty)
			continue
		}
		h.Groups.Do(asked.Group, to, func(m *group.Machine, _ time.Time) coord.Effects {
			if req.RequireStable {
				return m.FetchStable(to, asked)
			}
			return m.Fetch(to, asked)
		})
	}
}

// batched is the one group of a request of an old version.
func batched(req *kmsg.OffsetFetchRequest) kmsg.OffsetFetchRequestGroup {
	one := kmsg.NewOffsetFetchRequestGroup()
	one.Group = req.Group
	if req.Topics != nil {
		one.Topics = []kmsg.OffsetFetchRequestGroupTopic{}
	}
	for _, topic := range req.Topics {
		t := kmsg.NewOffsetFetchRequestGroupTopic()
		t.Topic, t.Partitions = topic.Topic, topic.Partitions
		one.Topics = append(one.Topics, t)
	}
	return one
}

// fetchable separates the topics whose offsets may be told from those that are answered with an error.
func (h *Handler) fetchable(c call, img *metadata.Image, req kmsg.OffsetFetchRequestGroup) (asked kmsg.OffsetFetchRequestGroup, refused []kmsg.OffsetFetchResponseGroupTopic, err *kerr.Error) {
	if !h.mayGroup(c, OpDescribe, req.Group) {
		return req, nil, kerr.GroupAuthorizationFailed
	}
	if req.Topics == nil {
		return req, nil, nil
	}
	asked = req
	asked.Topics = []kmsg.OffsetFetchRequestGroupTopic{}
	for _, topic := range req.Topics {
		var reason error
		if c.Version >= fetchTopicsByID {
			var found *metadata.Topic
			if found, reason = h.topicFor(c, OpDescribe, img, true, topic.TopicID, ""); reason == nil {
				topic.Topic = found.Name
			}
		} else if !h.mayTopic(c, OpDescribe, topic.Topic) {
			reason = kerr.TopicAuthorizationFailed
		}
		if reason == nil {
			asked.Topics = append(asked.Topics, topic)
			continue
		}
		refused = append(refused, withoutOffsets(topic, codeOf(reason)))
	}
	return asked, refused, nil
}

func withoutOffsets(topic kmsg.OffsetFetchRequestGroupTopic, code int16) kmsg.OffsetFetchResponseGroupTopic {
	answer := kmsg.NewOffsetFetchResponseGroupTopic()
	answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
	for _, index := range topic.Partitions {
		part := kmsg.NewOffsetFetchResponseGroupTopicPartition()
		none := ""
		part.Partition, part.ErrorCode, part.Metadata = index, code, &none
		part.Offset, part.LeaderEpoch = offsetUnknown, offsetEpochUnknown
		answer.Partitions = append(answer.Partitions, part)
	}
	return answer
}

// refusedOffsets answers a group with an error, as its own where the version has that, else as that of each partition.
func refusedOffsets(req kmsg.OffsetFetchRequestGroup, version int16, err *kerr.Error) kmsg.OffsetFetchResponseGroup {
	resp := kmsg.NewOffsetFetchResponseGroup()
	resp.Group = req.Group
	if version >= fetchGroupError {
		resp.ErrorCode = err.Code
		return resp
	}
	for _, topic := range req.Topics {
		resp.Topics = append(resp.Topics, withoutOffsets(topic, err.Code))
	}
	return resp
}

// offsetFetcher completes one group's answer: what was refused before, and ids for names.
type offsetFetcher struct {
	coord.Caller
	version int16
	img     *metadata.Image
	refused []kmsg.OffsetFetchResponseGroupTopic
}

func (o offsetFetcher) Answer(response any) {
	resp := response.(kmsg.OffsetFetchResponseGroup)
	if o.version >= fetchTopicsByID {
		known := resp.Topics[:0]
		for _, topic := range resp.Topics {
			if found := o.img.Topics[topic.Topic]; found != nil {
				topic.Topic, topic.TopicID = "", found.ID
				known = append(known, topic)
			}
		}
		resp.Topics = known
	}
	resp.Topics = append(resp.Topics, o.refused...)
	o.Caller.Answer(resp)
}

// offsetsResponse is the answer in the request's version.
func offsetsResponse(version int16, groups []kmsg.OffsetFetchResponseGroup) *kmsg.OffsetFetchResponse {
	resp := kmsg.NewPtrOffsetFetchResponse()
	if version >= fetchBatched {
		resp.Groups = groups
		return resp
	}
	resp.ErrorCode = groups[0].ErrorCode
	for _, topic := range groups[0].Topics {
		t := kmsg.NewOffsetFetchResponseTopic()
		t.Topic = topic.Topic
		for _, part := range topic.Partitions {
			p := kmsg.NewOffsetFetchResponseTopicPartition()
			p.Partition, p.Offset, p.LeaderEpoch = part.Partition, part.Offset, part.LeaderEpoch
			p.Metadata, p.ErrorCode = part.Metadata, part.ErrorCode
			t.Partitions = append(t.Partitions, p)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}
