package metadata

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// ErrStale says that a batch was computed from another image than the one it is applied to. The image is unchanged; who
// proposed the batch computes it again.
var ErrStale = errors.New("metadata: batch was computed from another version")

// ErrInconsistent says that a record contradicts the image, such as a partition of an unknown topic. The whole batch is
// refused.
var ErrInconsistent = errors.New("metadata: record contradicts the image")

// Apply returns the image after a batch, and what changed. The receiver stays as it is; the result shares with it what did
// not change. Errors: ErrStale, ErrInconsistent.
func (i *Image) Apply(batch Batch) (*Image, *Delta, error) {
	if batch.BaseVersion != i.Version {
		return nil, nil, fmt.Errorf("%w: batch from %d, image at %d", ErrStale, batch.BaseVersion, i.Version)
	}
	b := NewBuilder(i)
	for n, record := range batch.Records {
		if err := b.Apply(record); err != nil {
			return nil, nil, fmt.Errorf("record %d of %d: %w", n, len(batch.Records), err)
		}
	}
	image := b.image // alone, so that it does not keep the builder
	image.Version++
	return &image, b.delta.finish(image.Version, false), nil
}

// Builder applies records one by one to a private copy of an image: it copies what a record changes, once, and shares the
// rest. It serves Apply, and the active controller, whose requests of one batch see the effects of those before them.
type Builder struct {
	image Image
	delta deltaBuilder

	ownsBrokers bool
	ownsTopics  bool
	ownsConfigs bool
	ownsQuotas  bool
	ownsScram   bool
	ownTopics   map[UUID]bool
	ownConfigs  map[ConfigResource]bool
}

// NewBuilder starts from base, which it never changes.
func NewBuilder(base *Image) *Builder {
	return &Builder{
		image:      *base,
		delta:      newDeltaBuilder(),
		ownTopics:  map[UUID]bool{},
		ownConfigs: map[ConfigResource]bool{},
	}
}

// Image is the state so far, at the base's Version. It is valid until the next Apply.
func (b *Builder) Image() *Image { return &b.image }

// Apply adds one record. After an error (ErrInconsistent) the image is as it was before.
func (b *Builder) Apply(record Record) error { return record.apply(b) }

func (b *Builder) brokers() map[int32]*Broker {
	if !b.ownsBrokers {
		b.image.Brokers = maps.Clone(b.image.Brokers)
		b.ownsBrokers = true
	}
	return b.image.Brokers
}

func (b *Builder) cloneTopicMaps() {
	if !b.ownsTopics {
		b.image.Topics = maps.Clone(b.image.Topics)
		b.image.TopicsByID = maps.Clone(b.image.TopicsByID)
		b.ownsTopics = true
	}
}

// topic returns a private copy of a topic, whose Partitions may be replaced.
func (b *Builder) topic(id UUID) *Topic {
	b.cloneTopicMaps()
	t := b.image.TopicsByID[id]
	if !b.ownTopics[id] {
		t = &Topic{ID: t.ID, Name: t.Name, Partitions: slices.Clone(t.Partitions)}
		b.image.TopicsByID[id] = t
		b.image.Topics[t.Name] = t
		b.ownTopics[id] = true
	}
	return t
}

func (b *Builder) cloneConfigs() {
	if !b.ownsConfigs {
		b.image.Configs = maps.Clone(b.image.Configs)
		b.ownsConfigs = true
	}
}

func (r *ClusterRecord) apply(b *Builder) error {
	if r.ClusterID == "" || (b.image.ClusterID != "" && b.image.ClusterID != r.ClusterID) {
		return fmt.Errorf("%w: cluster id %q, had %q", ErrInconsistent, r.ClusterID, b.image.ClusterID)
	}
	b.image.ClusterID = r.ClusterID
	b.delta.cluster = true
	return nil
}

func (r *BrokerRecord) apply(b *Builder) error {
	if old := b.image.Brokers[r.Broker.ID]; old != nil && r.Broker.Epoch < old.Epoch {
		return fmt.Errorf("%w: node %d registered with epoch %d after %d", ErrInconsistent, r.Broker.ID, r.Broker.Epoch, old.Epoch)
	}
	broker := r.Broker
	b.brokers()[broker.ID] = &broker
	b.delta.broker(broker.ID)
	return nil
}

// registration finds the broker of an epoch, for records that change it.
func (b *Builder) registration(id int32, epoch int64) (*Broker, error) {
	old := b.image.Brokers[id]
	if old == nil {
		return nil, fmt.Errorf("%w: node %d is not registered", ErrInconsistent, id)
	}
	if old.Epoch != epoch {
		return nil, fmt.Errorf("%w: node %d has epoch %d, not %d", ErrInconsistent, id, old.Epoch, epoch)
	}
	return old, nil
}

func (r *BrokerStateRecord) apply(b *Builder) error {
	old, err := b.registration(r.ID, r.Epoch)
	if err != nil {
		return err
	}
	changed := *old
	changed.Fenced, changed.ShuttingDown = r.Fenced, r.ShuttingDown
	b.brokers()[r.ID] = &changed
	b.delta.broker(r.ID)
	return nil
}

func (r *RemoveBrokerRecord) apply(b *Builder) error {
	if _, err := b.registration(r.ID, r.Epoch); err != nil {
		return err
	}
	delete(b.brokers(), r.ID)
	b.delta.broker(r.ID)
	return nil
}

func (r *TopicRecord) apply(b *Builder) error {
	if r.Name == "" || b.image.Topics[r.Name] != nil || b.image.TopicsByID[r.ID] != nil {
		return fmt.Errorf("%w: topic %q (%s) exists", ErrInconsistent, r.Name, r.ID)
	}
	b.cloneTopicMaps()
	t := &Topic{ID: r.ID, Name: r.Name}
	b.image.Topics[r.Name] = t
	b.image.TopicsByID[r.ID] = t
	b.ownTopics[r.ID] = true
	b.delta.topic(t).Created = true
	return nil
}

func (r *RemoveTopicRecord) apply(b *Builder) error {
	t := b.image.TopicsByID[r.ID]
	if t == nil {
		return fmt.Errorf("%w: no topic %s", ErrInconsistent, r.ID)
	}
	b.cloneTopicMaps()
	delete(b.image.Topics, t.Name)
	delete(b.image.TopicsByID, r.ID)
	delete(b.ownTopics, r.ID)
	b.delta.topic(t).Deleted = true
	resource := ConfigResource{Type: ResourceTopic, Name: t.Name}
	if b.image.Configs[resource] != nil {
		b.cloneConfigs()
		delete(b.image.Configs, resource)
		delete(b.ownConfigs, resource)
		b.delta.config(resource)
	}
	return nil
}

func (r *PartitionRecord) apply(b *Builder) error {
	t := b.image.TopicsByID[r.TopicID]
	if t == nil {
		return fmt.Errorf("%w: partition of unknown topic %s", ErrInconsistent, r.TopicID)
	}
	if r.Index < 0 || int(r.Index) > len(t.Partitions) {
		return fmt.Errorf("%w: partition %d of topic %q with %d", ErrInconsistent, r.Index, t.Name, len(t.Partitions))
	}
	if old := t.Partition(r.Index); old != nil && (r.Partition.LeaderEpoch < old.LeaderEpoch || r.Partition.PartitionEpoch < old.PartitionEpoch) {
		return fmt.Errorf("%w: epochs of partition %s-%d go back", ErrInconsistent, t.Name, r.Index)
	}
	t = b.topic(r.TopicID)
	partition := r.Partition
	if int(r.Index) == len(t.Partitions) {
		t.Partitions = append(t.Partitions, &partition)
	} else {
		t.Partitions[r.Index] = &partition
	}
	b.delta.partition(t, r.Index)
	return nil
}

func (r *ConfigRecord) apply(b *Builder) error {
	b.cloneConfigs()
	set := b.image.Configs[r.Resource]
	if !b.ownConfigs[r.Resource] {
		if set = maps.Clone(set); set == nil {
			set = map[string]string{}
		}
		b.image.Configs[r.Resource] = set
		b.ownConfigs[r.Resource] = true
	}
	if r.Remove {
		delete(set, r.Key)
	} else {
		set[r.Key] = r.Value
	}
	if len(set) == 0 {
		delete(b.image.Configs, r.Resource)
		delete(b.ownConfigs, r.Resource)
	}
	b.delta.config(r.Resource)
	return nil
}

func (r *ProducerIDsRecord) apply(b *Builder) error {
	if r.Next < b.image.NextProducerID {
		return fmt.Errorf("%w: producer ids go back from %d to %d", ErrInconsistent, b.image.NextProducerID, r.Next)
	}
	b.image.NextProducerID = r.Next
	return nil
}
