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
type groups struct{ *coord.Runtime[*group.Machine] }

func (b *Broker) openGroups() {
	c := b.node.Groups
	cfg := &group.Config{
		InitialRebalanceDelay: c.InitialRebalanceDelay, SessionTimeoutMin: c.SessionTimeoutMin, SessionTimeoutMax: c.SessionTimeoutMax,
		SizeMax: int(c.SizeMax), OffsetsRetention: c.Retention, ExpiryInterval: c.RetentionCheckInterval,
		MetadataBytesMax: int(c.MetadataBytesMax), NewID: uuid.NewString,
	}
	b.groups = &groups{coord.New(coord.Config[*group.Machine]{
		NodeID: b.node.ID, Topic: api.GroupTopic,
		Partition: func(topicID metadata.UUID, index int32) (coord.Partition, error) {
			return b.replicas.Partition(topicID, index)
		},
		New:       func() *group.Machine { return group.New(cfg) },
		LoadBytes: int(c.LoadBytes), CommitTimeout: c.CommitTimeout, Codec: record.Codec(c.TopicCodec),
		Logger: b.options.Logger.With("component", "groups"),
	})}
}

// Apply follows the metadata: leaderships come and go, and the offsets of deleted topics with them.
func (g *groups) Apply(img *metadata.Image, delta *metadata.Delta) {
	g.Runtime.Apply(img, delta)
	var gone []string
	for _, topic := range delta.Topics {
		if topic.Deleted && img.Topics[topic.Name] == nil {
			gone = append(gone, topic.Name)
		}
	}
	if len(gone) > 0 {
		g.Background(func(m *group.Machine, _ time.Time) coord.Effects { return m.TopicsDeleted(gone) })
	}
}
