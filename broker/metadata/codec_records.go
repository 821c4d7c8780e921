package metadata

import (
	"encoding/binary"
	"math"
)

// layouts are the versions in which records are written, 0 where it isn't said. What was added since is at a record's end,
// and reads as zero in an older one.
//
//	kindBroker     1  Features
//	kindPartition  1  Adding, Removing
var layouts = map[kind]uint64{kindBroker: 1, kindPartition: 1}

// decoders reads the body of each kind of record. Each is the counterpart of the record's appendTo.
var decoders = map[kind]func(*reader) Record{
	kindCluster: func(r *reader) Record { return &ClusterRecord{ClusterID: r.string()} },
	kindBroker:  decodeBroker,
	kindBrokerState: func(r *reader) Record {
		return &BrokerStateRecord{ID: r.int32(), Epoch: r.varint(), Fenced: r.bool(), ShuttingDown: r.bool()}
	},
	kindRemoveBroker: func(r *reader) Record { return &RemoveBrokerRecord{ID: r.int32(), Epoch: r.varint()} },
	kindTopic:        func(r *reader) Record { return &TopicRecord{ID: r.uuid(), Name: r.string()} },
	kindRemoveTopic:  func(r *reader) Record { return &RemoveTopicRecord{ID: r.uuid()} },
	kindPartition:    decodePartition,
	kindConfig: func(r *reader) Record {
		resource := ConfigResource{Type: int8(r.int32()), Name: r.string()}
		return &ConfigRecord{Resource: resource, Key: r.string(), Value: r.string(), Remove: r.bool()}
	},
	kindProducerIDs: func(r *reader) Record { return &ProducerIDsRecord{Next: r.varint()} },
	kindFeature:     func(r *reader) Record { return &FeatureRecord{Name: r.string(), Level: r.int16()} },
	kindQuota: func(r *reader) Record {
		entity := QuotaEntity{User: r.quotaName(), ClientID: r.quotaName(), IP: r.quotaName()}
		return &QuotaRecord{Entity: entity, Key: r.string(), Value: r.float64(), Remove: r.bool()}
	},
	kindScram: func(r *reader) Record {
		return &ScramRecord{
			User:       ScramUser{Name: r.string(), Mechanism: r.int8()},
			Credential: ScramCredential{Salt: r.bytes(), StoredKey: r.bytes(), ServerKey: r.bytes(), Iterations: r.int32()},
			Remove:     r.bool(),
		}
	},
}

func decodeBroker(r *reader) Record {
	record := &BrokerRecord{Broker: Broker{
		ID: r.int32(), Epoch: r.varint(), IncarnationID: r.uuid(), DirectoryID: r.uuid(), Host: r.string(), Port: r.int32(),
		Rack: r.string(), ControllerAddress: r.string(), Fenced: r.bool(), ShuttingDown: r.bool(),
	}}
	if r.version >= 1 {
		for range r.count(3, maxFeatures) { // a name's length and two levels at least
			record.Broker.Features = append(record.Broker.Features, FeatureRange{Name: r.string(), Min: r.int16(), Max: r.int16()})
		}
	}
	return record
}

func (r *reader) quotaName() QuotaName {
	name := QuotaName{Kind: QuotaKind(r.int8()), Name: r.string()}
	r.bad = r.bad || name.Kind < QuotaAbsent || name.Kind > QuotaDefault
	return name
}

func decodePartition(r *reader) Record {
	record := &PartitionRecord{TopicID: r.uuid(), Index: r.int32(), Partition: Partition{
		Replicas: r.int32s(), ISR: r.int32s(), ELR: r.int32s(), LastKnownLeader: r.int32(), Leader: r.int32(),
		LeaderEpoch: r.int32(), PartitionEpoch: r.int32(),
	}}
	if r.version >= 1 {
		record.Partition.Adding, record.Partition.Removing = r.int32s(), r.int32s()
	}
	return record
}

func (r *ClusterRecord) appendTo(b []byte) []byte { return appendString(b, r.ClusterID) }

func (r *BrokerRecord) appendTo(b []byte) []byte {
	n := &r.Broker
	b = binary.AppendVarint(b, int64(n.ID))
	b = binary.AppendVarint(b, n.Epoch)
	b = append(b, n.IncarnationID[:]...)
	b = append(b, n.DirectoryID[:]...)
	b = appendString(b, n.Host)
	b = binary.AppendVarint(b, int64(n.Port))
	b = appendString(b, n.Rack)
	b = appendString(b, n.ControllerAddress)
	b = appendBool(appendBool(b, n.Fenced), n.ShuttingDown)
	b = binary.AppendUvarint(b, uint64(len(n.Features)))
	for _, f := range n.Features {
		b = appendString(b, f.Name)
		b = binary.AppendVarint(binary.AppendVarint(b, int64(f.Min)), int64(f.Max))
	}
	return b
}

func (r *BrokerStateRecord) appendTo(b []byte) []byte {
	b = binary.AppendVarint(b, int64(r.ID))
	b = binary.AppendVarint(b, r.Epoch)
	return appendBool(appendBool(b, r.Fenced), r.ShuttingDown)
}

func (r *RemoveBrokerRecord) appendTo(b []byte) []byte {
	return binary.AppendVarint(binary.AppendVarint(b, int64(r.ID)), r.Epoch)
}

func (r *TopicRecord) appendTo(b []byte) []byte { return appendString(append(b, r.ID[:]...), r.Name) }

func (r *RemoveTopicRecord) appendTo(b []byte) []byte { return append(b, r.ID[:]...) }

func (r *PartitionRecord) appendTo(b []byte) []byte {
	p := &r.Partition
	b = append(b, r.TopicID[:]...)
	b = binary.AppendVarint(b, int64(r.Index))
	b = appendInt32s(b, p.Replicas)
	b = appendInt32s(b, p.ISR)
	b = appendInt32s(b, p.ELR)
	b = binary.AppendVarint(b, int64(p.LastKnownLeader))
	b = binary.AppendVarint(b, int64(p.Leader))
	b = binary.AppendVarint(b, int64(p.LeaderEpoch))
	b = binary.AppendVarint(b, int64(p.PartitionEpoch))
	return appendInt32s(appendInt32s(b, p.Adding), p.Removing)
}

func (r *ConfigRecord) appendTo(b []byte) []byte {
	b = binary.AppendVarint(b, int64(r.Resource.Type))
	b = appendString(b, r.Resource.Name)
	b = appendString(b, r.Key)
	b = appendString(b, r.Value)
	return appendBool(b, r.Remove)
}

func (r *ProducerIDsRecord) appendTo(b []byte) []byte { return binary.AppendVarint(b, r.Next) }

func (r *FeatureRecord) appendTo(b []byte) []byte {
	return binary.AppendVarint(appendString(b, r.Name), int64(r.Level))
}

func (r *QuotaRecord) appendTo(b []byte) []byte {
	for _, name := range [...]QuotaName{r.Entity.User, r.Entity.ClientID, r.Entity.IP} {
		b = appendString(binary.AppendVarint(b, int64(name.Kind)), name.Name)
	}
	b = appendString(b, r.Key)
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(r.Value))
	return appendBool(b, r.Remove)
}

func (r *ScramRecord) appendTo(b []byte) []byte {
	b = binary.AppendVarint(appendString(b, r.User.Name), int64(r.User.Mechanism))
	for _, part := range [...][]byte{r.Credential.Salt, r.Credential.StoredKey, r.Credential.ServerKey} {
		b = append(binary.AppendUvarint(b, uint64(len(part))), part...)
	}
	b = binary.AppendVarint(b, int64(r.Credential.Iterations))
	return appendBool(b, r.Remove)
}
