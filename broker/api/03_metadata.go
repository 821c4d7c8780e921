package api

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// Metadata, key 3, versions 0 to 13: the nodes that are alive, and topics with their leaders, from this node's image.
//
//	v0   an empty list of topics is all of them         v8   authorized operations (KIP-430); of the cluster until v10
//	v1   null is all of them, an empty list none        v10  topic ids are told (KIP-516)
//	v4   the client says whether topics may be made     v12  topics by id
//	v5   replicas that are offline                      v13  a top-level error (not used)
//	v7   leader epochs
func (h *Handler) metadata(_ context.Context, c call, req *kmsg.MetadataRequest) *kmsg.MetadataResponse {
	resp := kmsg.NewPtrMetadataResponse()
	if c.Version < 12 && slices.ContainsFunc(req.Topics, func(t kmsg.MetadataRequestTopic) bool { return t.TopicID != metadata.UUID{} }) {
		resp.Topics = refuseIDs(req.Topics)
		resp.ControllerID = -1
		return resp
	}
	img := h.Controller.Image()
	resp.Topics = h.metadataTopics(c, req, img)
	for _, b := range aliveBrokers(img) {
		broker := kmsg.NewMetadataResponseBroker()
		broker.NodeID, broker.Host, broker.Port, broker.Rack = b.ID, b.Host, b.Port, nullable(b.Rack)
		resp.Brokers = append(resp.Brokers, broker)
	}
	resp.ClusterID = nullable(img.ClusterID)
	resp.ControllerID = h.controllerID()
	if req.IncludeClusterAuthorizedOperations {
		resp.AuthorizedOperations = h.operations(c, ResourceCluster, clusterName)
	}
	return resp
}

// refuseIDs answers versions 10 and 11, which have a field for ids that was not meant to be used yet.
func refuseIDs(topics []kmsg.MetadataRequestTopic) []kmsg.MetadataResponseTopic {
	refused := make([]kmsg.MetadataResponseTopic, len(topics))
	for i, asked := range topics {
		refused[i] = kmsg.NewMetadataResponseTopic()
		name := ""
		if asked.Topic != nil {
			name = *asked.Topic
		}
		refused[i].Topic, refused[i].TopicID, refused[i].ErrorCode = &name, asked.TopicID, kerr.InvalidRequest.Code
	}
	return refused
}

func (h *Handler) metadataTopics(c call, req *kmsg.MetadataRequest, img *metadata.Image) []kmsg.MetadataResponseTopic {
	if req.Topics == nil || c.Version == 0 && len(req.Topics) == 0 {
		return h.allTopics(c, req, img)
	}
	answers := make([]kmsg.MetadataResponseTopic, 0, len(req.Topics))
	// Each topic is answered once: a small request must not ask for a large topic many times over.
	seenNames, seenIDs := make(map[string]bool, len(req.Topics)), make(map[metadata.UUID]bool)
	for i := range req.Topics {
		if id := req.Topics[i].TopicID; id != (metadata.UUID{}) {
			if !seenIDs[id] {
				seenIDs[id] = true
				answers = append(answers, h.metadataByID(c, req, img, id))
			}
			continue
		}
		name := ""
		if req.Topics[i].Topic != nil {
			name = *req.Topics[i].Topic
		}
		if !seenNames[name] {
			seenNames[name] = true
			answers = append(answers, h.metadataByName(c, req, img, name))
		}
	}
	return answers
}

// allTopics are those that the peer may know of, by name.
func (h *Handler) allTopics(c call, req *kmsg.MetadataRequest, img *metadata.Image) []kmsg.MetadataResponseTopic {
	names := sortedTopics(img)
	answers := make([]kmsg.MetadataResponseTopic, 0, len(names))
	for _, name := range names {
		if h.mayTopic(c, OpDescribe, name) {
			answers = append(answers, h.metadataOf(c, req, img, img.Topics[name]))
		}
	}
	return answers
}

func sortedTopics(img *metadata.Image) []string {
	names := make([]string, 0, len(img.Topics))
	for name := range img.Topics {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (h *Handler) metadataByID(c call, req *kmsg.MetadataRequest, img *metadata.Image, id metadata.UUID) kmsg.MetadataResponseTopic {
	topic := img.TopicsByID[id]
	if topic == nil || !h.mayTopic(c, OpDescribe, topic.Name) {
		answer := kmsg.NewMetadataResponseTopic()
		answer.TopicID, answer.ErrorCode = id, kerr.UnknownTopicID.Code
		return answer
	}
	return h.metadataOf(c, req, img, topic)
}

func (h *Handler) metadataByName(c call, req *kmsg.MetadataRequest, img *metadata.Image, name string) kmsg.MetadataResponseTopic {
	answer := kmsg.NewMetadataResponseTopic()
	answer.Topic = &name
	topic := img.Topics[name]
	switch {
	case !h.mayTopic(c, OpDescribe, name):
		answer.ErrorCode = kerr.TopicAuthorizationFailed.Code
	case topic != nil:
		return h.metadataOf(c, req, img, topic)
	case !validTopicName(name):
		answer.ErrorCode = kerr.InvalidTopicException.Code
	case (c.Version < 4 || req.AllowAutoTopicCreation) && h.node.AutoCreateTopics:
		answer.ErrorCode = codeOf(h.createOnAsking(c, name))
	default:
		answer.ErrorCode = kerr.UnknownTopicOrPartition.Code
	}
	return answer
}

func (h *Handler) metadataOf(c call, req *kmsg.MetadataRequest, img *metadata.Image, topic *metadata.Topic) kmsg.MetadataResponseTopic {
	answer := kmsg.NewMetadataResponseTopic()
	answer.Topic, answer.TopicID, answer.IsInternal = &topic.Name, topic.ID, isInternal(topic.Name)
	if req.IncludeTopicAuthorizedOperations {
		answer.AuthorizedOperations = h.operations(c, ResourceTopic, topic.Name)
	}
	answer.Partitions = make([]kmsg.MetadataResponseTopicPartition, len(topic.Partitions))
	for i, p := range topic.Partitions {
		part := &answer.Partitions[i]
		part.Default()
		part.Partition, part.LeaderEpoch = int32(i), p.LeaderEpoch
		part.Leader, part.Replicas, part.ISR, part.OfflineReplicas = p.Leader, p.Replicas, p.ISR, offline(img, p.Replicas)
		if !img.Alive(p.Leader) {
			part.Leader, part.ErrorCode = metadata.NoLeader, kerr.LeaderNotAvailable.Code
		}
		if c.Version == 0 {
			onlyAlive(img, part)
		}
	}
	return answer
}

// onlyAlive is how version 0 had it: nodes that are away are left out, and that they are is an error.
func onlyAlive(img *metadata.Image, part *kmsg.MetadataResponseTopicPartition) {
	alive := func(ids []int32) []int32 {
		return slices.DeleteFunc(slices.Clone(ids), func(id int32) bool { return !img.Alive(id) })
	}
	replicas, isr := alive(part.Replicas), alive(part.ISR)
	if part.ErrorCode == 0 && (len(replicas) < len(part.Replicas) || len(isr) < len(part.ISR)) {
		part.ErrorCode = kerr.ReplicaNotAvailable.Code
	}
	part.Replicas, part.ISR = replicas, isr
}
