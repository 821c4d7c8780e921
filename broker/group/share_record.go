package group

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kbin"

	"odradek/broker/coord"
	"odradek/broker/group/assign"
	"odradek/broker/metadata"
)

// The types of a share group's records.
const (
	keyShareMember      int16 = 10 // group, member: its subscription
	keyShareGroup       int16 = 11 // group: its epoch
	keyShareTargetEpoch int16 = 12 // group: the epoch that all targets are for
	keyShareTarget      int16 = 13 // group, member: what it is to have
	keyShareCurrent     int16 = 14 // group, member: what it has
	keyShareBegun       int16 = 15 // group: the topics that the share coordinator may know of
)

func shareGroupRecord(group string, epoch int32, hash int64) coord.Record {
	v := appendTags(kbin.AppendInt64(kbin.AppendInt32(value(), epoch), hash))
	return coord.Record{Key: key(keyShareGroup, group), Value: v}
}

func shareTargetEpochRecord(group string, epoch int32, atMs int64) coord.Record {
	r := consumerTargetEpochRecord(group, epoch, atMs)
	r.Key = key(keyShareTargetEpoch, group)
	return r
}

func shareTargetRecord(group, member string, target assign.Partitions) coord.Record {
	r := consumerTargetRecord(group, member, target)
	r.Key = key(keyShareTarget, group, member)
	return r
}

func (m *shareMember) record(group string) coord.Record {
	v := kbin.AppendCompactNullableString(value(), m.rack)
	v = kbin.AppendCompactString(kbin.AppendCompactString(v, m.client.ID), m.client.Host)
	return coord.Record{Key: key(keyShareMember, group, m.id), Value: appendTags(appendStrings(v, m.topics))}
}

func (m *shareMember) current(group string) coord.Record {
	v := kbin.AppendInt32(kbin.AppendInt32(value(), m.epoch), m.previous)
	v = appendPartitions(kbin.AppendInt8(v, int8(memberStable)), m.assigned, nil)
	return coord.Record{Key: key(keyShareCurrent, group, m.id), Value: appendTags(v)}
}

// begunRecord says of topics that they were begun. Kafka's record has those that are about to be begun and to be forgotten, too: here the
// leader of a share-partition begins it when it finds nothing.
func begunRecord(group string, begun map[metadata.UUID]begunTopic) coord.Record {
	ids := make([]metadata.UUID, 0, len(begun))
	for id := range begun {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, assign.CompareTopics)
	v := kbin.AppendCompactArrayLen(kbin.AppendCompactArrayLen(value(), 0), len(ids))
	for _, id := range ids {
		v = kbin.AppendCompactString(kbin.AppendUuid(v, id), begun[id].name)
		v = appendTags(appendInt32s(v, begun[id].partitions))
	}
	return coord.Record{Key: key(keyShareBegun, group), Value: appendTags(kbin.AppendCompactArrayLen(v, 0))}
}

func (f *fields) begun(begun map[metadata.UUID]begunTopic, withPartitions bool) {
	for n := f.CompactArrayLen(); n > 0 && f.Ok(); n-- {
		id, topic := metadata.UUID(f.Uuid()), begunTopic{name: f.CompactString()}
		if withPartitions {
			topic.partitions = f.int32s()
			slices.Sort(topic.partitions)
		}
		f.tags(nil)
		begun[id] = topic
	}
}

// shareOrNew is the share group of an id, made if there is none.
func (m *Machine) shareOrNew(id string) *shareGroup {
	g := m.groupOrNew(id)
	if g.share == nil {
		g.share = newShareGroup()
	}
	return g.share
}

func (m *Machine) replayShare(kind int16, r coord.Record) error {
	n := 2
	if kind == keyShareGroup || kind == keyShareTargetEpoch || kind == keyShareBegun {
		n = 1
	}
	names, err := keyNames(r.Key, n)
	if err != nil {
		return err
	}
	if r.Value == nil {
		m.forgetShare(kind, names)
		return nil
	}
	f, err := readFields(r.Value)
	if err != nil {
		return err
	}
	switch kind {
	case keyShareGroup:
		epoch, hash := f.Int32(), f.Int64()
		f.tags(nil)
		return m.keepShare(f, "share group", names[0], func(s *shareGroup) { s.epoch, s.hash = epoch, hash })
	case keyShareTargetEpoch:
		epoch, atMs := f.Int32(), int64(0)
		f.tags(func(number uint32, content *fields) {
			if number == tagAssignmentTime {
				atMs = content.Int64()
			}
		})
		return m.keepShare(f, "target's epoch", names[0], func(s *shareGroup) { s.assignmentEpoch, s.assignedMs = epoch, atMs })
	case keyShareBegun:
		begun := map[metadata.UUID]begunTopic{}
		f.begun(begun, true)
		f.begun(begun, true)
		f.begun(begun, false)
		f.tags(nil)
		return m.keepShare(f, "share-partitions", names[0], func(s *shareGroup) { s.begun = begun })
	case keyShareTarget:
		target := f.partitions(nil)
		f.tags(nil)
		return m.keepShare(f, "target", names[0], func(s *shareGroup) { s.target[names[1]] = target })
	case keyShareMember:
		rack, client := f.CompactNullableString(), Client{f.CompactString(), f.CompactString()}
		topics := f.strings()
		slices.Sort(topics)
		f.tags(nil)
		return m.keepShare(f, "member", names[0], func(s *shareGroup) {
			next := s.memberOrNew(names[1])
			next.rack, next.client, next.topics = rack, client, topics
			s.members[names[1]] = next
		})
	}
	epoch, previous := f.Int32(), f.Int32()
	f.Int8()
	assigned := f.partitions(nil)
	f.tags(nil)
	return m.keepShare(f, "assignment", names[0], func(s *shareGroup) {
		next := s.memberOrNew(names[1])
		next.epoch, next.previous, next.assigned = epoch, previous, assigned
		s.members[names[1]] = next
	})
}

// keepShare changes a group by what was read, if all of it could be.
func (m *Machine) keepShare(f *fields, what, id string, change func(*shareGroup)) error {
	if err := f.done(what); err != nil {
		return err
	}
	change(m.shareOrNew(id))
	return nil
}

func (s *shareGroup) memberOrNew(id string) *shareMember {
	if before := s.members[id]; before != nil {
		next := *before
		return &next
	}
	return &shareMember{id: id, assigned: assign.Partitions{}}
}

func (m *Machine) forgetShare(kind int16, names []string) {
	s := m.shareOf(names[0])
	if s == nil {
		return
	}
	switch kind {
	case keyShareGroup:
		g := m.groups[names[0]]
		g.reset()
		m.forgetIfNothing(g)
	case keyShareTargetEpoch:
		s.assignmentEpoch, s.assignedMs = 0, 0
	case keyShareBegun:
		s.begun = map[metadata.UUID]begunTopic{}
	case keyShareTarget:
		delete(s.target, names[1])
	case keyShareMember:
		delete(s.members, names[1])
	case keyShareCurrent:
		if s.members[names[1]] != nil {
			next := s.memberOrNew(names[1])
			next.epoch, next.previous, next.assigned = 0, 0, assign.Partitions{}
			s.members[names[1]] = next
		}
	}
}
