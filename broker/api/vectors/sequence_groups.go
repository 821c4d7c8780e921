package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

// Who speaks in a group, and of which generation.
var (
	groupNames      = []string{"g0", "g1", ""} // the group of no name is shared by all sequences: none may make it
	ownGroupNames   = []string{"g0", "g1"}
	memberNames     = []string{"current", "stranger", "nobody"}
	generationNames = []string{"current", "before", "after", "-1", "0"}
	instanceNames   = []string{"none", "i", "j"}
)

var groupMoves = []Kind{
	{"find coordinator", kmsg.FindCoordinator, dims("key", groupNames, "type", []string{"0", "1", "2", "9"}), (*sequencer).findCoordinator},
	{"join", kmsg.JoinGroup, dims("group", groupNames, "member", []string{"nobody", "current", "stranger"}, "instance", instanceNames, "protocols", []string{"both", "range", "other", "none"}, "type", []string{"consumer", "connect", ""}, "session", []string{"30000", "10", "2147483647"}), (*sequencer).join},
	{"sync", kmsg.SyncGroup, dims("group", groupNames, "member", memberNames, "generation", generationNames, "instance", instanceNames, "protocol", []string{"range", "roundrobin", "none"}, "assignments", yesNo), (*sequencer).sync},
	{"heartbeat", kmsg.Heartbeat, dims("group", groupNames, "member", memberNames, "generation", generationNames, "instance", instanceNames), (*sequencer).heartbeat},
	{"leave", kmsg.LeaveGroup, dims("group", groupNames, "member", memberNames, "instance", instanceNames), (*sequencer).leave},
	{"commit offset", kmsg.OffsetCommit, dims("group", ownGroupNames, "member", []string{"nobody", "current", "stranger"}, "generation", []string{"-1", "current", "before", "after"}, "instance", instanceNames, "topic", topicNames, "partition", partitionNames, "offset", []string{"5", "0", "-1", "-5"}, "metadata", []string{"said", "null", "long"}), (*sequencer).commitOffset},
	{"fetch offsets", kmsg.OffsetFetch, dims("group", groupNames, "topic", append([]string{"all"}, topicNames...), "partition", partitionNames, "stable", yesNo, "member", []string{"nobody", "current", "stranger"}), (*sequencer).fetchOffsets},
	{"delete offset", kmsg.OffsetDelete, dims("group", groupNames, "topic", topicNames, "partition", partitionNames), (*sequencer).deleteOffset},
	{"delete group", kmsg.DeleteGroups, dims("group", groupNames), (*sequencer).deleteGroup},
	{"describe group", kmsg.DescribeGroups, dims("group", groupNames), (*sequencer).describesGroup},
}

// who is the member that is meant, and its generation or epoch.
func (s *sequencer) who(with options, members map[string]member) (string, int32) {
	m := members[with["group"]]
	id, generation := m.id, m.generation
	switch with["member"] {
	case "stranger":
		id = "stranger"
	case "nobody":
		id = ""
	}
	switch with["generation"] {
	case "before":
		generation--
	case "after":
		generation++
	case "-1":
		generation = -1
	case "0":
		generation = 0
	}
	return id, generation
}

func (o options) instance() *string {
	if name := o["instance"]; name != "none" {
		return &name
	}
	return nil
}

func (s *sequencer) findCoordinator(version int16, with options) {
	req := kmsg.NewPtrFindCoordinatorRequest()
	key := s.group(with["key"])
	req.CoordinatorKey, req.CoordinatorKeys, req.CoordinatorType = key, []string{key}, int8(with.number("type"))
	s.ask(version, req)
}

// rebalanceMs is how long a group waits for members that don't join again: a sequence has only one at a time that does.
const rebalanceMs = 100

func (s *sequencer) join(version int16, with options) {
	id, _ := s.who(with, s.classic)
	m := membership{s.player, s.group(with["group"])}
	resp := m.join(s.said, version, id, func(r *kmsg.JoinGroupRequest) {
		r.InstanceID, r.ProtocolType, r.SessionTimeoutMillis = with.instance(), with["type"], int32(with.number("session"))
		r.RebalanceTimeoutMillis = rebalanceMs
		if version == 0 {
			r.SessionTimeoutMillis = min(r.SessionTimeoutMillis, 10) // which has no other time to wait for the rest
		}
		switch with["protocols"] {
		case "range":
			r.Protocols = r.Protocols[:1]
		case "other":
			r.Protocols = r.Protocols[:1]
			r.Protocols[0].Name = "other"
		case "none":
			r.Protocols = nil
		}
	})
	switch {
	case resp.ErrorCode == 0:
		s.classic[with["group"]] = member{resp.MemberID, resp.Generation}
	case resp.MemberID != "" && id == "":
		s.classic[with["group"]] = member{resp.MemberID, -1}
	}
}

func (s *sequencer) sync(version int16, with options) {
	id, generation := s.who(with, s.classic)
	m := membership{s.player, s.group(with["group"])}
	m.sync(s.said, version, id, generation, func(r *kmsg.SyncGroupRequest) {
		r.InstanceID = with.instance()
		if name := with["protocol"]; name != "none" {
			r.Protocol = &name
		} else {
			r.Protocol, r.ProtocolType = nil, nil
		}
		if with["assignments"] == "no" {
			r.GroupAssignment = nil
		}
	})
}

func (s *sequencer) heartbeat(version int16, with options) {
	id, generation := s.who(with, s.classic)
	membership{s.player, s.group(with["group"])}.heartbeat(s.said, version, id, generation, with.instance())
}

func (s *sequencer) leave(version int16, with options) {
	id, _ := s.who(with, s.classic)
	membership{s.player, s.group(with["group"])}.leave(s.said, version, leaving(id, with.instance()))
}

func (s *sequencer) commitOffset(version int16, with options) {
	members := s.classic
	if _, consumes := s.consumers[with["group"]]; consumes {
		members = s.consumers
	}
	id, generation := s.who(with, members)
	req := commitment(s.player, s.group(with["group"]), id, generation, s.topic(with["topic"]), with.partition())
	req.InstanceID = with.instance()
	p := &req.Topics[0].Partitions[0]
	p.Offset = with.number("offset")
	switch with["metadata"] {
	case "null":
		p.Metadata = nil
	case "long":
		p.Metadata = text(string(make([]byte, 4097)))
	}
	s.ask(version, req)
}

func (s *sequencer) fetchOffsets(version int16, with options) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.RequireStable = s.group(with["group"]), with["stable"] == "yes"
	one := kmsg.NewOffsetFetchRequestGroup()
	one.Group = req.Group
	if with["member"] != "nobody" {
		id, epoch := s.who(with, s.consumers)
		one.MemberID, one.MemberEpoch = &id, epoch
	}
	if with["topic"] != "all" {
		name := s.topic(with["topic"])
		partitions := []int32{with.partition()}
		req.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: name, Partitions: partitions}}
		one.Topics = []kmsg.OffsetFetchRequestGroupTopic{{Topic: name, TopicID: s.id(name), Partitions: partitions}}
	}
	req.Groups = append(req.Groups, one)
	s.ask(version, req)
}

func (s *sequencer) deleteOffset(version int16, with options) {
	req := kmsg.NewPtrOffsetDeleteRequest()
	req.Group = s.group(with["group"])
	req.Topics = []kmsg.OffsetDeleteRequestTopic{{Topic: s.topic(with["topic"]), Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: with.partition()}}}}
	s.ask(version, req)
}

func (s *sequencer) deleteGroup(version int16, with options) {
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = []string{s.group(with["group"])}
	s.ask(version, req)
}

func (s *sequencer) describesGroup(version int16, with options) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{s.group(with["group"])}
	s.ask(version, req)
}
