package state

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/coord"
	"odradek/broker/metadata"
)

// entry is what is known of a share-partition. It is never changed: another takes its place.
type entry struct {
	snapshotEpoch    int32 // counts the snapshots
	stateEpoch       int32 // rises whenever the state begins anew: a leader that holds an older one is fenced
	leaderEpoch      int32 // of the leader that was heard of last
	startOffset      int64 // everything before it is done with; -1 before the leader has said
	deliveryComplete int32 // records from startOffset on that are done with, -1 when not known
	createdMs        int64
	batches          []Batch
}

// changed is the entry after a leader's write: batches go over those that are there. The start only rises: a write that the leader had given
// up may come after all, and those after it know nothing of what was done with by it.
func (e *entry) changed(leaderEpoch int32, start int64, complete int32, batches []Batch) *entry {
	next := *e
	next.leaderEpoch, next.deliveryComplete = leaderEpoch, complete
	next.startOffset = max(e.startOffset, start)
	next.batches = merge(e.batches, batches, next.startOffset)
	return &next
}

// Machine is the state of the share-partitions of one partition of __share_group_state; it is a coord.Machine.
type Machine struct {
	// image is the newest metadata known here.
	image   func() *metadata.Image
	entries map[Key]*entry
}

var _ coord.Machine = (*Machine)(nil)

// New makes a machine that knows nothing.
func New(image func() *metadata.Image) *Machine {
	return &Machine{image: image, entries: map[Key]*entry{}}
}

// State is what a leader is told.
type State struct {
	StateEpoch, LeaderEpoch int32
	StartOffset             int64
	DeliveryComplete        int32
	Batches                 []Batch
}

// Refusal is why a request about one share-partition is refused. It is an answer like a State.
type Refusal struct {
	Code *kerr.Error
	Text string
}

func refuse(to coord.Caller, code *kerr.Error, text string) coord.Effects {
	return coord.Effects{Replies: []coord.Reply{{To: to, Response: Refusal{code, text}}}}
}

// Done is the answer to what has none of its own.
type Done struct{}

func (m *Machine) write(to coord.Caller, key Key, e *entry, response any, now time.Time) coord.Effects {
	e.snapshotEpoch++
	if e.createdMs == 0 {
		e.createdMs = now.UnixMilli()
	}
	return coord.Effects{Records: []coord.Record{key.record(e, now.UnixMilli())}, Replies: []coord.Reply{{To: to, Response: response}}}
}

// known says whether the cluster has a partition.
func (m *Machine) known(key Key) bool {
	return m.image().TopicsByID[key.Topic].Partition(key.Partition) != nil
}

const unknownPartition = "Unknown topic or partition."

// Initialize begins the state of a share-partition, or begins it anew. The answer is a Done or a Refusal. A leader that found nothing asks
// without a start; when that comes late, or again, it must not undo what has been written since.
func (m *Machine) Initialize(to coord.Caller, key Key, stateEpoch int32, start int64, now time.Time) coord.Effects {
	before := m.entries[key]
	switch {
	case before != nil && stateEpoch < before.stateEpoch:
		return refuse(to, kerr.FencedStateEpoch, kerr.FencedStateEpoch.Description)
	case !m.known(key):
		return refuse(to, kerr.UnknownTopicOrPartition, unknownPartition)
	case before != nil && stateEpoch == before.stateEpoch && start < 0:
		return coord.Effects{Replies: []coord.Reply{{To: to, Response: Done{}}}}
	}
	next := &entry{snapshotEpoch: -1, stateEpoch: stateEpoch, startOffset: start}
	if before != nil {
		next.snapshotEpoch, next.leaderEpoch = before.snapshotEpoch, before.leaderEpoch
	}
	return m.write(to, key, next, Done{}, now)
}

// Read tells a leader the state, and fences the leaders before it. The answer is a State or a Refusal.
func (m *Machine) Read(to coord.Caller, key Key, leaderEpoch int32, now time.Time) coord.Effects {
	e := m.entries[key]
	switch {
	case e == nil:
		return refuse(to, kerr.InvalidRequest, "Read operation on uninitialized share partition not allowed.")
	case leaderEpoch < e.leaderEpoch:
		return refuse(to, kerr.FencedLeaderEpoch, kerr.FencedLeaderEpoch.Description)
	case !m.known(key):
		return refuse(to, kerr.UnknownTopicOrPartition, unknownPartition)
	}
	state := State{e.stateEpoch, e.leaderEpoch, e.startOffset, e.deliveryComplete, slices.Clone(e.batches)}
	if leaderEpoch <= e.leaderEpoch {
		return coord.Effects{Replies: []coord.Reply{{To: to, Response: state}}}
	}
	next := *e
	next.leaderEpoch = leaderEpoch
	return m.write(to, key, &next, state, now)
}

// Summary tells a group's coordinator how far a share-partition is. The answer is a State without batches, or a Refusal. One that is not
// known is not begun: its start is -1.
func (m *Machine) Summary(to coord.Caller, key Key) coord.Effects {
	e := m.entries[key]
	switch {
	case e == nil:
		return coord.Effects{Replies: []coord.Reply{{To: to, Response: State{StartOffset: -1, DeliveryComplete: -1}}}}
	case !m.known(key):
		return refuse(to, kerr.UnknownTopicOrPartition, unknownPartition)
	}
	state := State{StateEpoch: e.stateEpoch, LeaderEpoch: e.leaderEpoch, StartOffset: e.startOffset, DeliveryComplete: e.deliveryComplete}
	return coord.Effects{Replies: []coord.Reply{{To: to, Response: state}}}
}

// Write takes over what a leader says has changed; a start of -1 is the one before. The answer is a Done or a Refusal.
func (m *Machine) Write(to coord.Caller, key Key, s State, now time.Time) coord.Effects {
	e := m.entries[key]
	switch {
	case e == nil:
		return refuse(to, kerr.InvalidRequest, "Write operation on uninitialized share partition not allowed.")
	case s.LeaderEpoch < e.leaderEpoch:
		return refuse(to, kerr.FencedLeaderEpoch, kerr.FencedLeaderEpoch.Description)
	case s.StateEpoch < e.stateEpoch:
		return refuse(to, kerr.FencedStateEpoch, kerr.FencedStateEpoch.Description)
	case !m.known(key):
		return refuse(to, kerr.UnknownTopicOrPartition, unknownPartition)
	}
	return m.write(to, key, e.changed(s.LeaderEpoch, s.StartOffset, s.DeliveryComplete, s.Batches), Done{}, now)
}

// Delete forgets a share-partition. The answer is a Done.
func (m *Machine) Delete(to coord.Caller, key Key) coord.Effects {
	reply := []coord.Reply{{To: to, Response: Done{}}}
	if m.entries[key] == nil {
		return coord.Effects{Replies: reply}
	}
	return coord.Effects{Records: []coord.Record{{Key: key.encode()}}, Replies: reply}
}

// TopicsDeleted forgets the share-partitions of topics that are no more.
func (m *Machine) TopicsDeleted(ids []metadata.UUID) coord.Effects {
	var e coord.Effects
	for key := range m.entries {
		if slices.Contains(ids, key.Topic) {
			e.Records = append(e.Records, coord.Record{Key: key.encode()})
		}
	}
	slices.SortFunc(e.Records, func(a, b coord.Record) int { return slices.Compare(a.Key, b.Key) })
	return e
}

// Loaded implements coord.Machine.
func (m *Machine) Loaded(time.Time) []coord.Effects { return nil }

// Next implements coord.Machine: there is nothing to wait for.
func (m *Machine) Next() time.Time { return time.Time{} }

// Tick implements coord.Machine.
func (m *Machine) Tick(time.Time) []coord.Effects { return nil }

// Abandon implements coord.Machine: nobody waits.
func (m *Machine) Abandon() []coord.Caller { return nil }
