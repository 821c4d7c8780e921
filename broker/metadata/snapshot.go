package metadata

import (
	"fmt"
	"maps"
	"slices"
)

// AppendSnapshot appends the encoding of a whole image to b: the records that lead to it from NewImage, in an order that
// depends on the image alone.
func AppendSnapshot(b []byte, image *Image) []byte {
	return appendRecords(b, formatSnapshot, Batch{BaseVersion: image.Version, Records: image.records()})
}

// DecodeSnapshot reads an image that is all of b. Errors: ErrCorrupt, ErrUnknown, ErrInconsistent.
func DecodeSnapshot(b []byte) (*Image, error) {
	batch, err := decodeRecords(b, formatSnapshot)
	if err != nil {
		return nil, err
	}
	builder := NewBuilder(NewImage())
	for n, record := range batch.Records {
		if err := builder.Apply(record); err != nil {
			return nil, fmt.Errorf("snapshot, record %d of %d: %w", n, len(batch.Records), err)
		}
	}
	image := builder.image // alone, so that it does not keep the builder
	image.Version = batch.BaseVersion
	return &image, nil
}

func (i *Image) records() []Record {
	var records []Record
	if i.ClusterID != "" {
		records = append(records, &ClusterRecord{ClusterID: i.ClusterID})
	}
	for _, id := range slices.Sorted(maps.Keys(i.Brokers)) {
		records = append(records, &BrokerRecord{Broker: *i.Brokers[id]})
	}
	for _, name := range slices.Sorted(maps.Keys(i.Topics)) {
		topic := i.Topics[name]
		records = append(records, &TopicRecord{ID: topic.ID, Name: topic.Name})
		for index, partition := range topic.Partitions {
			records = append(records, &PartitionRecord{TopicID: topic.ID, Index: int32(index), Partition: *partition})
		}
	}
	for _, resource := range slices.SortedFunc(maps.Keys(i.Configs), compareResources) {
		set := i.Configs[resource]
		for _, key := range slices.Sorted(maps.Keys(set)) {
			records = append(records, &ConfigRecord{Resource: resource, Key: key, Value: set[key]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(i.Features)) {
		records = append(records, &FeatureRecord{Name: name, Level: i.Features[name]})
	}
	for _, entity := range slices.SortedFunc(maps.Keys(i.Quotas), compareEntities) {
		limits := i.Quotas[entity]
		for _, key := range slices.Sorted(maps.Keys(limits)) {
			records = append(records, &QuotaRecord{Entity: entity, Key: key, Value: limits[key]})
		}
	}
	for _, user := range slices.SortedFunc(maps.Keys(i.Scram), compareScramUsers) {
		records = append(records, &ScramRecord{User: user, Credential: *i.Scram[user]})
	}
	if i.NextProducerID > 0 {
		records = append(records, &ProducerIDsRecord{Next: i.NextProducerID})
	}
	return records
}
