package api

import (
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// GroupTopic is the internal topic that holds groups and their offsets.
const GroupTopic = "__consumer_offsets"

// TransactionTopic is the internal topic that holds the state of transactional ids.
const TransactionTopic = "__transaction_state"

// ShareTopic is the internal topic that holds the state of share-partitions.
const ShareTopic = "__share_group_state"

// isInternal says of a topic's name that the topic is the cluster's own: clients may read it, and not write.
func isInternal(name string) bool {
	return name == GroupTopic || name == TransactionTopic || name == ShareTopic
}

// segmentBytes is the setting for segments of a coordinator's topic. Where they are smaller than Kafka takes, it is by the key that
// universes use.
func segmentBytes(bytes int32) [2]string {
	if bytes < segmentBytesMin {
		return [2]string{"internal.segment.bytes", strconv.Itoa(int(bytes))}
	}
	return [2]string{"segment.bytes", strconv.Itoa(int(bytes))}
}

// segmentBytesMin is the least that segment.bytes may be.
const segmentBytesMin = 1 << 20

// newTopic is the request to create a topic that somebody asked for: with the defaults, or, for those of coordinators, as their
// keys say.
//
// Where Kafka refuses to make such a topic while there are fewer nodes than its replication factor says, which by default is 3,
// the factor is at most as many nodes as the cluster is meant to have: a node alone has groups and transactions too.
func (h *Handler) newTopic(name string, img *metadata.Image) kmsg.CreateTopicsRequestTopic {
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, -1, -1
	var configs [][2]string
	replicas := int16(0)
	switch name {
	case GroupTopic:
		groups := h.node.Groups
		topic.NumPartitions, replicas = groups.TopicPartitions, groups.TopicReplicationFactor
		configs = [][2]string{
			{"cleanup.policy", "compact"},
			{"compression.type", "producer"},
			segmentBytes(groups.TopicSegmentBytes),
		}
	case TransactionTopic:
		transactions := h.node.Transactions
		topic.NumPartitions, replicas = transactions.TopicPartitions, transactions.TopicReplicationFactor
		configs = [][2]string{
			{"cleanup.policy", "compact"},
			{"compression.type", "uncompressed"},
			segmentBytes(transactions.TopicSegmentBytes),
			{"min.insync.replicas", strconv.Itoa(int(transactions.TopicMinISR))},
			{"unclean.leader.election.enable", "false"},
		}
	case ShareTopic:
		shares := h.node.Shares
		topic.NumPartitions, replicas = shares.TopicPartitions, shares.TopicReplicationFactor
		configs = [][2]string{
			{"cleanup.policy", "compact"},
			{"compression.type", "producer"},
			segmentBytes(shares.TopicSegmentBytes),
		}
	default:
		return topic
	}
	topic.ReplicationFactor = int16(min(int(replicas), max(len(h.node.Voters), len(img.Brokers), 1)))
	for _, pair := range configs {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = pair[0], &pair[1]
		topic.Configs = append(topic.Configs, c)
	}
	return topic
}
