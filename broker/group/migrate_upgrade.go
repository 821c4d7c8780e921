package group

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group/assign"
)

// Migration says between which protocols a group with members may change (group.consumer.migration.policy): to the newer one when its first
// member comes, back when the last one goes.
type Migration struct{ Upgrade, Downgrade bool }

// upgraded is what a classic group with members is under KIP-848, as of its generation: the next epoch begins with the member that comes. The
// members go on speaking the classic protocol (consumer_classic.go).
func (m *Machine) upgraded(g *group) (*consumerGroup, *refusal) {
	switch {
	case !m.cfg.Consumer.Migration.Upgrade:
		return nil, refusalf(kerr.GroupIDNotFound, "Group %s is not a consumer group.", g.id)
	case g.protocolType != consumerProtocol:
		return nil, refusalf(kerr.GroupIDNotFound, "Cannot upgrade classic group %s to consumer group because the group does not use the consumer embedded protocol.", g.id)
	case len(g.members) > m.cfg.Consumer.SizeMax:
		return nil, refusalf(kerr.GroupIDNotFound, "Cannot upgrade classic group %s to consumer group because the group size exceeds the consumer group maximum size.", g.id)
	}
	c := newConsumerGroup()
	c.epoch, c.assignmentEpoch = g.generation, g.generation
	for _, each := range g.members {
		next, err := m.upgradedMember(c, g, each)
		if err != nil {
			return nil, err
		}
		c.put(next)
		c.target[next.id] = next.assigned
	}
	return c, nil
}

// upgradedMember has what the classic leader assigned to a member: of partitions that are there, and that nobody else was given as well.
func (m *Machine) upgradedMember(c *consumerGroup, g *group, each *member) (*consumerMember, *refusal) {
	malformed := func(err error) *refusal {
		return refusalf(kerr.GroupIDNotFound, "Cannot upgrade classic group %s to consumer group because the embedded consumer protocol is malformed: %v.", g.id, err)
	}
	protocols := each.protocols
	if g.protocol != nil {
		protocols = []protocol{{*g.protocol, each.subscription(g.protocol)}}
	}
	s, err := readSubscription(protocols)
	if err != nil {
		return nil, malformed(err)
	}
	var given kmsg.ConsumerMemberAssignment
	if len(each.assignment) > 0 {
		if err := given.ReadFrom(each.assignment); err != nil {
			return nil, malformed(err)
		}
	}
	if len(given.UserData) > 0 {
		return nil, refusalf(kerr.GroupIDNotFound, "Cannot upgrade classic group %s to consumer group because an unsupported custom assignor is in use. Please refer to the documentation or switch to a default assignor before re-attempting the upgrade.", g.id)
	}
	next := newConsumerMember(each.id)
	next.instance, next.rack, next.client, next.topics = each.instance, s.Rack, each.client, sortedTopics(s.Topics)
	next.rebalanceTimeout, next.epoch, next.previous = each.rebalanceTimeout, g.generation, g.generation
	next.classic = &classicMetadata{sessionTimeout: each.sessionTimeout, protocols: each.protocols}
	for _, t := range given.Topics {
		topic := m.cfg.Image().Topics[t.Topic]
		for _, index := range t.Partitions {
			if topic == nil || index < 0 || int(index) >= len(topic.Partitions) || next.assigned.Has(topic.ID, index) {
				continue
			}
			if p := (partition{topic.ID, index}); c.owners[p] == "" {
				next.assigned.Add(topic.ID, index)
				next.since[p] = g.generation
			}
		}
	}
	return next, nil
}

// records are those that say all of a consumer group that was a classic one.
func (c *consumerGroup) records(id string) []coord.Record {
	var records []coord.Record
	members := sortedMembers(c.members)
	for _, each := range members {
		records = append(records, each.record(id))
	}
	records = append(records, consumerGroupRecord(id, c.epoch, c.hash))
	for _, each := range members {
		records = append(records, consumerTargetRecord(id, each.id, c.target[each.id]))
	}
	records = append(records, consumerTargetEpochRecord(id, c.assignmentEpoch, c.assignedMs))
	for _, each := range members {
		records = append(records, each.current(id))
	}
	return records
}

// interrupt ends what a classic group's members wait for, and gives each the session that it has in a consumer group.
func (m *Machine) interrupt(g *group, now time.Time) (prompt []coord.Reply) {
	for _, each := range g.members {
		if each.joining != nil {
			prompt = append(prompt, coord.Reply{To: each.joining, Response: refusedJoin(each.id, kerr.RebalanceInProgress)})
		}
		if each.syncing != nil {
			prompt = append(prompt, coord.Reply{To: each.syncing, Response: refusedSync(kerr.RebalanceInProgress)})
		}
		each.joining, each.syncing, each.isNew = nil, nil, false
		each.expires = now.Add(each.sessionTimeout)
		g.heardConsumer(each.id, each.expires)
	}
	clear(g.promised)
	return prompt
}

// readSubscription is what a member of the classic protocol says with the protocol that it likes best.
func readSubscription(protocols []protocol) (s kmsg.ConsumerMemberMetadata, err error) {
	if len(protocols) == 0 {
		return s, kerr.InconsistentGroupProtocol
	}
	err = s.ReadFrom(protocols[0].metadata)
	return s, err
}

// owned are the partitions that a subscription says its member has, of topics that are there.
func (m *Machine) owned(s *kmsg.ConsumerMemberMetadata) assign.Partitions {
	owned := assign.Partitions{}
	for _, t := range s.OwnedPartitions {
		if topic := m.cfg.Image().Topics[t.Topic]; topic != nil {
			for _, index := range t.Partitions {
				owned.Add(topic.ID, index)
			}
		}
	}
	return owned
}
