package group

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
)

// The versions of keys, which are the types of records: an offset commit's may be 0 or 1.
const (
	keyOffsetCommitOld int16 = 0
	keyOffsetCommit    int16 = 1
	keyGroupMetadata   int16 = 2
)

// The versions of values that are written: the newest whose fields are all used. An offset commit with an expiry of its own (OffsetCommit
// v2 to v4) is written in the only version that has the field.
const (
	valueOffsetCommit        int16 = 3
	valueOffsetCommitExpires int16 = 1
	valueGroupMetadata       int16 = 3
	// valueNewest is the newest that is read, of either.
	valueNewest int16 = 4
)

var errMalformed = errors.New("group: malformed record")

// offset is a committed offset.
type offset struct {
	offset      int64
	leaderEpoch int32 // -1 when the client did not say
	metadata    string
	committedMs int64
	expiresMs   int64 // -1: by the broker's retention
	order       int64 // in memory: of two offsets, the later one's is greater
}

func offsetKey(group, topic string, partition int32) []byte {
	key := kmsg.OffsetCommitKey{Version: keyOffsetCommit, Group: group, Topic: topic, Partition: partition}
	return key.AppendTo(nil)
}

func offsetRecord(group, topic string, partition int32, o offset) coord.Record {
	value := kmsg.OffsetCommitValue{
		Version: valueOffsetCommit, Offset: o.offset, LeaderEpoch: o.leaderEpoch, Metadata: o.metadata,
		CommitTimestamp: o.committedMs, ExpireTimestamp: o.expiresMs,
	}
	if o.expiresMs >= 0 {
		value.Version = valueOffsetCommitExpires
	}
	return coord.Record{Key: offsetKey(group, topic, partition), Value: value.AppendTo(nil)}
}

func offsetTombstone(group, topic string, partition int32) coord.Record {
	return coord.Record{Key: offsetKey(group, topic, partition)}
}

func groupKey(group string) []byte {
	key := kmsg.GroupMetadataKey{Version: keyGroupMetadata, Group: group}
	return key.AppendTo(nil)
}

func groupTombstone(group string) coord.Record { return coord.Record{Key: groupKey(group)} }

// record is the group as it is to be remembered.
func (g *group) record() coord.Record {
	value := kmsg.GroupMetadataValue{
		Version: valueGroupMetadata, ProtocolType: g.protocolType, Generation: g.generation, Protocol: g.protocol,
		CurrentStateTimestamp: g.stateSinceMs,
	}
	if g.leader != "" {
		value.Leader = &g.leader
	}
	for _, m := range g.members {
		value.Members = append(value.Members, kmsg.GroupMetadataValueMember{
			MemberID: m.id, InstanceID: m.instance, ClientID: m.client.ID, ClientHost: m.client.Host,
			RebalanceTimeoutMillis: millis(m.rebalanceTimeout), SessionTimeoutMillis: millis(m.sessionTimeout),
			Subscription: m.subscription(g.protocol), Assignment: m.assignment,
		})
	}
	return coord.Record{Key: groupKey(g.id), Value: value.AppendTo(nil)}
}

// Replay implements coord.Machine. Records of types that are not known are passed over: those of other kinds of groups.
func (m *Machine) Replay(r coord.Record) error {
	switch version := recordType(r); version {
	case -1:
		return fmt.Errorf("%w: key of %d bytes", errMalformed, len(r.Key))
	case keyOffsetCommitOld, keyOffsetCommit:
		return m.replayOffset(r)
	case keyGroupMetadata:
		return m.replayGroup(r)
	case keyConsumerGroup, keyConsumerMember, keyConsumerTargetEpoch, keyConsumerTarget, keyConsumerCurrent, keyConsumerRegex:
		return m.replayConsumer(version, r)
	case keyShareGroup, keyShareMember, keyShareTargetEpoch, keyShareTarget, keyShareCurrent, keyShareBegun:
		return m.replayShare(version, r)
	}
	return nil
}

// recordType is the version of a record's key, -1 when it is too short for one.
func recordType(r coord.Record) int16 {
	if len(r.Key) < 2 {
		return -1
	}
	return int16(binary.BigEndian.Uint16(r.Key))
}

// checkValue refuses versions that are not known: kmsg would read them as the newest that it knows.
func checkValue(value []byte) error {
	if len(value) < 2 {
		return fmt.Errorf("%w: value of %d bytes", errMalformed, len(value))
	}
	if version := int16(binary.BigEndian.Uint16(value)); version < 0 || version > valueNewest {
		return fmt.Errorf("%w: value of version %d", errMalformed, version)
	}
	return nil
}

func (m *Machine) replayOffset(r coord.Record) error {
	at, value, err := m.readOffset(r)
	if err != nil {
		return err
	}
	if value != nil {
		m.groupOrNew(at.group).setOffset(at.topic, at.partition, *value)
		return nil
	}
	m.pending.forget(at)
	if g := m.groups[at.group]; g != nil {
		g.dropOffset(at.topic, at.partition) // the group is there until it expires, as with the reference
	}
	return nil
}

// readOffset reads an offset commit; the offset is nil in a tombstone.
func (m *Machine) readOffset(r coord.Record) (offsetPlace, *offset, error) {
	var key kmsg.OffsetCommitKey
	if err := key.ReadFrom(r.Key); err != nil {
		return offsetPlace{}, nil, fmt.Errorf("%w: offset commit's key: %w", errMalformed, err)
	}
	at := offsetPlace{key.Group, key.Topic, key.Partition}
	if r.Value == nil {
		return at, nil, nil
	}
	if err := checkValue(r.Value); err != nil {
		return at, nil, fmt.Errorf("offset commit: %w", err)
	}
	value := kmsg.OffsetCommitValue{LeaderEpoch: -1, ExpireTimestamp: -1}
	if err := value.ReadFrom(r.Value); err != nil {
		return at, nil, fmt.Errorf("%w: offset commit's value: %w", errMalformed, err)
	}
	m.order++
	return at, &offset{
		offset: value.Offset, leaderEpoch: value.LeaderEpoch, metadata: value.Metadata,
		committedMs: value.CommitTimestamp, expiresMs: value.ExpireTimestamp, order: m.order,
	}, nil
}

func (m *Machine) replayGroup(r coord.Record) error {
	var key kmsg.GroupMetadataKey
	if err := key.ReadFrom(r.Key); err != nil {
		return fmt.Errorf("%w: group's key: %w", errMalformed, err)
	}
	if r.Value == nil {
		before := m.groups[key.Group]
		if before != nil && !before.newer() { // else the group became another kind since
			before.reset()
			m.forgetIfNothing(before)
		}
		return nil
	}
	if err := checkValue(r.Value); err != nil {
		return fmt.Errorf("group: %w", err)
	}
	value := kmsg.GroupMetadataValue{CurrentStateTimestamp: -1}
	if err := value.ReadFrom(r.Value); err != nil {
		return fmt.Errorf("%w: group's value: %w", errMalformed, err)
	}
	g := m.groupOrNew(key.Group)
	g.reset()
	g.restore(&value)
	return nil
}

// reset makes g an empty group, with its offsets and its timers.
func (g *group) reset() {
	fresh := newGroup(g.id)
	fresh.offsets, fresh.sessions, fresh.revocations, fresh.wakes = g.offsets, g.sessions, g.revocations, g.wakes
	*g = *fresh
}

// restore takes a remembered generation over.
func (g *group) restore(value *kmsg.GroupMetadataValue) {
	g.persisted = true
	g.protocolType, g.generation, g.protocol = value.ProtocolType, value.Generation, value.Protocol
	g.stateSinceMs = value.CurrentStateTimestamp
	for _, each := range value.Members {
		m := &member{
			id: each.MemberID, instance: each.InstanceID, client: Client{each.ClientID, each.ClientHost},
			rebalanceTimeout: duration(each.RebalanceTimeoutMillis), sessionTimeout: duration(each.SessionTimeoutMillis),
			assignment: each.Assignment,
		}
		if each.RebalanceTimeoutMillis <= 0 {
			m.rebalanceTimeout = m.sessionTimeout // version 0 has no such field
		}
		if value.Protocol != nil {
			m.protocols = []protocol{{*value.Protocol, each.Subscription}}
		}
		g.add(m)
	}
	if len(g.members) > 0 {
		g.state = Stable
		if value.Leader != nil && g.member(*value.Leader) != nil {
			g.leader = *value.Leader
		}
	}
	g.readSubscriptions()
}
