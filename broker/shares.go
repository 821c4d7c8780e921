package broker

import (
	"fmt"
	"time"

	"odradek/broker/api"
	"odradek/broker/config"
	"odradek/broker/coord"
	"odradek/broker/group"
	"odradek/broker/metadata"
	"odradek/broker/record"
	"odradek/broker/share"
	"odradek/broker/share/state"
	"odradek/broker/wire"
)

// shares is what this node does for share groups: states is the share coordinator, the shards of the share state topic that it leads.
// partitions are the share-partitions of the partitions that it leads, and persister reaches the coordinators of those.
type shares struct {
	states     *coord.Runtime[*state.Machine]
	persister  *persister
	partitions *share.Manager
}

func (b *Broker) openShares() {
	c := b.node.Shares
	b.shares = &shares{states: coord.New(coord.Config[*state.Machine]{
		NodeID: b.node.ID, Topic: api.ShareTopic,
		Partition: func(topicID metadata.UUID, index int32) (coord.Partition, error) {
			return b.replicas.Partition(topicID, index)
		},
		New:       func() *state.Machine { return state.New(b.controller.Image) },
		LoadBytes: int(c.LoadBytes), CommitTimeout: c.WriteTimeout, Codec: record.Codec(c.TopicCodec),
		Logger: b.options.Logger.With("component", "shares"),
	})}
	b.shares.persister = &persister{
		network: b.options.Env.Net, clientID: fmt.Sprintf("broker-%d", b.node.ID), image: b.controller.Image,
		create: func() { b.handler.EnsureTopic(api.ShareTopic) }, idle: map[string][]*wire.Conn{},
	}
	b.shares.partitions = share.NewManager(share.Config{NodeID: b.node.ID, Persister: b.shares.persister, Limits: b.shareLimits, Timeout: c.WriteTimeout})
}

// shareGroup is a share group's configuration.
func (b *Broker) shareGroup(id string) config.ShareGroup {
	img := b.controller.Image()
	return b.layers(img).ShareGroup(img.Configs[metadata.ConfigResource{Type: metadata.ResourceGroup, Name: id}])
}

func (b *Broker) shareLimits(id string) share.Limits {
	c := b.shareGroup(id)
	return share.Limits{LockDuration: c.LockDuration, DeliveriesMax: c.DeliveriesMax, InFlightMax: c.InFlightMax}
}

func (b *Broker) shareTimes(id string) group.ConsumerTimes {
	c := b.shareGroup(id)
	return group.ConsumerTimes{SessionTimeout: c.SessionTimeout, HeartbeatInterval: c.HeartbeatInterval, AssignmentInterval: c.AssignmentInterval}
}

// Close drops everything.
func (s *shares) Close() {
	s.partitions.Close()
	s.persister.Close()
	s.states.Close()
}

// Apply follows the metadata: leaderships come and go, and the state of deleted topics with them.
func (s *shares) Apply(img *metadata.Image, delta *metadata.Delta) {
	s.states.Apply(img, delta)
	s.partitions.Apply(img, delta)
	var gone []metadata.UUID
	for _, topic := range delta.Topics {
		if topic.Deleted {
			gone = append(gone, topic.ID)
		}
	}
	if len(gone) > 0 {
		s.states.Background(func(m *state.Machine, _ time.Time) coord.Effects { return m.TopicsDeleted(gone) })
	}
}
