package api

import (
	"odradek/broker/commitlog"
	"odradek/broker/metadata"
	"odradek/broker/replica"
)

// ReplicasOf makes a replica.Manager usable by handlers.
func ReplicasOf(m *replica.Manager) Replicas { return managed{m} }

type managed struct{ manager *replica.Manager }

func (m managed) Partition(topicID metadata.UUID, index int32) (Partition, error) {
	p, err := m.manager.Partition(topicID, index)
	if err != nil {
		return nil, err
	}
	return hosted{p}, nil
}

func (m managed) Dirs() []replica.DirState { return m.manager.Dirs() }

func (m managed) Move(topic string, index int32, dir string) error {
	return m.manager.MoveReplica(topic, index, dir)
}

// hosted narrows a partition's results to this package's interfaces. It is one pointer, so it costs no allocation.
type hosted struct{ *replica.Partition }

func (p hosted) Append(batches []byte, acks int16, done func(replica.AppendResult)) Pending {
	return p.Partition.Append(batches, acks, done)
}

func (p hosted) AppendVerified(batches []byte, acks int16, guard commitlog.Guard, done func(replica.AppendResult)) Pending {
	return p.Partition.AppendVerified(batches, acks, guard, done)
}

func (p hosted) AppendMarker(batch []byte, bumped bool, done func(replica.AppendResult)) Pending {
	return p.Partition.AppendMarker(batch, bumped, done)
}

func (p hosted) DeleteRecords(offset int64, done func(replica.DeleteResult)) Pending {
	return p.Partition.DeleteRecords(offset, done)
}

func (p hosted) Watch(w *replica.Waiter, isolation replica.Isolation, offset int64) Watch {
	return p.Partition.Watch(w, isolation, offset)
}
