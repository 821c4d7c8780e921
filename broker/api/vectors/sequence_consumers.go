package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

// Heartbeats of both protocols whose groups the broker assigns.
var (
	beatEpochs    = []string{"0", "current", "before", "after", "-1", "-2", "-3"}
	beatMembers   = []string{"a", "b", ""}
	subscriptions = []string{"t0", "t0 and t1", "t2", "none", "null"}
)

var consumerMoves = []Kind{
	{"consumer's heartbeat", kmsg.ConsumerGroupHeartbeat, dims("group", groupNames, "member", beatMembers, "epoch", beatEpochs, "topics", subscriptions, "owns", []string{"nothing", "null", "0", "all"}, "instance", instanceNames, "regex", []string{"none", "t.*", "[", ""}, "assignor", []string{"none", "range", "other"}, "timeout", []string{"30000", "-1"}), (*sequencer).consumerBeat},
	{"describe consumers", kmsg.ConsumerGroupDescribe, dims("group", groupNames), (*sequencer).describesConsumers},
}

// A share group's partitions are begun by the reference on the side, so that its answers depend on time: what is drawn of share groups is
// what does not come to that, and life among them has scripts (script_share.go). About a partition that is not there it does not answer at all.
var (
	shareGroupNames = []string{"s0", "g0"}
	sharePartitions = []string{"0"}
)

var shareMoves = []Kind{
	{"share heartbeat", kmsg.ShareGroupHeartbeat, dims("group", append([]string{""}, shareGroupNames...), "member", beatMembers, "epoch", beatEpochs, "topics", []string{"t2", "none", "null"}, "rack", []string{"none", "", "r"}), (*sequencer).shareBeat},
	{"describe sharers", kmsg.ShareGroupDescribe, dims("group", append([]string{""}, shareGroupNames...)), (*sequencer).describesSharers},
	{"alter share offsets", kmsg.AlterShareGroupOffsets, dims("group", shareGroupNames, "topic", topicNames, "partition", sharePartitions, "offset", []string{"0", "3", "-1"}), (*sequencer).altersShareOffsets},
	{"describe share offsets", kmsg.DescribeShareGroupOffsets, dims("group", shareGroupNames, "topic", topicNames, "partition", sharePartitions), (*sequencer).describesShareOffsets},
	{"delete share offsets", kmsg.DeleteShareGroupOffsets, dims("group", append([]string{""}, shareGroupNames...), "topic", topicNames), (*sequencer).deletesShareOffsets},
	{"share fetch", kmsg.ShareFetch, dims("group", []string{"s0", ""}, "member", beatMembers, "epoch", []string{"1", "-1", "7"}, "topic", topicNames, "partition", partitionNames, "acknowledges", []string{"nothing", "1", "9"}, "bytes", []string{"1000000", "0", "-1"}), (*sequencer).shareFetch},
	{"share acknowledge", kmsg.ShareAcknowledge, dims("group", []string{"s0", ""}, "member", beatMembers, "epoch", []string{"0", "1", "-1", "7"}, "topic", topicNames, "partition", partitionNames, "type", []string{"1", "2", "3", "0", "9"}), (*sequencer).shareAcknowledge},
}

// beatMember is a member's own id: each group knows it by the same.
func (s *sequencer) beatMember(name string) string {
	if name == "" {
		return ""
	}
	return map[string]string{"a": "QUFBQUFBQUFBQUFBQUFBQQ", "b": "QkJCQkJCQkJCQkJCQkJCQg"}[name]
}

// epoch is what a member says, given the last one that it was told.
func (o options) epoch(last int32) int32 {
	switch o["epoch"] {
	case "current":
		return last
	case "before":
		return last - 1
	case "after":
		return last + 1
	}
	return int32(o.number("epoch"))
}

func (s *sequencer) subscription(with options) []string {
	switch with["topics"] {
	case "t0 and t1":
		return []string{s.topic("t0"), s.topic("t1")}
	case "none":
		return []string{}
	case "null":
		return nil
	}
	return []string{s.topic(with["topics"])}
}

func (s *sequencer) consumerBeat(version int16, with options) {
	c := consumers{s.player, s.group(with["group"]), version}
	if c.group != "" && !s.prompted[c.group] {
		s.prompted[c.group] = true
		c.prompt()
		s.barrier()
	}
	key := with["group"] + "/" + with["member"]
	resp := c.beat(s.said, s.beatMember(with["member"]), with.epoch(s.consumers[key].generation), func(r *consumerBeat) {
		r.RebalanceTimeoutMillis, r.SubscribedTopicNames, r.InstanceID = int32(with.number("timeout")), s.subscription(with), with.instance()
		if name := with["regex"]; name != "none" {
			r.SubscribedTopicRegex = &name
		}
		if name := with["assignor"]; name != "none" {
			r.ServerAssignor = &name
		}
		switch with["owns"] {
		case "nothing":
			c.owns(s.topic("t0"))(r)
		case "0":
			c.owns(s.topic("t0"), 0)(r)
		case "all":
			c.owns(s.topic("t0"), 0, 1, 2)(r)
		}
	})
	if resp != nil && resp.ErrorCode == 0 {
		s.consumers[key] = member{s.beatMember(with["member"]), resp.MemberEpoch}
		s.consumers[with["group"]] = s.consumers[key]
	}
}

func (s *sequencer) describesConsumers(version int16, with options) {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = []string{s.group(with["group"])}
	s.ask(version, req)
}

func (s *sequencer) shareBeat(version int16, with options) {
	key := with["group"] + "/" + with["member"]
	req := kmsg.NewPtrShareGroupHeartbeatRequest()
	req.GroupID, req.MemberID, req.SubscribedTopicNames = s.group(with["group"]), s.beatMember(with["member"]), s.subscription(with)
	req.MemberEpoch = with.epoch(s.consumers[key].generation)
	if rack := with["rack"]; rack != "none" {
		req.RackID = &rack
	}
	resp, _ := s.ask(version, req).(*kmsg.ShareGroupHeartbeatResponse)
	if resp != nil && resp.ErrorCode == 0 {
		s.consumers[key] = member{req.MemberID, resp.MemberEpoch}
	}
}

func (s *sequencer) describesSharers(version int16, with options) {
	req := kmsg.NewPtrShareGroupDescribeRequest()
	req.GroupIDs = []string{s.group(with["group"])}
	s.ask(version, req)
}

func (s *sequencer) altersShareOffsets(version int16, with options) {
	req := kmsg.NewPtrAlterShareGroupOffsetsRequest()
	req.GroupID = s.group(with["group"])
	t := kmsg.NewAlterShareGroupOffsetsRequestTopic()
	t.Topic = s.topic(with["topic"])
	one := kmsg.NewAlterShareGroupOffsetsRequestTopicPartition()
	one.Partition, one.StartOffset = with.partition(), with.number("offset")
	t.Partitions = append(t.Partitions, one)
	req.Topics = append(req.Topics, t)
	s.ask(version, req)
}

func (s *sequencer) describesShareOffsets(version int16, with options) {
	req := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
	one := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
	one.GroupID = s.group(with["group"])
	one.Topics = []kmsg.DescribeShareGroupOffsetsRequestGroupTopic{{Topic: s.topic(with["topic"]), Partitions: []int32{with.partition()}}}
	req.Groups = append(req.Groups, one)
	s.ask(version, req)
}

func (s *sequencer) deletesShareOffsets(version int16, with options) {
	req := kmsg.NewPtrDeleteShareGroupOffsetsRequest()
	req.GroupID = s.group(with["group"])
	req.Topics = []kmsg.DeleteShareGroupOffsetsRequestTopic{{Topic: s.topic(with["topic"])}}
	s.ask(version, req)
}

func (s *sequencer) shareFetch(version int16, with options) {
	group, who := s.group(with["group"]), s.beatMember(with["member"])
	req := kmsg.NewPtrShareFetchRequest()
	req.GroupID, req.MemberID, req.ShareSessionEpoch = &group, &who, int32(with.number("epoch"))
	req.MinBytes, req.MaxBytes, req.MaxRecords, req.BatchSize = 1, int32(with.number("bytes")), 100, 100
	var acks []kmsg.ShareFetchRequestTopicPartitionAcknowledgementBatch
	if kind := with["acknowledges"]; kind != "nothing" {
		acks = append(acks, ack(0, 0, int8(with.number("acknowledges"))))
	}
	sharers{s.player, group, s.topic(with["topic"])}.of(with.partition(), acks...)(req)
	s.ask(version, req)
}

func (s *sequencer) shareAcknowledge(version int16, with options) {
	group, who := s.group(with["group"]), s.beatMember(with["member"])
	req := kmsg.NewPtrShareAcknowledgeRequest()
	req.GroupID, req.MemberID, req.ShareSessionEpoch = &group, &who, int32(with.number("epoch"))
	t := kmsg.NewShareAcknowledgeRequestTopic()
	t.TopicID = s.id(s.topic(with["topic"]))
	one := kmsg.NewShareAcknowledgeRequestTopicPartition()
	one.Partition = with.partition()
	b := kmsg.NewShareAcknowledgeRequestTopicPartitionAcknowledgementBatch()
	b.LastOffset, b.AcknowledgeTypes = 1, []int8{int8(with.number("type"))}
	one.AcknowledgementBatches = append(one.AcknowledgementBatches, b)
	t.Partitions = append(t.Partitions, one)
	req.Topics = append(req.Topics, t)
	s.ask(version, req)
}
