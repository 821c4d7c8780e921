package api

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/config"
	"odradek/broker/metadata"
	"odradek/broker/wire"
)

// topicNameBytesMax is Kafka's limit: a partition's directory, "name-index", has to be a file's name.
const topicNameBytesMax = 249

// validTopicName says whether a topic can have that name: letters, digits, dots, dashes and underscores.
func validTopicName(name string) bool {
	if name == "" || name == "." || name == ".." || len(name) > topicNameBytesMax {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

// findTopic looks a topic up by name or, when byID, by id. The error is Kafka's for what isn't there.
func findTopic(img *metadata.Image, byID bool, id metadata.UUID, name string) (*metadata.Topic, error) {
	if byID {
		if topic := img.TopicsByID[id]; topic != nil {
			return topic, nil
		}
		return nil, kerr.UnknownTopicID
	}
	if topic := img.Topics[name]; topic != nil {
		return topic, nil
	}
	return nil, kerr.UnknownTopicOrPartition
}

// topicFor is findTopic for a peer that wants to do something with the topic. By name, it is authorised first, so that nobody
// learns which topics exist.
func (h *Handler) topicFor(c call, operation Operation, img *metadata.Image, byID bool, id metadata.UUID, name string) (*metadata.Topic, error) {
	if !byID && !h.mayTopic(c, operation, name) {
		return nil, kerr.TopicAuthorizationFailed
	}
	topic, err := findTopic(img, byID, id, name)
	if err == nil && byID && !h.mayTopic(c, operation, topic.Name) {
		return nil, kerr.TopicAuthorizationFailed
	}
	return topic, err
}

// partitionOf finds this node's replica of a partition.
func (h *Handler) partitionOf(topic *metadata.Topic, index int32) (Partition, error) {
	if topic.Partition(index) == nil {
		return nil, kerr.UnknownTopicOrPartition
	}
	return h.Replicas.Partition(topic.ID, index)
}

// layers are the configuration's layers as they are now.
func (h *Handler) layers(img *metadata.Image) config.Layers {
	return h.Static.Layers(
		img.Configs[metadata.ConfigResource{Type: metadata.ResourceBroker}],
		img.Configs[metadata.ConfigResource{Type: metadata.ResourceBroker, Name: strconv.Itoa(int(h.NodeID))}])
}

// aliveBrokers are the nodes that can be talked to, by id.
func aliveBrokers(img *metadata.Image) []*metadata.Broker {
	alive := make([]*metadata.Broker, 0, len(img.Brokers))
	for _, b := range img.Brokers {
		if !b.Fenced {
			alive = append(alive, b)
		}
	}
	slices.SortFunc(alive, func(a, b *metadata.Broker) int { return cmp.Compare(a.ID, b.ID) })
	return alive
}

// offline are the replicas that are not alive.
func offline(img *metadata.Image, replicas []int32) []int32 {
	var gone []int32
	for _, id := range replicas {
		if !img.Alive(id) {
			gone = append(gone, id)
		}
	}
	return gone
}

// controllerID is the active controller's node id, -1 while none is known.
func (h *Handler) controllerID() int32 {
	if id, ok := h.Controller.Leader(); ok {
		return id
	}
	return -1
}

// nullable is nil for what is unknown.
func nullable(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// endpoints are the addresses of leaders that an answer points to (KIP-951), each once.
type endpoints []wire.NodeEndpoint

func (e *endpoints) add(img *metadata.Image, id int32) {
	if !img.Alive(id) || slices.ContainsFunc(*e, func(n wire.NodeEndpoint) bool { return n.NodeID == id }) {
		return
	}
	b := img.Brokers[id]
	*e = append(*e, wire.NodeEndpoint{NodeID: id, Host: b.Host, Port: b.Port, Rack: nullable(b.Rack)})
}

func (e endpoints) forProduce() []kmsg.ProduceResponseBroker {
	var brokers []kmsg.ProduceResponseBroker
	for _, n := range e {
		b := kmsg.NewProduceResponseBroker()
		b.NodeID, b.Host, b.Port, b.Rack = n.NodeID, n.Host, n.Port, n.Rack
		brokers = append(brokers, b)
	}
	return brokers
}
