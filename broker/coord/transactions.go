package coord

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/commitlog"
	"odradek/broker/record"
)

// Producer is in whose transaction a machine's records are.
type Producer struct {
	ID    int64
	Epoch int16
	// Guard is what the first of them in this partition need; see commitlog.Guard.
	Guard commitlog.Guard
}

// Transactional is a Machine that has records in the transactions of producers, as a group has offsets. They count, or don't,
// from the end of the transaction on.
type Transactional interface {
	// ReplayPending is Replay for a record in a producer's transaction.
	ReplayPending(producerID int64, r Record) error
	// ReplayEnd says that a producer's transaction has ended in this partition.
	ReplayEnd(producerID int64, committed bool)
}

// Electable is a Machine that wants to know the leader epoch in which it decides: before Loaded, and when the same node leads on
// in the next one.
type Electable interface{ Elected(leaderEpoch int32) }

// Marker ends a producer's transaction in a partition.
type Marker struct {
	ProducerID       int64
	ProducerEpoch    int16
	Committed        bool
	CoordinatorEpoch int32
	// Bumped says that the epoch is the one after the transaction's; see commitlog's AppendMarker.
	Bumped bool
}

// Batch is the marker as it is written.
func (m Marker) Batch(now time.Time) (record.Batch, error) {
	kind := record.ControlAbort
	if m.Committed {
		kind = record.ControlCommit
	}
	return record.MarkerBatch(record.Marker{Type: kind, CoordinatorEpoch: m.CoordinatorEpoch}, m.ProducerID, m.ProducerEpoch, now.UnixMilli())
}

// EndTransaction writes a marker to one of the topic's partitions and shows it to the shard's machine. caller is answered with nil
// when the marker is committed; it is refused with the log's error, where that is one of transactions, or a coordinator's.
func (r *Runtime[M]) EndTransaction(index int32, marker Marker, caller Caller) {
	r.mu.RLock()
	s := r.shards[index]
	r.mu.RUnlock()
	if s == nil {
		caller.Refuse(kerr.NotCoordinator)
		return
	}
	s.do(caller, func(m M, now time.Time) Effects {
		return Effects{marker: &marker, Replies: []Reply{{To: caller}}}
	})
}

// BeginVerification takes out a guard in the partition of a key, for a producer's records in a transaction; needed is false when
// they need none. The error is a *kerr.Error, a coordinator's.
func (r *Runtime[M]) BeginVerification(key string, producerID int64, epoch int16) (index int32, guard commitlog.Guard, needed bool, err error) {
	r.mu.RLock()
	var s *shard[M]
	if r.count > 0 {
		index = PartitionFor(key, r.count)
		s = r.shards[index]
	}
	r.mu.RUnlock()
	if s == nil {
		return 0, 0, false, kerr.NotCoordinator
	}
	s.mu.Lock()
	partition, state := s.partition, s.state
	s.mu.Unlock()
	switch state {
	case loading:
		return 0, 0, false, kerr.CoordinatorLoadInProgress
	case gone:
		return 0, 0, false, kerr.NotCoordinator
	}
	guard, needed, err = partition.BeginVerification(producerID, epoch)
	if err != nil {
		return 0, 0, false, kerr.NotCoordinator
	}
	return index, guard, needed, nil
}

// end writes a marker and shows it to the machine. s.mu is held.
func (s *shard[M]) end(marker Marker, now time.Time) *kerr.Error {
	batch, err := marker.Batch(now)
	if err != nil {
		return kerr.UnknownServerError
	}
	a := &appending[M]{shard: s, end: s.appended + 1}
	s.partition.AppendMarkerInEpoch(batch, marker.Bumped, s.epoch, a.done)
	if refused := a.returned(); refused != nil {
		return coordinatorError(refused)
	}
	s.appended = a.end
	if m, ok := any(s.machine).(Transactional); ok {
		m.ReplayEnd(marker.ProducerID, marker.Committed)
	}
	return nil
}

// replayEnd shows the machine a marker of the log.
func replayEnd(batch record.Batch, machine any) error {
	m, ok := machine.(Transactional)
	if !ok {
		return nil
	}
	for r, err := range batch.Records(recordsBytesMax) {
		if err != nil {
			return err
		}
		marker, ok, err := record.ParseMarker(r)
		if err != nil || !ok {
			return err
		}
		m.ReplayEnd(batch.ProducerID(), marker.Type == record.ControlCommit)
	}
	return nil
}

// replayOne shows a machine one record; producer is whose transaction it is in, or record.NoProducerID.
func replayOne(machine Machine, producer int64, r Record) error {
	if m, ok := machine.(Transactional); ok && producer != record.NoProducerID {
		return m.ReplayPending(producer, r)
	}
	return machine.Replay(r)
}

func elect(machine any, epoch int32) {
	if m, ok := machine.(Electable); ok {
		m.Elected(epoch)
	}
}
