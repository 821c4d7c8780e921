package group

import (
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
)

// Describe is DescribeGroups of one group; the answer is a kmsg.DescribeGroupsResponseGroup. A group that is not there is Dead, and
// from version 6 on an error too.
func (m *Machine) Describe(to coord.Caller, id string, version int16) coord.Effects {
	resp := kmsg.NewDescribeGroupsResponseGroup()
	resp.Group = id
	resp.Members = []kmsg.DescribeGroupsResponseGroupMember{}
	g := m.groups[id]
	if g == nil || g.newer() {
		resp.State = string(Dead)
		if version >= 6 {
			message := "Group " + id + " not found."
			if g != nil {
				message = "Group " + id + " is not a classic group."
			}
			resp.ErrorCode, resp.ErrorMessage = kerr.GroupIDNotFound.Code, &message
		}
		return coord.Effects{Replies: []coord.Reply{{To: to, Response: resp}}}
	}
	resp.State, resp.ProtocolType = string(g.state), g.protocolType
	if g.state == Stable && g.protocol != nil {
		resp.Protocol = *g.protocol
	}
	for _, each := range g.members {
		one := kmsg.NewDescribeGroupsResponseGroupMember()
		one.MemberID, one.InstanceID, one.ClientID, one.ClientHost = each.id, each.instance, each.client.ID, each.client.Host
		one.ProtocolMetadata, one.MemberAssignment = []byte{}, append([]byte{}, each.assignment...)
		if g.state == Stable {
			one.ProtocolMetadata = append(one.ProtocolMetadata, each.subscription(g.protocol)...)
		}
		resp.Members = append(resp.Members, one)
	}
	return coord.Effects{Replies: []coord.Reply{{To: to, Response: resp}}}
}

// List lists the groups of this shard that are in one of states and of one of types; none are all. The answer is a
// []kmsg.ListGroupsResponseGroup.
func (m *Machine) List(to coord.Caller, states, types []string) coord.Effects {
	listed := []kmsg.ListGroupsResponseGroup{}
	asked := func(filter []string, value string) bool {
		return len(filter) == 0 || slices.ContainsFunc(filter, func(each string) bool { return strings.EqualFold(each, value) })
	}
	for _, id := range m.ids() {
		g := m.groups[id]
		kind, protocol, state := g.described()
		if !asked(states, string(state)) || !asked(types, kind) {
			continue
		}
		one := kmsg.NewListGroupsResponseGroup()
		one.Group, one.ProtocolType, one.GroupState, one.GroupType = id, protocol, string(state), kind
		listed = append(listed, one)
	}
	return coord.Effects{Replies: []coord.Reply{{To: to, Response: listed}}}
}

// Delete is DeleteGroups of one group, with its offsets; the answer is a kmsg.DeleteGroupsResponseGroup.
func (m *Machine) Delete(to coord.Caller, id string) coord.Effects {
	resp := kmsg.NewDeleteGroupsResponseGroup()
	resp.Group = id
	var e coord.Effects
	switch g := m.groups[id]; {
	case g == nil:
		resp.ErrorCode = kerr.GroupIDNotFound.Code
	case !g.empty():
		resp.ErrorCode = kerr.NonEmptyGroup.Code
	default:
		g.eachOffset(func(topic string, index int32, _ offset) {
			e.Records = append(e.Records, offsetTombstone(id, topic, index))
		})
		e.Records = append(e.Records, m.pendingTombstones(g)...)
		e.Records = append(e.Records, g.graves()...)
	}
	e.Replies = []coord.Reply{{To: to, Response: resp}}
	return e
}

// DeleteOffsets is OffsetDelete, for topics that may be acted on; the answer is a *kmsg.OffsetDeleteResponse.
func (m *Machine) DeleteOffsets(to coord.Caller, req *kmsg.OffsetDeleteRequest, _ time.Time) coord.Effects {
	resp := kmsg.NewPtrOffsetDeleteResponse()
	e := coord.Effects{Replies: []coord.Reply{{To: to, Response: resp}}}
	g := m.groups[req.Group]
	switch {
	case req.Group == "":
		resp.ErrorCode = kerr.InvalidGroupID.Code
		return e
	case g == nil:
		resp.ErrorCode = kerr.GroupIDNotFound.Code
		return e
	case g.consumer == nil && g.state != Empty && g.protocolType != consumerProtocol:
		resp.ErrorCode = kerr.NonEmptyGroup.Code
		return e
	}
	for _, topic := range req.Topics {
		answer := kmsg.NewOffsetDeleteResponseTopic()
		answer.Topic = topic.Topic
		subscribed := g.state != Empty && (g.subscribed == nil || g.subscribed[topic.Topic])
		if g.consumer != nil {
			subscribed = g.consumer.subscribes(topic.Topic)
		}
		for _, part := range topic.Partitions {
			one := kmsg.NewOffsetDeleteResponseTopicPartition()
			one.Partition = part.Partition
			if subscribed {
				one.ErrorCode = kerr.GroupSubscribedToTopic.Code
			} else if _, ok := g.offsets[topic.Topic][part.Partition]; ok {
				e.Records = append(e.Records, offsetTombstone(req.Group, topic.Topic, part.Partition))
			}
			answer.Partitions = append(answer.Partitions, one)
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return e
}
