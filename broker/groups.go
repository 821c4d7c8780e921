package broker

import (
	"time"

	"github.com/google/uuid"

	"odradek/broker/api"
	"odradek/broker/coord"
	"odradek/broker/group"
	"odradek/broker/metadata"
	"odradek/broker/record"
)

// groups is the group coordinator: the shards of the offsets topic that this node leads.
type groups struct {
	*coord.Runtime[*group.Machine]
	// sizes are the partitions of each topic as of the last image.
	sizes map[metadata.UUID]int
}

// resized notes a topic's size, and says whether it is another than before.
func (g *groups) resized(id metadata.UUID, img *metadata.Image) bool {
	before, known := g.sizes[id]
	topic := img.TopicsByID[id]
	if topic == nil {
		delete(g.sizes, id)
		return known
	}
	g.sizes[id] = len(topic.Partitions)
	return len(topic.Partitions) != before
}

func (b *Broker) openGroups() {
	c := b.node.Groups
	cfg := &group.Config{
		InitialRebalanceDelay: c.InitialRebalanceDelay, SessionTimeoutMin: c.SessionTimeoutMin, SessionTimeoutMax: c.SessionTimeoutMax,
		SizeMax: int(c.SizeMax), OffsetsRetention: c.Retention, ExpiryInterval: c.RetentionCheckInterval,
		MetadataBytesMax: int(c.MetadataBytesMax), NewID: uuid.NewString,
		Image: b.controller.Image,
		Consumer: group.ConsumerConfig{
			SizeMax: int(c.Consumer.SizeMax), Assignors: c.Consumer.Assignors, Times: b.consumerTimes,
			Migration: group.Migration{Upgrade: c.Consumer.Upgrade, Downgrade: c.Consumer.Downgrade},
		},
		Share: group.ShareConfig{SizeMax: int(b.node.Shares.GroupSizeMax), Times: b.shareTimes},
	}
	b.groups = &groups{sizes: map[metadata.UUID]int{}, Runtime: coord.New(coord.Config[*group.Machine]{
		NodeID: b.node.ID, Topic: api.GroupTopic,
		Partition: func(topicID metadata.UUID, index int32) (coord.Partition, error) {
			return b.replicas.Partition(topicID, index)
		},
		New:       func() *group.Machine { return group.New(cfg) },
		LoadBytes: int(c.LoadBytes), CommitTimeout: c.CommitTimeout, Codec: record.Codec(c.TopicCodec),
		Logger: b.options.Logger.With("component", "groups"),
	})}
}

// consumerTimes are what a group of KIP-848 has of its own, or the broker's.
func (b *Broker) consumerTimes(id string) group.ConsumerTimes {
	img := b.controller.Image()
	own := img.Configs[metadata.ConfigResource{Type: metadata.ResourceGroup, Name: id}]
	session, heartbeat, assignment := b.layers(img).ConsumerGroup(own)
	return group.ConsumerTimes{SessionTimeout: session, HeartbeatInterval: heartbeat, AssignmentInterval: assignment}
}

// Apply follows the metadata: leaderships come and go, and the offsets of deleted topics with them.
func (g *groups) Apply(img *metadata.Image, delta *metadata.Delta) {
	g.Runtime.Apply(img, delta)
	var gone []string
	changed := false
	for _, topic := range delta.Topics {
		changed = g.resized(topic.ID, img) || changed
		if topic.Deleted && img.Topics[topic.Name] == nil {
			gone = append(gone, topic.Name)
		}
	}
	if len(gone) > 0 {
		g.Background(func(m *group.Machine, _ time.Time) coord.Effects { return m.TopicsDeleted(gone) })
	}
	if changed {
		g.Background(func(m *group.Machine, _ time.Time) coord.Effects { return m.TopicsChanged() })
	}
}
