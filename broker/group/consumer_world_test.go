package group

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group/assign"
	"odradek/broker/metadata"
)

// topicNamed is the id of a topic: transcripts speak of names of one letter.
func topicNamed(name string) metadata.UUID {
	var id metadata.UUID
	copy(id[:], name)
	return id
}

func nameOf(id metadata.UUID) string { return strings.TrimRight(string(id[:]), "\x00") }

// topics makes the cluster's topics those listed, each with its partitions: "t:4".
func (w *world) topics(list []string) {
	img := metadata.NewImage()
	img.Version = w.image.Version + 1
	for _, each := range list {
		name, count, ok := strings.Cut(each, ":")
		if !ok {
			continue
		}
		n, _ := strconv.Atoi(count)
		topic := &metadata.Topic{ID: topicNamed(name), Name: name, Partitions: make([]*metadata.Partition, n)}
		img.Topics[name], img.TopicsByID[topic.ID] = topic, topic
	}
	w.image = img
	w.machine.TopicsChanged()
}

// consumerOf is a heartbeat: epoch, topics, regex, owned ("t:0+1,u:2", "none"), and so on.
func (w *world) consumerOf(args words) *kmsg.ConsumerGroupHeartbeatRequest {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Version = int16(args.number("v", 1))
	req.Group, req.MemberID, req.InstanceID = args.group(), args["id"], args.instance()
	req.MemberEpoch = int32(args.number("epoch", 0))
	if req.MemberEpoch == 0 {
		req.RebalanceTimeoutMillis, req.Topics = 30_000, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	}
	if seconds, ok := args["rebalance"]; ok {
		n, _ := strconv.Atoi(seconds)
		req.RebalanceTimeoutMillis = int32(n * 1000)
	}
	if topics, ok := args["topics"]; ok {
		req.SubscribedTopicNames = strings.Split(topics, ",")
	}
	if topics := args["topics"]; topics == "none" {
		req.SubscribedTopicNames = []string{}
	}
	if regex, ok := args["regex"]; ok {
		req.SubscribedTopicRegex = &regex
	}
	if assignor, ok := args["assignor"]; ok {
		req.ServerAssignor = &assignor
	}
	if owned, ok := args["owned"]; ok {
		req.Topics = ownedOf(owned)
	}
	return req
}

func ownedOf(text string) []kmsg.ConsumerGroupHeartbeatRequestTopic {
	owned := []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	for each := range strings.SplitSeq(text, ",") {
		name, list, ok := strings.Cut(each, ":")
		if !ok {
			continue
		}
		one := kmsg.NewConsumerGroupHeartbeatRequestTopic()
		one.TopicID = topicNamed(name)
		for index := range strings.SplitSeq(list, "+") {
			n, _ := strconv.Atoi(index)
			one.Partitions = append(one.Partitions, int32(n))
		}
		owned = append(owned, one)
	}
	return owned
}

// said is partitions as text, "t:0+1".
func said(p assign.Partitions) string {
	var parts []string
	for _, id := range p.Topics() {
		list := fmt.Sprint(p[id])
		parts = append(parts, nameOf(id)+":"+strings.ReplaceAll(strings.Trim(list, "[]"), " ", "+"))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func describeBeat(r *kmsg.ConsumerGroupHeartbeatResponse) string {
	if r.ErrorCode != 0 {
		return "consumer: " + code(r.ErrorCode)
	}
	text := fmt.Sprintf("consumer: id=%s epoch=%d", *r.MemberID, r.MemberEpoch)
	if r.Assignment != nil {
		p := assign.Partitions{}
		for _, t := range r.Assignment.Topics {
			p[t.TopicID] = t.Partitions
		}
		text += " has " + said(p)
	}
	return text
}

func describeConsumers(r kmsg.ConsumerGroupDescribeResponseGroup) string {
	if r.ErrorCode != 0 {
		return "consumers: " + code(r.ErrorCode)
	}
	text := fmt.Sprintf("consumers: %s epoch=%d assignment=%d assignor=%s", r.State, r.Epoch, r.AssignmentEpoch, r.AssignorName)
	set := func(a kmsg.Assignment) string {
		p := assign.Partitions{}
		for _, t := range a.TopicPartitions {
			p[t.TopicID] = t.Partitions
		}
		return said(p)
	}
	for _, m := range r.Members {
		text += fmt.Sprintf("\n  %s epoch=%d topics=%s regex=%s has %s target %s", m.MemberID, m.MemberEpoch, strings.Join(m.SubscribedTopics, "+"),
			or(m.SubscribedTopicRegex), set(m.Assignment), set(m.TargetAssignment))
	}
	return text
}

// describeConsumerRecord shows a record by what a machine makes of it.
func describeConsumerRecord(r coord.Record) (string, bool) {
	kind := int16(binary.BigEndian.Uint16(r.Key))
	kinds := map[int16]string{
		keyConsumerGroup: "epoch", keyConsumerMember: "member", keyConsumerTarget: "target", keyConsumerTargetEpoch: "assignment", keyConsumerCurrent: "current",
		keyConsumerRegex: "regex",
	}
	name, known := kinds[kind]
	if !known {
		return describeShareRecord(r, kind)
	}
	n := 2
	if kind == keyConsumerGroup || kind == keyConsumerTargetEpoch {
		n = 1
	}
	names, err := keyNames(r.Key, n)
	if err != nil {
		return err.Error(), true
	}
	text := name + " " + strings.Join(names, "/")
	if r.Value == nil {
		return text + " deleted", true
	}
	m := New(&newWorld().cfg)
	if err := m.Replay(r); err != nil {
		return err.Error(), true
	}
	c := m.groups[names[0]].consumer
	switch kind {
	case keyConsumerGroup:
		return fmt.Sprintf("%s = %d", text, c.epoch), true
	case keyConsumerTargetEpoch:
		return fmt.Sprintf("%s = %d", text, c.assignmentEpoch), true
	case keyConsumerTarget:
		return fmt.Sprintf("%s = %s", text, said(c.target[names[1]])), true
	case keyConsumerRegex:
		return fmt.Sprintf("%s = %s", text, strings.Join(c.regexes[names[1]].topics, "+")), true
	case keyConsumerMember:
		each := c.members[names[1]]
		return fmt.Sprintf("%s topics=%s regex=%s instance=%s", text, strings.Join(each.topics, "+"), each.regex, or(each.instance)), true
	}
	each := c.members[names[1]]
	state := map[memberState]string{memberStable: "stable", memberUnrevoked: "unrevoked", memberUnreleased: "unreleased"}[each.state]
	text = fmt.Sprintf("%s epoch=%d<-%d %s has %s", text, each.epoch, each.previous, state, said(each.assigned))
	if len(each.revoking) > 0 {
		text += " gives up " + said(each.revoking)
	}
	return text + sinces(each), true
}

// sinces are the epochs in which a member was given what it has.
func sinces(m *consumerMember) string {
	if len(m.since) == 0 {
		return ""
	}
	var parts []string
	for p, epoch := range m.since {
		parts = append(parts, fmt.Sprintf("%s%d@%d", nameOf(p.topic), p.index, epoch))
	}
	slices.Sort(parts)
	return " since " + strings.Join(parts, " ")
}
