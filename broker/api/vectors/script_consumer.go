package vectors

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// consumers is a group of KIP-848 in a version of its heartbeat.
type consumers struct {
	p       *player
	group   string
	version int16
}

type consumerBeat = kmsg.ConsumerGroupHeartbeatRequest

// prompt has the group's assignment made at every change, where the reference waits for a second by default. It is no part of the
// script: what is set for groups has a script of its own.
func (c consumers) prompt() {
	req := incrementally(kmsg.ConfigResourceType(32), c.group, change{"consumer.assignment.interval.ms", setConfig, text("0")})
	req.Version = 1
	c.p.await("the interval", func() (bool, error) {
		_, err := c.p.client.ask(req, req.Version)
		return err == nil, err
	})
}

func (c consumers) beat(name, member string, epoch int32, change ...func(*consumerBeat)) *kmsg.ConsumerGroupHeartbeatResponse {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch = c.group, member, epoch
	for _, f := range change {
		f(req)
	}
	resp, _ := c.p.do(name, c.version, req).(*kmsg.ConsumerGroupHeartbeatResponse)
	return resp
}

// whole says all that a first heartbeat has to.
func whole(topics ...string) func(*consumerBeat) {
	return func(r *consumerBeat) {
		r.RebalanceTimeoutMillis, r.SubscribedTopicNames, r.Topics = 30000, topics, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	}
}

func (c consumers) owns(topic string, partitions ...int32) func(*consumerBeat) {
	return func(r *consumerBeat) {
		r.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
		if len(partitions) > 0 {
			one := kmsg.NewConsumerGroupHeartbeatRequestTopic()
			one.TopicID, one.Partitions = c.p.id(topic), partitions
			r.Topics = append(r.Topics, one)
		}
	}
}

func static(instance string) func(*consumerBeat) {
	return func(r *consumerBeat) { r.InstanceID = &instance }
}

func consumerGroupHeartbeat(p *player) {
	p.make("consumer-t", 4)
	p.make("consumer-u", 1)
	p.coordinated()
	for v := int16(0); v <= 1; v++ {
		c := consumers{p, fmt.Sprint("consumer-", v), v}
		c.prompt()
		c.refusals()
		c.life()
		c.statics()
	}
}

func (c consumers) refusals() {
	c.beat("unknown group", "a", 3)
	c.beat("leave an unknown group", "a", -1)
	c.beat("no such epoch", "a", -3, whole("consumer-t"))
	if c.version >= 1 {
		c.beat("no member id", "", 0, whole("consumer-t"))
		c.beat("bad expression", "a", 0, whole("consumer-t"), func(r *consumerBeat) { r.SubscribedTopicRegex = text("[") })
		c.beat("neither topics nor expression", "a", 0, whole())
	}
	consumers{c.p, "", c.version}.beat("no group", "a", 0, whole("consumer-t"))
	c.beat("no rebalance timeout", "a", 0, whole("consumer-t"), func(r *consumerBeat) { r.RebalanceTimeoutMillis = -1 })
	c.beat("with partitions", "a", 0, whole("consumer-t"), c.owns("consumer-t", 1))
	c.beat("unknown assignor", "a", 0, whole("consumer-t"), func(r *consumerBeat) { r.ServerAssignor = text("none") })
	c.beat("empty instance", "a", 0, whole("consumer-t"), static(""))
	c.beat("empty rack", "a", 0, whole("consumer-t"), func(r *consumerBeat) { r.RackID = text("") })
	c.beat("static leave without instance", "a", -2)
	c.beat("no member to leave", "", -1)
}

// life takes a group from its first member to none.
func (c consumers) life() {
	t := "consumer-t"
	c.beat("first member", "a", 0, whole(t))
	c.beat("once more", "a", 0, whole(t))
	c.beat("plain", "a", 2)
	c.beat("unknown member", "z", 2)
	c.beat("ahead", "a", 9)
	c.p.describeConsumers("one member", c.version, c.group)
	c.beat("second member", "b", 0, whole(t))
	c.beat("to revoke", "a", 2)
	c.p.describeConsumers("revoking", c.version, c.group)
	c.commits("revoking", "a", 2, 0, 2)
	c.beat("still has them", "a", 2, c.owns(t, 0, 1, 2, 3))
	c.beat("waits", "b", 3)
	c.beat("revoked", "a", 2, c.owns(t, 0, 1))
	c.beat("epoch before", "a", 2)
	c.beat("epoch before, and its own", "a", 2, c.owns(t, 0, 1))
	c.beat("epoch before, and more", "a", 2, c.owns(t, 0, 1, 2))
	c.beat("released", "b", 3)
	c.commits("stable", "a", 3, 0, 1)
	c.commits("older than the member, not than the partitions", "a", 2, 0, 1)
	c.commits("older than the partitions", "b", 2, 2)
	c.commits("not its own", "a", 2, 2)
	c.commits("ahead", "a", 4, 0)
	c.commits("without an epoch", "a", -1, 0)
	c.commits("nobody", "", -1, 0)
	c.commits("a stranger", "z", 3, 0)
	c.fetches()
	c.p.describeConsumers("stable", c.version, c.group)
	c.beat("everything", "a", 3, whole(t), c.owns(t, 0, 1))
	c.beat("another topic", "b", 3, func(r *consumerBeat) { r.SubscribedTopicNames = []string{"consumer-u"} })
	c.beat("gave them up", "b", 3, c.owns(t))
	c.beat("gets them", "a", 3)
	c.beat("range", "a", 4, func(r *consumerBeat) { r.ServerAssignor = text("range") })
	c.p.describeConsumers("two topics", c.version, c.group)
	list := kmsg.NewPtrListGroupsRequest()
	list.TypesFilter = []string{"Consumer"}
	c.p.do("list", 5, list)
	c.p.describeGroup("not classic", 5, c.group)
	c.p.describeGroup("not classic", 6, c.group)
	c.administers("in use")
	c.beat("leave", "b", -1)
	c.beat("of who left", "b", 4)
	m := membership{c.p, c.group}
	m.leave("by an administrator", 5, leaving("a", nil), leaving("z", nil))
	c.p.describeConsumers("empty", c.version, c.group)
	c.commits("nobody", "", -1, 0)
	c.commits("a stranger", "z", 3, 0)
	c.administers("empty")
}

func (c consumers) commits(name, member string, epoch int32, partitions ...int32) {
	commit(c.p, name, 9, c.group, member, epoch, "consumer-t", partitions...)
}

func (c consumers) fetches() {
	for _, who := range []struct {
		name   string
		member *string
		epoch  int32
	}{{"nobody", nil, -1}, {"a member", text("a"), 3}, {"behind", text("a"), 2}, {"ahead", text("a"), 4}, {"a stranger", text("z"), 3}, {"nameless", text(""), 3}} {
		req := kmsg.NewPtrOffsetFetchRequest()
		one := kmsg.NewOffsetFetchRequestGroup()
		one.Group, one.MemberID, one.MemberEpoch = c.group, who.member, who.epoch
		t := kmsg.NewOffsetFetchRequestGroupTopic()
		t.Topic, t.Partitions = "consumer-t", []int32{0, 1}
		one.Topics = append(one.Topics, t)
		req.Groups = append(req.Groups, one)
		c.p.do("fetch by "+who.name, 9, req)
	}
}

// administers asks for what needs a group without members, or offsets of topics that nobody subscribes to.
func (c consumers) administers(name string) {
	offsets := kmsg.NewPtrOffsetDeleteRequest()
	offsets.Group = c.group
	t := kmsg.NewOffsetDeleteRequestTopic()
	t.Topic, t.Partitions = "consumer-t", []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}}
	offsets.Topics = append(offsets.Topics, t)
	c.p.do("delete offsets, "+name, 0, offsets)
	groups := kmsg.NewPtrDeleteGroupsRequest()
	groups.Groups = []string{c.group}
	c.p.do("delete, "+name, 2, groups)
}

func (c consumers) statics() {
	t := "consumer-t"
	c.beat("static", "s", 0, whole(t), static("i"))
	c.beat("static once more", "s", 0, whole(t), static("i"))
	c.beat("another of the same instance", "s2", 0, whole(t), static("i"))
	c.beat("fenced", "s2", 2, static("i"))
	c.beat("unknown instance", "s", 2, static("j"))
	c.beat("dynamic beside it", "a", 0, whole(t))
	c.beat("leaves for a while", "s", -2, static("i"))
	c.beat("after it left", "s", 2, static("i"))
	c.beat("is back", "s3", 0, whole(t), static("i"))
	c.p.describeConsumers("static", c.version, c.group)
	c.beat("leaves for good", "s3", -1, static("i"))
	c.beat("leaves", "a", -1)
	groups := kmsg.NewPtrDeleteGroupsRequest()
	groups.Groups = []string{c.group}
	c.p.do("delete", 2, groups)
}

func (p *player) describeConsumers(name string, version int16, groups ...string) {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups, req.IncludeAuthorizedOperations = groups, true
	p.do("describe "+name, version, req)
}

func consumerGroupDescribe(p *player) {
	p.make("consumer-d", 1)
	p.coordinated()
	commit(p, "a simple group", 8, "consumer-simple", "", -1, "consumer-d", 0)
	for v := int16(0); v <= 1; v++ {
		p.describeConsumers("none", v)
		p.describeConsumers("others", v, "consumer-simple", "consumer-unknown", "")
	}
}
