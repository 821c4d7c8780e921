package group

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group/assign"
	"odradek/broker/metadata"
)

// ConsumerConfig says what holds for consumer groups.
type ConsumerConfig struct {
	SizeMax   int      // group.consumer.max.size
	Assignors []string // group.consumer.assignors, the first by default
	Migration Migration
	// Times are those of one group: its own, or the broker's.
	Times func(group string) ConsumerTimes
}

// ConsumerTimes are a consumer group's.
type ConsumerTimes struct {
	SessionTimeout     time.Duration // consumer.session.timeout.ms
	HeartbeatInterval  time.Duration // consumer.heartbeat.interval.ms
	AssignmentInterval time.Duration // consumer.assignment.interval.ms
}

// DescribeConsumer is ConsumerGroupDescribe of one group; the answer is a kmsg.ConsumerGroupDescribeResponseGroup.
func (m *Machine) DescribeConsumer(to coord.Caller, id string) coord.Effects {
	resp := kmsg.NewConsumerGroupDescribeResponseGroup()
	resp.Group = id
	c := m.consumerOf(id)
	if c == nil {
		message := "Group " + id + " not found."
		if m.groups[id] != nil {
			message = "Group " + id + " is not a consumer group."
		}
		resp.ErrorCode, resp.ErrorMessage = kerr.GroupIDNotFound.Code, &message
		return coord.Effects{Replies: []coord.Reply{{To: to, Response: resp}}}
	}
	resp.State, resp.Epoch, resp.AssignmentEpoch = string(c.state()), c.epoch, c.assignmentEpoch
	resp.AssignorName = m.preferredAssignor(c.members)
	img := m.cfg.Image()
	for _, each := range sortedMembers(c.members) {
		one := kmsg.NewConsumerGroupDescribeResponseGroupMember()
		one.MemberID, one.InstanceID, one.RackID, one.MemberEpoch = each.id, each.instance, each.rack, each.epoch
		one.ClientID, one.ClientHost = each.client.ID, each.client.Host
		one.SubscribedTopics, one.SubscribedTopicRegex = each.topics, &each.regex
		one.Assignment, one.TargetAssignment = describedAssignment(img, each.assigned.With(each.revoking)), describedAssignment(img, c.target[each.id])
		one.MemberType = memberTypeConsumer
		if each.classic != nil {
			one.MemberType = memberTypeClassic
		}
		resp.Members = append(resp.Members, one)
	}
	return coord.Effects{Replies: []coord.Reply{{To: to, Response: resp}}}
}

// The protocols of members, as descriptions of consumer groups tell them.
const (
	memberTypeClassic  int8 = 0
	memberTypeConsumer int8 = 1
)

// describedAssignment names topics; those that are no more are left out.
func describedAssignment(img *metadata.Image, p assign.Partitions) (described kmsg.Assignment) {
	for _, id := range p.Topics() {
		if topic := img.TopicsByID[id]; topic != nil {
			described.TopicPartitions = append(described.TopicPartitions, kmsg.AssignmentTopicPartition{TopicID: id, Topic: topic.Name, Partitions: p[id]})
		}
	}
	return described
}

// checkConsumerCommit says whether a member may commit: it must be where the group has it, or have the partitions since the epoch that it
// names. A commit to a group that is empty needs no member.
func (g *group) checkConsumerCommit(img *metadata.Image, req *kmsg.OffsetCommitRequest) *kerr.Error {
	c := g.consumer
	if req.Generation < 0 && len(c.members) == 0 {
		return nil
	}
	each := c.members[req.MemberID]
	if each == nil {
		return kerr.UnknownMemberID
	}
	switch {
	case req.Version < versionMemberEpoch && each.classic == nil:
		return kerr.UnsupportedVersion
	case req.Generation == each.epoch:
		return nil
	case req.Generation > each.epoch || each.classic != nil:
		return staleEpoch(each)
	}
	for _, topic := range req.Topics {
		known := img.Topics[topic.Topic]
		for _, part := range topic.Partitions {
			if known == nil {
				return staleEpoch(each)
			}
			since, has := each.since[partition{known.ID, part.Partition}]
			if !has || req.Generation < since {
				return staleEpoch(each)
			}
		}
	}
	return nil
}

// consumerCommitInTransaction is committingInTransaction for groups of the newer protocols.
func (m *Machine) consumerCommitInTransaction(g *group, req *kmsg.TxnOffsetCommitRequest) *kerr.Error {
	switch {
	case g.share != nil:
		return kerr.GroupIDNotFound
	case req.Generation < 0 && req.MemberID == "" && req.InstanceID == nil:
		return nil
	}
	plain := kmsg.NewPtrOffsetCommitRequest()
	plain.Version, plain.MemberID, plain.Generation = versionMemberEpoch, req.MemberID, req.Generation
	for _, topic := range req.Topics {
		t := kmsg.NewOffsetCommitRequestTopic()
		t.Topic = topic.Topic
		for _, part := range topic.Partitions {
			t.Partitions = append(t.Partitions, kmsg.OffsetCommitRequestTopicPartition{Partition: part.Partition})
		}
		plain.Topics = append(plain.Topics, t)
	}
	return g.checkConsumerCommit(m.cfg.Image(), plain)
}

// versionMemberEpoch is the version of OffsetCommit from which the generation may be a member's epoch.
const versionMemberEpoch = 9

// staleEpoch is the error of a member that names another epoch than its own: members of the classic protocol know it as a generation.
func staleEpoch(m *consumerMember) *kerr.Error {
	if m.classic != nil {
		return kerr.IllegalGeneration
	}
	return kerr.StaleMemberEpoch
}

// checkFetch holds a member that fetches offsets to its epoch (OffsetFetch 9 and later).
func (g *group) checkFetch(req kmsg.OffsetFetchRequestGroup) *kerr.Error {
	if g == nil || g.consumer == nil || req.MemberID == nil && req.MemberEpoch < 0 {
		return nil
	}
	if req.MemberID == nil || g.consumer.members[*req.MemberID] == nil {
		return kerr.UnknownMemberID
	}
	if each := g.consumer.members[*req.MemberID]; each.epoch != req.MemberEpoch {
		return staleEpoch(each)
	}
	return nil
}

// graves are the records that forget a group, its offsets aside.
func (g *group) graves() []coord.Record {
	if g.share != nil {
		return []coord.Record{tombstone(key(keyShareBegun, g.id)), tombstone(key(keyShareTargetEpoch, g.id)), tombstone(key(keyShareGroup, g.id))}
	}
	if g.consumer != nil {
		return []coord.Record{tombstone(key(keyConsumerTargetEpoch, g.id)), tombstone(key(keyConsumerGroup, g.id))}
	}
	return []coord.Record{groupTombstone(g.id)}
}

// newer says whether the group is of one of the protocols whose members only send heartbeats.
func (g *group) newer() bool { return g.consumer != nil || g.share != nil }

// empty says whether the group has no members.
func (g *group) empty() bool {
	if g.share != nil {
		return len(g.share.members) == 0
	}
	if g.consumer != nil {
		return len(g.consumer.members) == 0
	}
	return g.state == Empty
}

// described is the group's kind and state in a list of groups.
func (g *group) described() (kind, protocol string, state State) {
	if g.share != nil {
		return TypeShare, TypeShare, g.share.state()
	}
	if g.consumer != nil {
		return TypeConsumer, consumerProtocol, g.consumer.state()
	}
	return TypeClassic, g.protocolType, g.state
}

// TopicsChanged notes that there are other topics, or more partitions: each group looks at the next heartbeat of a member whether that
// concerns it.
func (m *Machine) TopicsChanged() coord.Effects {
	m.topicsVersion++
	return coord.Effects{}
}
