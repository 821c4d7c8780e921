package group

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group/assign"
)

// takeOut has members leave a consumer group: what is left is a classic group again when all that stay speak its protocol.
func (m *Machine) takeOut(g *group, e *coord.Effects, now time.Time, leaving ...*consumerMember) {
	if m.downgrades(g, leaving) {
		m.downgrade(g, e, now, leaving)
		return
	}
	e.Records = m.fenceConsumers(g, leaving...)
}

func (m *Machine) downgrades(g *group, leaving []*consumerMember) bool {
	left := 0
	for _, each := range g.consumer.members {
		if slices.Contains(leaving, each) {
			continue
		}
		if each.classic == nil {
			return false
		}
		left++
	}
	return m.cfg.Consumer.Migration.Downgrade && left > 0 && left <= m.cfg.SizeMax
}

// downgrade makes g a classic group whose generation is the epoch, and has its members join anew. It is done in memory and in the log at once,
// as everything in classic groups; should the log refuse it, the consumer group is there as before.
func (m *Machine) downgrade(g *group, e *coord.Effects, now time.Time, leaving []*consumerMember) {
	for _, each := range leaving {
		g.forgetSession(each.id) // should they have to stay, they begin a new one
	}
	c, before, refused := g.consumer, *g, e.Refused
	records := c.graves(g.id)
	fresh := newGroup(g.id)
	fresh.offsets, fresh.wakes = g.offsets, g.wakes
	*g = *fresh
	g.protocolType, g.generation, g.persisted = consumerProtocol, c.epoch, true
	for _, each := range sortedMembers(c.members) {
		if slices.Contains(leaving, each) {
			continue
		}
		g.add(&member{
			id: each.id, instance: each.instance, client: each.client, rebalanceTimeout: each.rebalanceTimeout,
			sessionTimeout: each.classic.sessionTimeout, protocols: each.classic.protocols,
			assignment: m.classicAssignment(each, c.target[each.id]), expires: now.Add(each.classic.sessionTimeout),
		})
	}
	chosen := g.choose()
	g.protocol = &chosen
	g.readSubscriptions()
	g.enter(Stable, now)
	// The log has the next generation, of which nobody knows: should the coordinator move before it is agreed on, everybody is told to join.
	g.generation++
	e.Records, e.Applied = append(records, g.record()), true
	g.generation--
	e.Refused = func(err *kerr.Error, now time.Time) coord.Effects {
		*g = before
		return refused(err, now)
	}
	m.prepareRebalance(g, e, now)
}

// graves are the records that forget a consumer group with its members.
func (c *consumerGroup) graves(id string) (graves []coord.Record) {
	for _, each := range sortedMembers(c.members) {
		for _, kind := range []int16{keyConsumerCurrent, keyConsumerTarget, keyConsumerMember} {
			graves = append(graves, tombstone(key(kind, id, each.id)))
		}
	}
	for _, expression := range sortedKeys(c.regexes) {
		graves = append(graves, tombstone(key(keyConsumerRegex, id, expression)))
	}
	return append(graves, tombstone(key(keyConsumerTargetEpoch, id)), tombstone(key(keyConsumerGroup, id)))
}

// classicAssignment is what a member of the classic protocol is told that it has, in the version in which it subscribes.
func (m *Machine) classicAssignment(each *consumerMember, has assign.Partitions) []byte {
	a := kmsg.NewConsumerMemberAssignment()
	if said := each.classic.protocols[0].metadata; len(said) >= 2 {
		a.Version = int16(binary.BigEndian.Uint16(said))
	}
	img := m.cfg.Image()
	for _, id := range has.Topics() {
		if topic := img.TopicsByID[id]; topic != nil {
			a.Topics = append(a.Topics, kmsg.ConsumerMemberAssignmentTopic{Topic: topic.Name, Partitions: has[id]})
		}
	}
	return a.AppendTo(nil)
}
