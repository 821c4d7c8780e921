package metadata

import (
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// drawRecord draws a record that fits the image, of any kind.
func drawRecord(t *rapid.T, image *Image) Record {
	for {
		if record := drawKind(t, image, kind(rapid.IntRange(1, 12).Draw(t, "kind"))); record != nil {
			return record
		}
	}
}

func drawUUID(t *rapid.T) (id UUID) {
	copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))
	return id
}

func drawKind(t *rapid.T, image *Image, k kind) Record {
	brokers := slices.Sorted(maps.Keys(image.Brokers))
	topics := slices.Sorted(maps.Keys(image.Topics))
	switch k {
	case kindCluster:
		if image.ClusterID == "" {
			return &ClusterRecord{ClusterID: "cluster"}
		}
		return &ClusterRecord{ClusterID: image.ClusterID}
	case kindBroker:
		return drawBroker(t, image)
	case kindBrokerState:
		if len(brokers) > 0 {
			id := rapid.SampledFrom(brokers).Draw(t, "broker")
			return &BrokerStateRecord{ID: id, Epoch: image.Brokers[id].Epoch, Fenced: rapid.Bool().Draw(t, "fenced"), ShuttingDown: rapid.Bool().Draw(t, "down")}
		}
	case kindRemoveBroker:
		if len(brokers) > 0 {
			id := rapid.SampledFrom(brokers).Draw(t, "broker")
			return &RemoveBrokerRecord{ID: id, Epoch: image.Brokers[id].Epoch}
		}
	case kindTopic:
		id, name := drawUUID(t), fmt.Sprintf("topic-%d", rapid.IntRange(0, 5).Draw(t, "topic"))
		if image.Topics[name] == nil && image.TopicsByID[id] == nil {
			return &TopicRecord{ID: id, Name: name}
		}
	case kindRemoveTopic:
		if len(topics) > 0 {
			return &RemoveTopicRecord{ID: image.Topics[rapid.SampledFrom(topics).Draw(t, "topic")].ID}
		}
	case kindPartition:
		if len(topics) > 0 {
			return drawPartition(t, image.Topics[rapid.SampledFrom(topics).Draw(t, "topic")])
		}
	case kindConfig:
		resource := ConfigResource{Type: rapid.SampledFrom([]int8{ResourceTopic, ResourceBroker}).Draw(t, "type"), Name: rapid.SampledFrom([]string{"", "1", "topic-1"}).Draw(t, "name")}
		record := &ConfigRecord{Resource: resource, Key: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key"), Remove: rapid.Bool().Draw(t, "remove")}
		if !record.Remove {
			record.Value = rapid.StringN(0, 5, 20).Draw(t, "value")
		}
		return record
	case kindFeature:
		return &FeatureRecord{Name: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "feature"), Level: rapid.Int16Range(0, 3).Draw(t, "level")}
	case kindQuota:
		return drawQuota(t)
	case kindScram:
		some := rapid.SliceOfN(rapid.Byte(), 1, 4)
		return &ScramRecord{
			User:       ScramUser{Name: rapid.SampledFrom([]string{"u", "v"}).Draw(t, "user"), Mechanism: rapid.Int8Range(1, 2).Draw(t, "mechanism")},
			Credential: ScramCredential{Salt: some.Draw(t, "salt"), StoredKey: some.Draw(t, "stored"), ServerKey: some.Draw(t, "server"), Iterations: rapid.Int32().Draw(t, "iterations")},
			Remove:     rapid.Bool().Draw(t, "remove"),
		}
	case kindProducerIDs:
		return &ProducerIDsRecord{Next: image.NextProducerID + rapid.Int64Range(0, 5000).Draw(t, "ids")}
	}
	return nil
}

func drawQuota(t *rapid.T) Record {
	name := func(what string) QuotaName {
		n := QuotaName{Kind: QuotaKind(rapid.IntRange(0, 2).Draw(t, what))}
		if n.Kind == QuotaNamed {
			n.Name = rapid.SampledFrom([]string{"a", "b"}).Draw(t, what+" name")
		}
		return n
	}
	record := &QuotaRecord{Entity: QuotaEntity{name("user"), name("client"), name("ip")}, Key: "producer_byte_rate", Remove: rapid.Bool().Draw(t, "remove")}
	if record.Entity == (QuotaEntity{}) {
		return nil
	}
	if !record.Remove {
		record.Value = rapid.Float64().Draw(t, "limit")
	}
	return record
}

func drawBroker(t *rapid.T, image *Image) Record {
	id := rapid.Int32Range(0, 4).Draw(t, "broker")
	epoch := rapid.Int64Range(0, 3).Draw(t, "epoch")
	if old := image.Brokers[id]; old != nil {
		epoch += old.Epoch
	}
	return &BrokerRecord{Broker: Broker{
		ID: id, Epoch: epoch, IncarnationID: drawUUID(t), DirectoryID: drawUUID(t), Host: rapid.String().Draw(t, "host"),
		Port: rapid.Int32().Draw(t, "port"), Rack: rapid.String().Draw(t, "rack"), ControllerAddress: "h:1",
		Fenced: rapid.Bool().Draw(t, "fenced"), ShuttingDown: rapid.Bool().Draw(t, "down"),
		Features: []FeatureRange{{"x", 0, rapid.Int16().Draw(t, "max")}},
	}}
}

func drawPartition(t *rapid.T, topic *Topic) Record {
	index := rapid.Int32Range(0, int32(len(topic.Partitions))).Draw(t, "index")
	nodes := rapid.SliceOfN(rapid.Int32Range(0, 9), 1, 4)
	partition := Partition{
		Replicas: nodes.Draw(t, "replicas"), ISR: nodes.Draw(t, "isr"), LastKnownLeader: NoLeader,
		Leader: rapid.Int32Range(-1, 9).Draw(t, "leader"),
	}
	if rapid.Bool().Draw(t, "elr") {
		partition.ELR = nodes.Draw(t, "elr")
	}
	if rapid.Bool().Draw(t, "reassigning") {
		partition.Adding, partition.Removing = nodes.Draw(t, "adding"), nodes.Draw(t, "removing")
	}
	if old := topic.Partition(index); old != nil {
		partition.LeaderEpoch = old.LeaderEpoch + rapid.Int32Range(0, 2).Draw(t, "leaderEpoch")
		partition.PartitionEpoch = old.PartitionEpoch + rapid.Int32Range(0, 2).Draw(t, "partitionEpoch")
	}
	return &PartitionRecord{TopicID: topic.ID, Index: index, Partition: partition}
}

// drawBatch draws records that fit one after the other.
func drawBatch(t *rapid.T, image *Image) Batch {
	batch := Batch{BaseVersion: image.Version}
	builder := NewBuilder(image)
	for range rapid.IntRange(0, 6).Draw(t, "records") {
		record := drawRecord(t, builder.Image())
		if err := builder.Apply(record); err != nil {
			t.Fatalf("%#v does not fit: %v", record, err)
		}
		batch.Records = append(batch.Records, record)
	}
	return batch
}
