package vectors

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// sharers is a share group.
type sharers struct {
	p     *player
	group string
	topic string
}

func (s sharers) beat(name, member string, epoch int32, topics []string, change ...func(*kmsg.ShareGroupHeartbeatRequest)) {
	req := kmsg.NewPtrShareGroupHeartbeatRequest()
	req.GroupID, req.MemberID, req.MemberEpoch, req.SubscribedTopicNames = s.group, member, epoch, topics
	for _, f := range change {
		f(req)
	}
	s.p.do(name, 1, req)
}

// joined has a member join, and waits, outside of the script, until it has partitions: the reference begins them on the side.
func (s sharers) joined(member string, partitions int) {
	req := kmsg.NewPtrShareGroupHeartbeatRequest()
	req.Version, req.GroupID, req.MemberID, req.SubscribedTopicNames = 1, s.group, member, []string{s.topic}
	s.p.await("partitions of "+member, func() (bool, error) {
		resp, err := s.p.client.ask(req, 1)
		if err != nil {
			return false, err
		}
		beat := resp.(*kmsg.ShareGroupHeartbeatResponse)
		n := 0
		if beat.Assignment != nil {
			for _, t := range beat.Assignment.TopicPartitions {
				n += len(t.Partitions)
			}
		}
		req.MemberEpoch = 0
		return n == partitions, nil
	})
}

func (s sharers) describe(name string, groups ...string) {
	req := kmsg.NewPtrShareGroupDescribeRequest()
	req.GroupIDs, req.IncludeAuthorizedOperations = groups, true
	s.p.do("describe "+name, 1, req)
}

func (s sharers) set(key, value string) {
	req := incrementally(kmsg.ConfigResourceType(32), s.group, change{key, setConfig, &value})
	req.Version = 1
	s.p.await(key, func() (bool, error) {
		_, err := s.p.client.ask(req, req.Version)
		return err == nil, err
	})
}

func (s sharers) fetch(name, member string, epoch int32, change ...func(*kmsg.ShareFetchRequest)) *kmsg.ShareFetchResponse {
	req := kmsg.NewPtrShareFetchRequest()
	req.GroupID, req.MemberID, req.ShareSessionEpoch = &s.group, &member, epoch
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.MaxRecords, req.BatchSize = 500, 1, 1<<20, 100, 100
	for _, f := range change {
		f(req)
	}
	resp, _ := s.p.do(name, 2, req).(*kmsg.ShareFetchResponse)
	return resp
}

// of adds the topic's partition to a fetch, with acknowledgements.
func (s sharers) of(partition int32, acks ...kmsg.ShareFetchRequestTopicPartitionAcknowledgementBatch) func(*kmsg.ShareFetchRequest) {
	return func(r *kmsg.ShareFetchRequest) {
		if len(r.Topics) == 0 {
			t := kmsg.NewShareFetchRequestTopic()
			t.TopicID = s.p.id(s.topic)
			r.Topics = append(r.Topics, t)
		}
		one := kmsg.NewShareFetchRequestTopicPartition()
		one.Partition, one.AcknowledgementBatches = partition, acks
		r.Topics[0].Partitions = append(r.Topics[0].Partitions, one)
	}
}

func ack(first, last int64, types ...int8) kmsg.ShareFetchRequestTopicPartitionAcknowledgementBatch {
	b := kmsg.NewShareFetchRequestTopicPartitionAcknowledgementBatch()
	b.FirstOffset, b.LastOffset, b.AcknowledgeTypes = first, last, types
	return b
}

func (s sharers) acknowledge(name, member string, epoch int32, first, last int64, types ...int8) {
	req := kmsg.NewPtrShareAcknowledgeRequest()
	req.GroupID, req.MemberID, req.ShareSessionEpoch = &s.group, &member, epoch
	t := kmsg.NewShareAcknowledgeRequestTopic()
	t.TopicID = s.p.id(s.topic)
	one := kmsg.NewShareAcknowledgeRequestTopicPartition()
	b := kmsg.NewShareAcknowledgeRequestTopicPartitionAcknowledgementBatch()
	b.FirstOffset, b.LastOffset, b.AcknowledgeTypes = first, last, types
	one.AcknowledgementBatches = append(one.AcknowledgementBatches, b)
	t.Partitions = append(t.Partitions, one)
	req.Topics = append(req.Topics, t)
	s.p.do("acknowledge, "+name, 2, req)
}

func (s sharers) offsets(name string, version int16) {
	req := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
	one := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
	one.GroupID = s.group
	t := kmsg.NewDescribeShareGroupOffsetsRequestGroupTopic()
	t.Topic, t.Partitions = s.topic, []int32{0}
	one.Topics = append(one.Topics, t)
	none := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
	none.GroupID = "share-nobody"
	req.Groups = append(req.Groups, one, none)
	s.p.do("offsets, "+name, version, req)
}

func shareGroups(p *player) {
	p.make("share-t", 1)
	p.learn("share-t")
	p.coordinated()
	p.shareCoordinated(shareState{p, "shares", "share-t", 0}, shareState{p, "share-nobody", "share-t", 0})
	s := sharers{p, "shares", "share-t"}
	s.set("share.assignment.interval.ms", "0")
	s.set("share.auto.offset.reset", "earliest")
	topics := []string{"share-t"}
	s.beat("unknown group", "QmFhYWFhYWFhYWFhYWFhYQ", 3, nil)
	s.beat("leave an unknown group", "QmFhYWFhYWFhYWFhYWFhYQ", -1, nil)
	s.beat("no member id", "", 0, topics)
	sharers{p, "", "share-t"}.beat("no group", "QmFhYWFhYWFhYWFhYWFhYQ", 0, topics)
	s.beat("no topics", "QmFhYWFhYWFhYWFhYWFhYQ", 0, nil)
	s.beat("no such epoch", "QmFhYWFhYWFhYWFhYWFhYQ", -2, topics)
	s.beat("empty rack", "QmFhYWFhYWFhYWFhYWFhYQ", 0, topics, func(r *kmsg.ShareGroupHeartbeatRequest) { r.RackID = text("") })
	s.describe("none")
	s.describe("others", "share-nobody", "")
	s.fetch("no session", "QmFhYWFhYWFhYWFhYWFhYQ", 1, s.of(0))
	s.acknowledge("no session", "QmFhYWFhYWFhYWFhYWFhYQ", 1, 0, 0, 1)
	s.offsets("unknown group", 0)
	member := "QmFhYWFhYWFhYWFhYWFhYQ"
	s.joined(member, 1)
	s.beat("ahead", member, 99, nil)
	s.beat("a stranger", "WmFhYWFhYWFhYWFhYWFhYQ", 3, nil)
	s.life(member)
	s.beat("leave", member, -1, nil)
	s.beat("of who left", member, -1, nil)
	s.administers()
}

// life takes records through their states.
func (s sharers) life(member string) {
	s.p.do("produce", 9, s.p.producing(-1, part{s.topic, 0, plain(5).bytes()}))
	long := func(r *kmsg.ShareFetchRequest) { r.MaxWaitMillis = 10_000 }
	s.fetch("acknowledgements with the first", member, 0, s.of(0, ack(0, 0, 1)))
	s.fetch("first", member, 0, s.of(0), long)
	s.fetch("nothing more", member, 1)
	s.fetch("epoch before", member, 1)
	s.fetch("acknowledgements", member, 2, s.of(0, ack(0, 1, 1), ack(2, 3, 2, 3)), long)
	s.offsets("some acknowledged", 0)
	s.acknowledge("the one released", member, 3, 2, 2, 1)
	s.acknowledge("once more", member, 4, 2, 2, 1)
	s.acknowledge("beyond", member, 5, 4, 9, 1)
	s.acknowledge("too many types", member, 6, 4, 4, 1, 1)
	s.acknowledge("no such type", member, 6, 4, 4, 9)
	s.acknowledge("wrong epoch", member, 99, 4, 4, 1)
	s.acknowledge("first epoch", member, 0, 4, 4, 1)
	s.fetch("last", member, -1)
	s.fetch("after the last", member, 7)
	s.fetch("again", member, 0, s.of(0), long)
	s.acknowledge("and the end", member, -1, 4, 4, 1)
	s.offsets("all acknowledged", 0)
	s.offsets("all acknowledged", 1)
	s.describe("one member", s.group)
	list := kmsg.NewPtrListGroupsRequest()
	list.TypesFilter = []string{"Share"}
	s.p.do("list", 5, list)
	s.p.describeGroup("not classic", 6, s.group)
}

// alter has the group begin at start in a partition of each topic.
func (s sharers) alter(name string, partition int32, start int64, topics ...string) {
	req := kmsg.NewPtrAlterShareGroupOffsetsRequest()
	req.GroupID = s.group
	for _, topic := range topics {
		t := kmsg.NewAlterShareGroupOffsetsRequestTopic()
		t.Topic = topic
		one := kmsg.NewAlterShareGroupOffsetsRequestTopicPartition()
		one.Partition, one.StartOffset = partition, start
		t.Partitions = append(t.Partitions, one)
		req.Topics = append(req.Topics, t)
	}
	s.p.do("alter offsets"+name, 0, req)
}

// administers asks for what needs a group without members.
func (s sharers) administers() {
	s.alter("", 0, 3, s.topic, "share-unknown")
	s.offsets("altered", 0)
	s.offsets("altered", 1)
	forget := kmsg.NewPtrDeleteShareGroupOffsetsRequest()
	forget.GroupID = s.group
	for _, name := range []string{s.topic, "share-unknown"} {
		d := kmsg.NewDeleteShareGroupOffsetsRequestTopic()
		d.Topic = name
		forget.Topics = append(forget.Topics, d)
	}
	s.p.do("delete offsets", 0, forget)
	s.offsets("deleted", 0)
	groups := kmsg.NewPtrDeleteGroupsRequest()
	groups.Groups = []string{s.group}
	s.p.do("delete", 2, groups)
	s.describe("deleted", s.group)
}

// shareGroupsMade are share groups that begin with an administrator's offsets.
func shareGroupsMade(p *player) {
	p.make("share-made", 1)
	p.learn("share-made")
	p.coordinated()
	p.shareCoordinated(shareState{p, "made", "share-made", 0}, shareState{p, "made-unknown", "share-made", 0})
	s := sharers{p, "made", "share-made"}
	p.do("produce", 9, p.producing(-1, part{s.topic, 0, plain(5).bytes()}))
	sharers{p, "", s.topic}.alter(", no group", 0, 3, s.topic)
	sharers{p, "made-unknown", s.topic}.alter(", unknown topic", 0, 3, "share-unknown")
	s.describe("unknown topic", "made-unknown")
	s.alter(", no topics", 0, 3)
	s.describe("no topics", s.group)
	s.alter(", unknown partition", 7, 3, s.topic)
	s.describe("unknown partition", s.group)
	s.alter(", unknown group", 0, 3, s.topic)
	s.describe("made", s.group)
	s.offsets("made", 0)
	s.offsets("made", 1)
	s.alter(", once more", 0, 4, s.topic)
	s.offsets("once more", 0)
	list := kmsg.NewPtrListGroupsRequest()
	list.TypesFilter = []string{"Share"}
	p.do("list", 5, list)
	offsets := kmsg.NewPtrOffsetCommitRequest()
	offsets.Group, offsets.Generation, offsets.Topics = "made-classic", -1, nil
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic = s.topic
	t.Partitions = append(t.Partitions, kmsg.NewOffsetCommitRequestTopicPartition())
	offsets.Topics = append(offsets.Topics, t)
	p.do("commit as a classic group", 8, offsets)
	sharers{p, "made-classic", s.topic}.alter(", classic group", 0, 3, s.topic)
	s.beat("joins", "QmFhYWFhYWFhYWFhYWFhYQ", 0, []string{s.topic})
	s.alter(", with a member", 0, 3, s.topic)
	s.beat("leaves", "QmFhYWFhYWFhYWFhYWFhYQ", -1, nil)
	groups := kmsg.NewPtrDeleteGroupsRequest()
	groups.Groups = []string{s.group}
	p.do("delete", 2, groups)
	s.describe("deleted", s.group)
}
