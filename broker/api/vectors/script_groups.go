package vectors

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// coordinated waits until the groups' coordinator answers: the first to ask has its topic made.
func (p *player) coordinated() {
	req := kmsg.NewPtrListGroupsRequest()
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.Version = 4
	for i := range 64 {
		find.CoordinatorKeys = append(find.CoordinatorKeys, fmt.Sprint("key-", i))
	}
	p.await("the coordinators", func() (bool, error) {
		resp, err := p.client.ask(find, find.Version)
		if err != nil {
			return false, err
		}
		for _, c := range resp.(*kmsg.FindCoordinatorResponse).Coordinators {
			if c.ErrorCode != 0 {
				return false, nil
			}
		}
		req.Version = 0
		resp, err = p.client.ask(req, 0)
		return err == nil && resp.(*kmsg.ListGroupsResponse).ErrorCode == 0, err
	})
}

func findCoordinator(p *player) {
	p.make("find", 1)
	p.coordinated()
	for v := int16(0); v <= 6; v++ {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.CoordinatorKey, req.CoordinatorKeys = "find-a", []string{"find-a", "find-b", "", "find-ü"}
		p.do("groups", v, req)
		if v >= 1 {
			req.CoordinatorType = 9
			p.do("unknown kind", v, req)
		}
		if v >= 4 {
			req.CoordinatorType, req.CoordinatorKeys = 0, nil
			p.do("nothing", v, req)
		}
	}
}

type membership struct {
	p     *player
	group string
}

func (m membership) join(name string, version int16, member string, change ...func(*kmsg.JoinGroupRequest)) *kmsg.JoinGroupResponse {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = m.group, member, 30000, 10000
	req.ProtocolType = "consumer"
	one := kmsg.NewJoinGroupRequestProtocol()
	subscription := kmsg.ConsumerMemberMetadata{Topics: []string{"groups-t"}}
	one.Name, one.Metadata = "range", subscription.AppendTo(nil)
	two := one
	two.Name = "roundrobin"
	req.Protocols = []kmsg.JoinGroupRequestProtocol{one, two}
	for _, f := range change {
		f(req)
	}
	resp, _ := m.p.do(name, version, req).(*kmsg.JoinGroupResponse)
	if resp == nil {
		resp = kmsg.NewPtrJoinGroupResponse()
	}
	return resp
}

// joined joins as a new dynamic member or a static one, and returns its id and generation.
func (m membership) joined(version int16, instance *string) (string, int32) {
	static := func(r *kmsg.JoinGroupRequest) { r.InstanceID = instance }
	resp := m.join("join", version, "", static)
	if version >= 4 && instance == nil {
		resp = m.join("join with the id", version, resp.MemberID)
	}
	return resp.MemberID, resp.Generation
}

func (m membership) sync(name string, version int16, member string, generation int32, change ...func(*kmsg.SyncGroupRequest)) {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation = m.group, member, generation
	req.ProtocolType, req.Protocol = text("consumer"), text("range")
	one := kmsg.NewSyncGroupRequestGroupAssignment()
	one.MemberID, one.MemberAssignment = member, []byte("assigned")
	req.GroupAssignment = append(req.GroupAssignment, one)
	for _, f := range change {
		f(req)
	}
	m.p.do(name, version, req)
}

func (m membership) heartbeat(name string, version int16, member string, generation int32, instance *string) {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = m.group, member, generation, instance
	m.p.do(name, version, req)
}

func (m membership) leave(name string, version int16, members ...kmsg.LeaveGroupRequestMember) {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.Members = m.group, members
	if len(members) > 0 {
		req.MemberID = members[0].MemberID
	}
	m.p.do(name, version, req)
}

func leaving(member string, instance *string) kmsg.LeaveGroupRequestMember {
	one := kmsg.NewLeaveGroupRequestMember()
	one.MemberID, one.InstanceID = member, instance
	return one
}

func joinGroup(p *player) {
	p.make("groups-t", 2)
	p.coordinated()
	for v := int16(0); v <= 9; v++ {
		m := membership{p, fmt.Sprint("join-", v)}
		session := func(ms int32) func(*kmsg.JoinGroupRequest) {
			return func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = ms }
		}
		m.join("short session", v, "", session(10))
		m.join("long session", v, "", session(1<<30))
		m.join("no protocols", v, "", func(r *kmsg.JoinGroupRequest) { r.Protocols = nil })
		m.join("no protocol type", v, "", func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "" })
		m.join("no group", v, "", func(r *kmsg.JoinGroupRequest) { r.Group = "" })
		m.join("unknown group", v, "who", func(r *kmsg.JoinGroupRequest) { r.Group = "join-unknown" })
		id, generation := m.joined(v, nil)
		m.join("unknown member", v, "who")
		m.join("again before the assignment", v, id)
		sync := min(v, 5)
		m.sync("sync", sync, id, generation)
		m.join("another protocol type", v, "", func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "connect" })
		m.join("no common protocol", v, "", func(r *kmsg.JoinGroupRequest) { r.Protocols[0].Name, r.Protocols[1].Name = "x", "y" })
		again := m.join("the leader again", v, id)
		m.sync("sync of the next generation", sync, again.MemberID, again.Generation)
		p.describeGroup("of a stable group", min(v, 6), m.group)
		m.leave("leave", min(v, 5), leaving(id, nil))
		p.describeGroup("of an empty group", min(v, 6), m.group)
	}
	for v := int16(5); v <= 9; v++ {
		staticMember(p, v)
	}
}

// staticMember is a static member that is replaced, in each state of its group.
func staticMember(p *player, v int16) {
	m, instance := membership{p, fmt.Sprint("static-", v)}, text("instance")
	static := func(r *kmsg.JoinGroupRequest) { r.InstanceID = instance }
	id, generation := m.joined(v, instance)
	m.join("unknown instance", v, id, func(r *kmsg.JoinGroupRequest) { r.InstanceID = text("other") })
	id2, generation2 := m.joined(v, instance)
	m.heartbeat("of the replaced member", 4, id, generation, instance)
	m.sync("of the replaced member", 5, id, generation2, func(r *kmsg.SyncGroupRequest) { r.InstanceID = instance })
	m.sync("sync", 5, id2, generation2, func(r *kmsg.SyncGroupRequest) { r.InstanceID = instance })
	p.describeGroup("of a static member", 6, m.group)
	third := m.join("replaced when stable", v, "", static)
	m.heartbeat("of the new member", 4, third.MemberID, third.Generation, instance)
	m.join("fenced", v, id2, static)
	m.sync("the same assignment", 5, third.MemberID, third.Generation)
	m.leave("fenced and unknown", 5, leaving(id2, instance), leaving("", text("other")), leaving("who", nil))
	m.leave("by the instance alone", 5, leaving("", instance))
}

func syncGroup(p *player) {
	p.make("sync-t", 1)
	p.coordinated()
	for v := int16(0); v <= 5; v++ {
		m := membership{p, fmt.Sprint("sync-", v)}
		m.sync("unknown group", v, "who", 1)
		m.sync("no group", v, "who", 1, func(r *kmsg.SyncGroupRequest) { r.Group = "" })
		id, generation := m.joined(v, nil)
		m.sync("unknown member", v, "who", generation)
		m.sync("old generation", v, id, generation-1)
		m.sync("another protocol", v, id, generation, func(r *kmsg.SyncGroupRequest) { r.Protocol = text("roundrobin") })
		m.sync("another protocol type", v, id, generation, func(r *kmsg.SyncGroupRequest) { r.ProtocolType = text("connect") })
		m.sync("no protocol", v, id, generation, func(r *kmsg.SyncGroupRequest) { r.Protocol = nil })
		m.heartbeat("before the assignment", min(v, 4), id, generation, nil)
		m.sync("sync without assignments", v, id, generation, func(r *kmsg.SyncGroupRequest) { r.GroupAssignment = nil })
		m.sync("sync again", v, id, generation)
		for h := int16(0); h <= 4; h++ {
			m.heartbeat("fine", h, id, generation, nil)
			m.heartbeat("unknown member", h, "who", generation, nil)
			m.heartbeat("old generation", h, id, generation-1, nil)
			m.heartbeat("unknown instance", h, id, generation, text("nobody"))
			membership{p, ""}.heartbeat("no group", h, id, generation, nil)
			membership{p, "sync-none"}.heartbeat("unknown group", h, id, generation, nil)
		}
		m.leave("unknown member", v, leaving("who", nil))
		membership{p, "sync-none"}.leave("unknown group", v, leaving(id, nil))
		membership{p, ""}.leave("no group", v, leaving(id, nil))
		if v >= 3 {
			m.leave("nobody", v)
			m.leave("twice", v, leaving(id, nil), leaving(id, nil))
		} else {
			m.leave("leave", v, leaving(id, nil))
		}
		m.heartbeat("of who left", min(v, 4), id, generation, nil)
	}
}

// describe asks for the description of groups.
func (p *player) describeGroup(name string, version int16, groups ...string) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups, req.IncludeAuthorizedOperations = groups, version >= 3
	p.do("describe "+name, version, req)
}

func describeGroups(p *player) {
	p.make("describe-t", 1)
	p.coordinated()
	commit(p, "a simple group", 8, "describe-simple", "", -1, "describe-t", 0)
	for v := int16(0); v <= 6; v++ {
		p.describeGroup("simple and unknown", v, "describe-simple", "describe-unknown", "")
		p.describeGroup("none", v)
	}
	for v := int16(0); v <= 5; v++ {
		req := kmsg.NewPtrListGroupsRequest()
		p.do("all", v, req)
		if v >= 4 {
			req.StatesFilter = []string{"Stable"}
			p.do("stable", v, req)
			req.StatesFilter = []string{"empty", "PreparingRebalance"}
			p.do("empty", v, req)
			req.StatesFilter = []string{"NoSuchState"}
			p.do("no such state", v, req)
		}
		if v >= 5 {
			req.StatesFilter, req.TypesFilter = nil, []string{"Classic"}
			p.do("classic", v, req)
			req.TypesFilter = []string{"consumer"}
			p.do("not classic", v, req)
			req.TypesFilter = []string{"nothing"}
			p.do("no such type", v, req)
		}
	}
}
