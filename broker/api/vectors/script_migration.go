package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

// migrants is a group whose members speak both of the protocols for a while.
type migrants struct {
	membership
	consumers
	topic string
}

func newMigrants(p *player, group, topic string) migrants {
	m := migrants{membership{p, group}, consumers{p, group, 1}, topic}
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	p.await("the group's coordinator", func() (bool, error) {
		resp, err := p.client.ask(req, 0)
		return err == nil && resp.(*kmsg.DescribeGroupsResponse).Groups[0].ErrorCode == 0, err
	})
	m.prompt()
	return m
}

// says is what a member of the classic protocol subscribes to and has.
func (m migrants) says(data []byte, owned ...int32) func(*kmsg.JoinGroupRequest) {
	return func(r *kmsg.JoinGroupRequest) {
		s := kmsg.NewConsumerMemberMetadata()
		s.Version, s.Topics, s.UserData = 1, []string{m.topic}, data
		if len(owned) > 0 {
			one := kmsg.NewConsumerMemberMetadataOwnedPartition()
			one.Topic, one.Partitions = m.topic, owned
			s.OwnedPartitions = append(s.OwnedPartitions, one)
		}
		for i := range r.Protocols {
			r.Protocols[i].Metadata = s.AppendTo(nil)
		}
	}
}

// given is what the leader assigns itself.
func (m migrants) given(data []byte, partitions ...int32) func(*kmsg.SyncGroupRequest) {
	return func(r *kmsg.SyncGroupRequest) {
		a := kmsg.NewConsumerMemberAssignment()
		a.Version, a.UserData = 1, data
		one := kmsg.NewConsumerMemberAssignmentTopic()
		one.Topic, one.Partitions = m.topic, partitions
		a.Topics = append(a.Topics, one)
		r.GroupAssignment[0].MemberAssignment = a.AppendTo(nil)
	}
}

// settled makes the group a classic one of one member that has both partitions.
func (m migrants) settled(data []byte) (member string, generation int32) {
	resp := m.join("join", 9, "", m.says(nil))
	resp = m.join("join with the id", 9, resp.MemberID, m.says(data))
	m.sync("sync", 5, resp.MemberID, resp.Generation, m.given(nil, 0, 1))
	return resp.MemberID, resp.Generation
}

// epoch is a heartbeat of a member of the newer protocol, and its epoch after it.
func (m migrants) epoch(name, member string, epoch int32, change ...func(*consumerBeat)) int32 {
	if resp := m.beat(name, member, epoch, change...); resp != nil {
		return resp.MemberEpoch
	}
	return epoch
}

// migration takes a group from the classic protocol to the newer one and back, member by member.
func migration(p *player) {
	p.make("migrate", 2)
	p.learn("migrate")
	p.coordinated()
	m := newMigrants(p, "migrate", "migrate")
	classic, generation := m.settled(nil)
	m.beat("not there", "B", 3)
	epoch := m.epoch("joins a classic group", "B", 0, whole("migrate"))
	m.consumers.p.describeConsumers("both", 1, m.consumers.group)
	p.describeGroup("both", 6, m.consumers.group)
	m.membership.heartbeat("is to join again", 4, classic, generation, nil)
	m.sync("is to join again", 5, classic, generation)
	m.beat("waits", "B", epoch, m.owns("migrate"))
	m.beat("names a member of the other protocol", classic, generation)
	resp := m.join("gives up", 9, classic, m.says(nil, 0, 1))
	m.membership.heartbeat("has yet to give up", 4, classic, resp.Generation, nil)
	m.sync("with an old generation", 5, classic, generation-1)
	m.sync("keeps the rest", 5, classic, resp.Generation)
	resp = m.join("gave up", 9, classic, m.says(nil, 0))
	m.sync("has its part", 5, classic, resp.Generation, func(r *kmsg.SyncGroupRequest) { r.Protocol = text("unknown") })
	m.sync("has its part", 5, classic, resp.Generation)
	m.membership.heartbeat("is at peace", 4, classic, resp.Generation, nil)
	m.membership.heartbeat("in another generation", 4, classic, resp.Generation+1, nil)
	m.membership.heartbeat("nobody", 4, "nobody", resp.Generation, nil)
	m.membership.heartbeat("of the newer protocol", 4, "B", epoch, nil)
	commit(p, "classic", 8, m.consumers.group, classic, resp.Generation, "migrate", 1)
	commit(p, "classic, another generation", 8, m.consumers.group, classic, resp.Generation-1, "migrate", 1)
	m.beat("has its part", "B", epoch, m.owns("migrate"))
	m.consumers.p.describeConsumers("at peace", 1, m.consumers.group)
	m.others(epoch)
	m.beat("the last of the newer protocol leaves", "B", -1)
	m.consumers.p.describeConsumers("classic again", 1, m.consumers.group)
	p.describeGroup("classic again", 6, m.consumers.group)
	m.membership.heartbeat("rebalances", 4, classic, resp.Generation, nil)
	back := m.join("in the next generation", 9, classic, m.says(nil))
	m.sync("in the next generation", 5, classic, back.Generation, m.given(nil, 0, 1))
	m.leave("leaves", 5, leaving(classic, nil))
}

// others may not enter.
func (m migrants) others(epoch int32) {
	m.join("other protocol type", 9, "", func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "connect" })
	m.join("other protocols", 9, "", m.says(nil), func(r *kmsg.JoinGroupRequest) {
		r.Protocols = r.Protocols[:1]
		r.Protocols[0].Name = "another"
	})
	m.join("no subscription", 9, "", func(r *kmsg.JoinGroupRequest) {
		for i := range r.Protocols {
			r.Protocols[i].Metadata = []byte{0}
		}
	})
	resp := m.join("is given an id", 9, "", m.says(nil))
	resp = m.join("comes too", 9, resp.MemberID, m.says(nil))
	m.leave("leaves", 5, leaving(resp.MemberID, nil))
	m.join("comes with an id of its own", 9, "own", m.says(nil))
	m.leave("leaves", 5, leaving("own", nil))
	m.beat("nothing happened", "B", epoch, m.owns("migrate", 1))
}

// noMigration are the groups that can't be taken over.
func noMigration(p *player) {
	p.make("stays", 2)
	p.learn("stays")
	p.coordinated()
	m := newMigrants(p, "stays-subscribed", "stays")
	m.settled([]byte("data"))
	m.beat("data in the subscription", "B", 0, whole("stays"))
	m.consumers.p.describeConsumers("data in the subscription", 1, m.consumers.group)
	m = newMigrants(p, "stays-assigned", "stays")
	resp := m.join("join", 9, "", m.says(nil))
	resp = m.join("join with the id", 9, resp.MemberID, m.says(nil))
	m.sync("sync", 5, resp.MemberID, resp.Generation, m.given([]byte("data"), 0))
	m.beat("data in the assignment", "B", 0, whole("stays"))
	m = newMigrants(p, "stays-connect", "stays")
	connect := func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "connect" }
	resp = m.join("join", 9, "", connect)
	m.join("join with the id", 9, resp.MemberID, connect)
	m.beat("another type", "B", 0, whole("stays"))
}
