package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// DeleteTopics, key 20, versions 1 to 6: decided by the active controller.
//
//	v5  error messages, quotas of changes are told by an error (KIP-599)     v6  topics by id as well as by name
func (h *Handler) deleteTopics(ctx context.Context, c call, req *kmsg.DeleteTopicsRequest) *kmsg.DeleteTopicsResponse {
	resp := kmsg.NewPtrDeleteTopicsResponse()
	wanted := req.Topics
	if c.Version < 6 {
		for _, name := range req.TopicNames {
			topic := kmsg.NewDeleteTopicsRequestTopic()
			topic.Topic = &name
			wanted = append(wanted, topic)
		}
	}
	img := h.Controller.Image()
	forward := kmsg.NewPtrDeleteTopicsRequest()
	forward.Version, forward.TimeoutMillis = 6, req.TimeoutMillis
	times := countTopics(wanted)
	for _, topic := range wanted {
		key := keyOf(topic)
		err := h.mayDelete(c, img, topic)
		if err == nil && times[key] > 1 {
			err = kerr.InvalidRequest
		}
		switch {
		case times[key] == 0: // answered already
		case err != nil:
			resp.Topics = append(resp.Topics, undeleted(topic, err))
		case !c.meter.mutate(partitionsOf(img, topic), c.Version >= 5):
			resp.Topics = append(resp.Topics, undeleted(topic, kerr.ThrottlingQuotaExceeded))
		default:
			forward.Topics = append(forward.Topics, topic)
		}
		times[key] = 0
	}
	if len(forward.Topics) == 0 {
		return resp
	}
	decided, err := ask[*kmsg.DeleteTopicsResponse](ctx, h, req.TimeoutMillis, forward)
	if err != nil {
		for _, topic := range forward.Topics {
			resp.Topics = append(resp.Topics, undeleted(topic, err))
		}
		return resp
	}
	resp.Topics = append(resp.Topics, decided.Topics...)
	return resp
}

// partitionsOf is how many partitions go with a topic.
func partitionsOf(img *metadata.Image, wanted kmsg.DeleteTopicsRequestTopic) int {
	topic := img.TopicsByID[wanted.TopicID]
	if wanted.Topic != nil {
		topic = img.Topics[*wanted.Topic]
	}
	if topic == nil {
		return 0
	}
	return len(topic.Partitions)
}

func (h *Handler) mayDelete(c call, img *metadata.Image, wanted kmsg.DeleteTopicsRequestTopic) error {
	switch {
	case !h.node.DeleteTopics && c.Version < 3:
		return kerr.InvalidRequest
	case !h.node.DeleteTopics:
		return kerr.TopicDeletionDisabled
	case wanted.Topic != nil && !h.mayTopic(c, OpDelete, *wanted.Topic):
		return kerr.TopicAuthorizationFailed
	case wanted.Topic != nil:
		return nil
	}
	topic := img.TopicsByID[wanted.TopicID]
	if topic == nil || h.mayTopic(c, OpDelete, topic.Name) {
		return nil
	}
	if !h.mayTopic(c, OpDescribe, topic.Name) {
		return kerr.UnknownTopicID
	}
	return kerr.TopicAuthorizationFailed
}

// deletion names a topic in the way that a request did.
type deletion struct {
	name string
	id   metadata.UUID
}

func keyOf(topic kmsg.DeleteTopicsRequestTopic) deletion {
	if topic.Topic != nil {
		return deletion{name: "name " + *topic.Topic}
	}
	return deletion{id: topic.TopicID}
}

// countTopics finds what is named more than once: it is answered once, as an error.
func countTopics(topics []kmsg.DeleteTopicsRequestTopic) map[deletion]int {
	times := make(map[deletion]int, len(topics))
	for _, topic := range topics {
		times[keyOf(topic)]++
	}
	return times
}

func undeleted(topic kmsg.DeleteTopicsRequestTopic, err error) kmsg.DeleteTopicsResponseTopic {
	answer := kmsg.NewDeleteTopicsResponseTopic()
	answer.Topic, answer.TopicID, answer.ErrorCode, answer.ErrorMessage = topic.Topic, topic.TopicID, codeOf(err), messageOf(err)
	return answer
}
