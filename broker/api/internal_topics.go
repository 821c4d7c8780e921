package api

import (
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// GroupTopic is the internal topic that holds groups and their offsets.
const GroupTopic = "__consumer_offsets"

// isInternal says of a topic's name that the topic is the cluster's own: clients may read it, and not write.
func isInternal(name string) bool { return name == GroupTopic || name == "__transaction_state" }

// newTopic is the request to create a topic that somebody asked for: with the defaults, or, for the group coordinator's, as its
// keys say.
//
// Where Kafka refuses to make the topic while there are fewer nodes than offsets.topic.replication.factor says, which by default is 3,
// the factor is at most as many nodes as the cluster is meant to have: a node alone has groups too.
func (h *Handler) newTopic(name string, img *metadata.Image) kmsg.CreateTopicsRequestTopic {
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, -1, -1
	if name != GroupTopic {
		return topic
	}
	groups := h.node.Groups
	meant := max(len(h.node.Voters), len(img.Brokers), 1)
	topic.NumPartitions, topic.ReplicationFactor = groups.TopicPartitions, int16(min(int(groups.TopicReplicationFactor), meant))
	for _, pair := range [][2]string{
		{"cleanup.policy", "compact"},
		{"compression.type", "producer"},
		{"segment.bytes", strconv.Itoa(int(groups.TopicSegmentBytes))},
	} {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = pair[0], &pair[1]
		topic.Configs = append(topic.Configs, c)
	}
	return topic
}
