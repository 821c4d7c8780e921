package metadata

import "encoding/binary"

// decoders reads the body of each kind of record, version 0. Each is the counterpart of the record's appendTo.
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
}

func decodeBroker(r *reader) Record {
	return &BrokerRecord{Broker: Broker{
		ID: r.int32(), Epoch: r.varint(), IncarnationID: r.uuid(), DirectoryID: r.uuid(), Host: r.string(), Port: r.int32(),
		Rack: r.string(), ControllerAddress: r.string(), Fenced: r.bool(), ShuttingDown: r.bool(),
	}}
}

func decodePartition(r *reader) Record {
	return &PartitionRecord{TopicID: r.uuid(), Index: r.int32(), Partition: Partition{
		Replicas: r.int32s(), ISR: r.int32s(), ELR: r.int32s(), LastKnownLeader: r.int32(), Leader: r.int32(),
		LeaderEpoch: r.int32(), PartitionEpoch: r.int32(),
	}}
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
	return appendBool(appendBool(b, n.Fenced), n.ShuttingDown)
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
	return binary.AppendVarint(b, int64(p.PartitionEpoch))
}

func (r *ConfigRecord) appendTo(b []byte) []byte {
	b = binary.AppendVarint(b, int64(r.Resource.Type))
	b = appendString(b, r.Resource.Name)
	b = appendString(b, r.Key)
	b = appendString(b, r.Value)
	return appendBool(b, r.Remove)
}

func (r *ProducerIDsRecord) appendTo(b []byte) []byte { return binary.AppendVarint(b, r.Next) }
