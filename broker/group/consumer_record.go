package group

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kbin"

	"odradek/broker/coord"
	"odradek/broker/group/assign"
	"odradek/broker/metadata"
)

// The types of a consumer group's records, in the order in which a heartbeat writes them. Type 4, the topics of a group, is Kafka's
// before 4.1: it is passed over.
const (
	keyConsumerMember      int16 = 5  // group, member: its subscription
	keyConsumerRegex       int16 = 16 // group, expression: the topics it stands for
	keyConsumerGroup       int16 = 3  // group: its epoch
	keyConsumerTarget      int16 = 7  // group, member: what it is to have
	keyConsumerTargetEpoch int16 = 6  // group: the epoch that all targets are for
	keyConsumerCurrent     int16 = 8  // group, member: what it has
)

// The numbers of the tagged fields.
const (
	tagClassicMember  = 0 // of a member's subscription
	tagMetadataHash   = 0 // of a group's epoch
	tagAssignmentTime = 0 // of the targets' epoch
	tagEpochs         = 0 // of a topic that a member has
)

func consumerGroupRecord(group string, epoch int32, hash int64) coord.Record {
	v := kbin.AppendInt32(value(), epoch)
	if hash == 0 {
		v = appendTags(v)
	} else {
		v = appendTags(v, tag{tagMetadataHash, kbin.AppendInt64(nil, hash)})
	}
	return coord.Record{Key: key(keyConsumerGroup, group), Value: v}
}

func consumerTargetEpochRecord(group string, epoch int32, atMs int64) coord.Record {
	v := kbin.AppendInt32(value(), epoch)
	v = appendTags(v, tag{tagAssignmentTime, kbin.AppendInt64(nil, atMs)})
	return coord.Record{Key: key(keyConsumerTargetEpoch, group), Value: v}
}

func consumerTargetRecord(group, member string, target assign.Partitions) coord.Record {
	v := appendTags(appendPartitions(value(), target, nil))
	return coord.Record{Key: key(keyConsumerTarget, group, member), Value: v}
}

func consumerRegexRecord(group, expression string, r regularExpression) coord.Record {
	v := appendStrings(value(), r.topics)
	v = kbin.AppendInt64(kbin.AppendInt64(v, r.version), r.atMs)
	return coord.Record{Key: key(keyConsumerRegex, group, expression), Value: appendTags(v)}
}

func (m *consumerMember) record(group string) coord.Record {
	v := kbin.AppendCompactNullableString(value(), m.instance)
	v = kbin.AppendCompactNullableString(v, m.rack)
	v = kbin.AppendCompactString(v, m.client.ID)
	v = kbin.AppendCompactString(v, m.client.Host)
	v = appendStrings(v, m.topics)
	v = kbin.AppendCompactNullableString(v, &m.regex)
	v = kbin.AppendInt32(v, millis(m.rebalanceTimeout))
	v = kbin.AppendCompactNullableString(v, m.assignor)
	v = appendTags(v, tag{tagClassicMember, m.classic.encode()})
	return coord.Record{Key: key(keyConsumerMember, group, m.id), Value: v}
}

// encode is a nullable struct: it begins by saying whether it is there. Kafka takes a member without the field for one of the classic protocol.
func (c *classicMetadata) encode() []byte {
	if c == nil {
		return []byte{0}
	}
	b := kbin.AppendInt8(nil, 1)
	b = kbin.AppendInt32(b, millis(c.sessionTimeout))
	b = kbin.AppendCompactArrayLen(b, len(c.protocols))
	for _, p := range c.protocols {
		b = appendTags(kbin.AppendCompactBytes(kbin.AppendCompactString(b, p.name), p.metadata))
	}
	return appendTags(b)
}

func (f *fields) classic() *classicMetadata {
	if f.Int8() <= 0 {
		return nil
	}
	c := &classicMetadata{sessionTimeout: duration(f.Int32())}
	for n := f.CompactArrayLen(); n > 0 && f.Ok(); n-- {
		c.protocols = append(c.protocols, protocol{f.CompactString(), f.CompactBytes()})
		f.tags(nil)
	}
	f.tags(nil)
	return c
}

// current is the record of what a member has.
func (m *consumerMember) current(group string) coord.Record {
	epochs := func(topic metadata.UUID, list []int32) []tag {
		since := make([]int32, len(list))
		for i, index := range list {
			since[i] = m.since[partition{topic, index}]
		}
		return []tag{{tagEpochs, appendInt32s(nil, since)}}
	}
	v := kbin.AppendInt32(kbin.AppendInt32(value(), m.epoch), m.previous)
	v = kbin.AppendInt8(v, int8(m.state))
	v = appendPartitions(appendPartitions(v, m.assigned, epochs), m.revoking, epochs)
	return coord.Record{Key: key(keyConsumerCurrent, group, m.id), Value: appendTags(v)}
}

// consumerOrNew is the consumer group of an id, made if there is none: its records may come in any order once they are compacted.
func (m *Machine) consumerOrNew(id string) *consumerGroup {
	g := m.groupOrNew(id)
	if g.consumer == nil {
		g.consumer = newConsumerGroup()
	}
	return g.consumer
}

// consumerOf is the consumer group of an id, nil when there is none.
func (m *Machine) consumerOf(id string) *consumerGroup {
	if g := m.groups[id]; g != nil {
		return g.consumer
	}
	return nil
}

func (m *Machine) replayConsumer(kind int16, r coord.Record) error {
	switch kind {
	case keyConsumerGroup, keyConsumerTargetEpoch:
		names, err := keyNames(r.Key, 1)
		if err != nil {
			return err
		}
		if kind == keyConsumerGroup {
			return m.replayConsumerGroup(names[0], r.Value)
		}
		return m.replayConsumerTargetEpoch(names[0], r.Value)
	}
	names, err := keyNames(r.Key, 2)
	if err != nil {
		return err
	}
	switch kind {
	case keyConsumerMember:
		return m.replayConsumerMember(names[0], names[1], r.Value)
	case keyConsumerRegex:
		return m.replayConsumerRegex(names[0], names[1], r.Value)
	case keyConsumerTarget:
		return m.replayConsumerTarget(names[0], names[1], r.Value)
	}
	return m.replayConsumerCurrent(names[0], names[1], r.Value)
}

func (m *Machine) replayConsumerGroup(id string, v []byte) error {
	if v == nil {
		if g := m.groups[id]; g != nil && g.consumer != nil {
			g.reset()
			m.forgetIfNothing(g)
		}
		return nil
	}
	f, err := readFields(v)
	if err != nil {
		return err
	}
	epoch, hash := f.Int32(), int64(0)
	f.tags(func(number uint32, content *fields) {
		if number == tagMetadataHash {
			hash = content.Int64()
		}
	})
	if err := f.done("consumer group"); err != nil {
		return err
	}
	c := m.consumerOrNew(id)
	c.epoch, c.hash = epoch, hash
	return nil
}

func (m *Machine) replayConsumerTargetEpoch(id string, v []byte) error {
	if v == nil {
		if c := m.consumerOf(id); c != nil {
			c.assignmentEpoch, c.assignedMs = 0, 0
		}
		return nil
	}
	f, err := readFields(v)
	if err != nil {
		return err
	}
	epoch, atMs := f.Int32(), int64(0)
	f.tags(func(number uint32, content *fields) {
		if number == tagAssignmentTime {
			atMs = content.Int64()
		}
	})
	if err := f.done("target's epoch"); err != nil {
		return err
	}
	c := m.consumerOrNew(id)
	c.assignmentEpoch, c.assignedMs = epoch, atMs
	return nil
}

func (m *Machine) replayConsumerMember(id, member string, v []byte) error {
	if v == nil {
		if c := m.consumerOf(id); c != nil {
			c.remove(member)
		}
		return nil
	}
	f, err := readFields(v)
	if err != nil {
		return err
	}
	next := newConsumerMember(member)
	c := m.consumerOrNew(id)
	if before := c.members[member]; before != nil {
		*next = *before
	}
	next.instance, next.rack = f.CompactNullableString(), f.CompactNullableString()
	next.client = Client{f.CompactString(), f.CompactString()}
	next.topics, next.regex, next.classic = f.strings(), "", nil
	slices.Sort(next.topics)
	if regex := f.CompactNullableString(); regex != nil {
		next.regex = *regex
	}
	next.rebalanceTimeout, next.assignor = duration(f.Int32()), f.CompactNullableString()
	f.tags(func(number uint32, content *fields) {
		if number == tagClassicMember {
			next.classic = content.classic()
		}
	})
	if err := f.done("member"); err != nil {
		return err
	}
	c.put(next)
	return nil
}

func (m *Machine) replayConsumerRegex(id, expression string, v []byte) error {
	if v == nil {
		if c := m.consumerOf(id); c != nil {
			delete(c.regexes, expression)
		}
		return nil
	}
	f, err := readFields(v)
	if err != nil {
		return err
	}
	r := regularExpression{topics: f.strings(), version: f.Int64(), atMs: f.Int64()}
	f.tags(nil)
	if err := f.done("regular expression"); err != nil {
		return err
	}
	slices.Sort(r.topics)
	m.consumerOrNew(id).regexes[expression] = r
	return nil
}

func (m *Machine) replayConsumerTarget(id, member string, v []byte) error {
	if v == nil {
		if c := m.consumerOf(id); c != nil {
			delete(c.target, member)
		}
		return nil
	}
	f, err := readFields(v)
	if err != nil {
		return err
	}
	target := f.partitions(nil)
	f.tags(nil)
	if err := f.done("target"); err != nil {
		return err
	}
	m.consumerOrNew(id).target[member] = target
	return nil
}

func (m *Machine) replayConsumerCurrent(id, member string, v []byte) error {
	if v == nil {
		// The member's own record goes too; if it came first, nothing is left to do.
		if c := m.consumerOf(id); c != nil && c.members[member] != nil {
			next := *c.members[member]
			next.epoch, next.previous, next.state = 0, 0, memberStable
			next.assigned, next.revoking, next.since = assign.Partitions{}, assign.Partitions{}, map[partition]int32{}
			c.put(&next)
		}
		return nil
	}
	f, err := readFields(v)
	if err != nil {
		return err
	}
	next := newConsumerMember(member)
	c := m.consumerOrNew(id)
	if before := c.members[member]; before != nil {
		*next = *before
	}
	next.epoch, next.previous, next.state = f.Int32(), f.Int32(), memberState(f.Int8())
	next.since = map[partition]int32{}
	epochs := func(topic metadata.UUID, list []int32, number uint32, content *fields) {
		if number != tagEpochs {
			return
		}
		for i, since := range content.int32s() {
			if i < len(list) {
				next.since[partition{topic, list[i]}] = since
			}
		}
	}
	next.assigned, next.revoking = f.partitions(epochs), f.partitions(epochs)
	f.tags(nil)
	if err := f.done("assignment"); err != nil {
		return err
	}
	if next.state < memberStable || next.state > memberUnreleased {
		return fmt.Errorf("%w: state %d of a member", errMalformed, next.state)
	}
	c.put(next)
	return nil
}
