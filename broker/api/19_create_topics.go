package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/config"
)

// createTopicsVersion is the version in which the controller is asked, whatever the client's.
const createTopicsVersion = 7

// CreateTopics, key 19, versions 2 to 7: decided by the active controller.
//
//	v4  -1 partitions and replicas are the defaults (KIP-464), which older versions may ask for too
//	v5  the answer tells partitions, replicas and configs (KIP-525)     v7  and the topic's id
//	v6  quotas of changes are told by an error (KIP-599)
func (h *Handler) createTopics(ctx context.Context, c call, req *kmsg.CreateTopicsRequest) *kmsg.CreateTopicsResponse {
	resp := kmsg.NewPtrCreateTopicsResponse()
	everywhere := h.mayCluster(c, OpCreate)
	forward := kmsg.NewPtrCreateTopicsRequest()
	forward.Version, forward.TimeoutMillis, forward.ValidateOnly = createTopicsVersion, req.TimeoutMillis, req.ValidateOnly
	for _, topic := range req.Topics {
		switch {
		case !everywhere && !h.mayTopic(c, OpCreate, topic.Topic):
			resp.Topics = append(resp.Topics, uncreated(topic.Topic, kerr.TopicAuthorizationFailed))
		case !req.ValidateOnly && !c.meter.mutate(h.partitionsWanted(&topic), c.Version >= 6):
			resp.Topics = append(resp.Topics, uncreated(topic.Topic, kerr.ThrottlingQuotaExceeded))
		default:
			forward.Topics = append(forward.Topics, topic)
		}
	}
	if len(forward.Topics) == 0 {
		return resp
	}
	decided, err := ask[*kmsg.CreateTopicsResponse](ctx, h, req.TimeoutMillis, forward)
	if err != nil {
		for _, topic := range forward.Topics {
			resp.Topics = append(resp.Topics, uncreated(topic.Topic, err))
		}
		return resp
	}
	configs := make(map[string][]kmsg.CreateTopicsRequestTopicConfig, len(forward.Topics))
	wanted := make(map[string]int, len(forward.Topics))
	for i := range forward.Topics {
		topic := &forward.Topics[i]
		configs[topic.Topic] = topic.Configs
		wanted[topic.Topic] += h.partitionsWanted(topic)
	}
	for i := range decided.Topics {
		if topic := &decided.Topics[i]; topic.ErrorCode == 0 {
			h.describeCreated(c, topic, configs[topic.Topic])
		} else if !req.ValidateOnly {
			c.meter.mutate(-wanted[topic.Topic], false)
		}
	}
	resp.Topics = append(resp.Topics, decided.Topics...)
	return resp
}

// partitionsWanted is how many partitions a topic is to have.
func (h *Handler) partitionsWanted(topic *kmsg.CreateTopicsRequestTopic) int {
	switch {
	case len(topic.ReplicaAssignment) > 0:
		return len(topic.ReplicaAssignment)
	case topic.NumPartitions == -1:
		return int(h.node.NumPartitions)
	}
	return max(int(topic.NumPartitions), 0)
}

func uncreated(topic string, err error) kmsg.CreateTopicsResponseTopic {
	answer := kmsg.NewCreateTopicsResponseTopic()
	answer.Topic, answer.ErrorCode, answer.ErrorMessage = topic, codeOf(err), messageOf(err)
	answer.NumPartitions, answer.ReplicationFactor = -1, -1
	return answer
}

// describeCreated tells the configuration of a topic that was just created, or would have been.
func (h *Handler) describeCreated(c call, topic *kmsg.CreateTopicsResponseTopic, set []kmsg.CreateTopicsRequestTopicConfig) {
	own := make(map[string]string, len(set))
	for _, each := range set {
		if each.Value != nil {
			own[each.Name] = *each.Value
		}
		if config.HasNoEffect(config.ScopeTopic, each.Name) {
			h.warnInert(topic.Topic, each.Name)
		}
	}
	if c.Version < 5 {
		return
	}
	if !h.mayTopic(c, OpDescribeConfigs, topic.Topic) {
		topic.ConfigErrorCode = kerr.TopicAuthorizationFailed.Code
		topic.NumPartitions, topic.ReplicationFactor = -1, -1
		return
	}
	for _, entry := range h.layers(h.Controller.Image()).DescribeTopic(own) {
		told := kmsg.NewCreateTopicsResponseTopicConfig()
		told.Name, told.Value, told.ReadOnly = entry.Key.Name, entryValue(entry), entry.ReadOnly
		told.Source, told.IsSensitive = int8(entry.Source), entry.Key.Sensitive()
		topic.Configs = append(topic.Configs, told)
	}
}

// warnInert tells the operator of a setting that was accepted and changes nothing yet.
func (h *Handler) warnInert(resource, key string) {
	h.Logger.Warn("a configuration was set that has no effect here yet", "resource", resource, "key", key)
}

func entryValue(e config.Entry) *string {
	if e.Null {
		return nil
	}
	return &e.Value
}
