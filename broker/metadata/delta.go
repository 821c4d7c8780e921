package metadata

import (
	"maps"
	"slices"
)

// Delta says what is different between two images, so that a subscriber needs to look at nothing else. It names things; what
// they are now is in the image it comes with.
type Delta struct {
	// Version is that of the image it leads to.
	Version uint64
	// Full is set when the delta starts from nothing or skips versions (a snapshot was loaded). It is then still complete:
	// what the subscriber knew and the image lacks is listed as deleted.
	Full bool
	// Cluster is set when the cluster got its id.
	Cluster bool
	// Brokers lists nodes that were registered, changed or removed.
	Brokers []int32
	Topics  []TopicDelta
	// Configs lists resources whose configs changed or vanished.
	Configs []ConfigResource
	// Features and Quotas are set when any of them changed.
	Features, Quotas bool
}

// TopicDelta is what changed of one topic. A name that was deleted and created again appears twice, with two ids, the
// deleted one first.
type TopicDelta struct {
	ID      UUID
	Name    string
	Created bool
	Deleted bool
	// Partitions lists those that are new or changed, ascending. Empty for a deleted topic.
	Partitions []int32
}

// Diff compares two images. It is exact, and quick where they share their parts; apply gives the same without looking at
// what did not change.
func Diff(old, new *Image) *Delta {
	d := newDeltaBuilder()
	d.cluster = old.ClusterID != new.ClusterID
	for id, broker := range new.Brokers {
		if before := old.Brokers[id]; before == nil || !before.Equal(broker) {
			d.broker(id)
		}
	}
	for id := range old.Brokers {
		if new.Brokers[id] == nil {
			d.broker(id)
		}
	}
	for id, topic := range old.TopicsByID {
		if new.TopicsByID[id] == nil {
			d.topic(topic).Deleted = true
		}
	}
	for id, topic := range new.TopicsByID {
		if before := old.TopicsByID[id]; before != topic {
			d.diffTopic(before, topic)
		}
	}
	d.diffConfigs(old, new)
	d.features = !maps.Equal(old.Features, new.Features)
	d.quotas = !maps.EqualFunc(old.Quotas, new.Quotas, maps.Equal[Quotas, Quotas])
	return d.finish(new.Version, true)
}

func (d *deltaBuilder) diffTopic(old, new *Topic) {
	if old == nil {
		d.topic(new).Created = true
	}
	for index, partition := range new.Partitions {
		if before := old.Partition(int32(index)); before == nil || !before.Equal(partition) {
			d.partition(new, int32(index))
		}
	}
}

func (d *deltaBuilder) diffConfigs(old, new *Image) {
	for resource, set := range new.Configs {
		before, same := old.Configs[resource], true
		for key, value := range set {
			if v, ok := before[key]; !ok || v != value {
				same = false
			}
		}
		if !same || len(before) != len(set) {
			d.config(resource)
		}
	}
	for resource := range old.Configs {
		if new.Configs[resource] == nil {
			d.config(resource)
		}
	}
}

// Equal compares all fields.
func (p *Partition) Equal(q *Partition) bool {
	return p == q || slices.Equal(p.Replicas, q.Replicas) && slices.Equal(p.Adding, q.Adding) &&
		slices.Equal(p.Removing, q.Removing) && slices.Equal(p.ISR, q.ISR) && slices.Equal(p.ELR, q.ELR) &&
		p.LastKnownLeader == q.LastKnownLeader && p.Leader == q.Leader && p.LeaderEpoch == q.LeaderEpoch &&
		p.PartitionEpoch == q.PartitionEpoch
}

// Equal compares all fields.
func (b *Broker) Equal(c *Broker) bool {
	return b == c || b.ID == c.ID && b.Epoch == c.Epoch && b.IncarnationID == c.IncarnationID && b.DirectoryID == c.DirectoryID &&
		b.Host == c.Host && b.Port == c.Port && b.Rack == c.Rack && b.ControllerAddress == c.ControllerAddress &&
		b.Fenced == c.Fenced && b.ShuttingDown == c.ShuttingDown && slices.Equal(b.Features, c.Features)
}

// deltaBuilder gathers a Delta without naming anything twice.
type deltaBuilder struct {
	cluster          bool
	features, quotas bool
	brokers          map[int32]struct{}
	topics           map[UUID]*topicDelta
	configs          map[ConfigResource]struct{}
}

type topicDelta struct {
	TopicDelta
	partitions map[int32]struct{}
}

func newDeltaBuilder() deltaBuilder {
	return deltaBuilder{brokers: map[int32]struct{}{}, topics: map[UUID]*topicDelta{}, configs: map[ConfigResource]struct{}{}}
}

func (d *deltaBuilder) broker(id int32) { d.brokers[id] = struct{}{} }

func (d *deltaBuilder) config(resource ConfigResource) { d.configs[resource] = struct{}{} }

func (d *deltaBuilder) topic(t *Topic) *topicDelta {
	td := d.topics[t.ID]
	if td == nil {
		td = &topicDelta{TopicDelta: TopicDelta{ID: t.ID, Name: t.Name}, partitions: map[int32]struct{}{}}
		d.topics[t.ID] = td
	}
	return td
}

func (d *deltaBuilder) partition(t *Topic, index int32) { d.topic(t).partitions[index] = struct{}{} }

// finish puts everything into an order that does not depend on chance: deleted topics first, then by name and id.
func (d *deltaBuilder) finish(version uint64, full bool) *Delta {
	delta := &Delta{Version: version, Full: full, Cluster: d.cluster, Features: d.features, Quotas: d.quotas}
	for id := range d.brokers {
		delta.Brokers = append(delta.Brokers, id)
	}
	slices.Sort(delta.Brokers)
	for _, td := range d.topics {
		if td.Created && td.Deleted {
			continue // lived within one batch: nobody ever saw it
		}
		if !td.Deleted {
			for index := range td.partitions {
				td.Partitions = append(td.Partitions, index)
			}
			slices.Sort(td.Partitions)
		}
		delta.Topics = append(delta.Topics, td.TopicDelta)
	}
	slices.SortFunc(delta.Topics, compareTopicDeltas)
	for resource := range d.configs {
		delta.Configs = append(delta.Configs, resource)
	}
	slices.SortFunc(delta.Configs, compareResources)
	return delta
}

func compareTopicDeltas(a, b TopicDelta) int {
	if a.Deleted != b.Deleted {
		if a.Deleted {
			return -1
		}
		return 1
	}
	if a.Name != b.Name {
		if a.Name < b.Name {
			return -1
		}
		return 1
	}
	return slices.Compare(a.ID[:], b.ID[:])
}

func compareResources(a, b ConfigResource) int {
	if a.Type != b.Type {
		return int(a.Type) - int(b.Type)
	}
	if a.Name < b.Name {
		return -1
	}
	if a.Name > b.Name {
		return 1
	}
	return 0
}
