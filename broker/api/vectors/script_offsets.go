package vectors

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// commitment asks to commit an offset for each of partitions.
func commitment(p *player, group, member string, generation int32, topic string, partitions ...int32) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.Generation = group, member, generation
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic, t.TopicID = topic, p.id(topic)
	for _, i := range partitions {
		part := kmsg.NewOffsetCommitRequestTopicPartition()
		part.Partition, part.Offset, part.LeaderEpoch, part.Metadata = i, int64(10+i), 3, text("said")
		t.Partitions = append(t.Partitions, part)
	}
	req.Topics = append(req.Topics, t)
	return req
}

func commit(p *player, name string, version int16, group, member string, generation int32, topic string, partitions ...int32) {
	p.do(name, version, commitment(p, group, member, generation, topic, partitions...))
}

func offsetCommit(p *player) {
	p.make("commit-t", 2)
	p.coordinated()
	for v := int16(2); v <= 10; v++ {
		group := fmt.Sprint("commit-", v)
		commit(p, "generation of no group", v, group, "who", 3, "commit-t", 0)
		commit(p, "by itself", v, group, "", -1, "commit-t", 0, 1)
		commit(p, "unknown partition", v, group, "", -1, "commit-t", 1, 7)
		commit(p, "unknown topic", v, group, "", -1, "commit-unknown", 0)
		commit(p, "unknown member of an empty group", v, group, "who", 1, "commit-t", 0)
		commit(p, "no group", v, "", "", -1, "commit-t", 0)
		wordy := commitment(p, group, "", -1, "commit-t", 0, 1)
		wordy.Topics[0].Partitions[1].Metadata = text(strings.Repeat("x", 4097))
		p.do("too much metadata", v, wordy)
		bare := commitment(p, group, "", -1, "commit-t", 0)
		bare.Topics[0].Partitions[0].Metadata = nil
		bare.Topics[0].Partitions[0].LeaderEpoch = -1
		p.do("no metadata", v, bare)
		nothing := commitment(p, group, "", -1, "commit-t")
		p.do("no partitions", v, nothing)
		nothing.Topics = nil
		p.do("no topics", v, nothing)

		m := membership{p, group}
		id, generation := m.joined(4, nil)
		commit(p, "before the assignment", v, group, id, generation, "commit-t", 0)
		m.sync("sync", 4, id, generation)
		commit(p, "as a member", v, group, id, generation, "commit-t", 0)
		commit(p, "old generation", v, group, id, generation-1, "commit-t", 0)
		commit(p, "unknown member", v, group, "who", generation, "commit-t", 0)
		commit(p, "by itself in a group in use", v, group, "", -1, "commit-t", 0)
		if v >= 7 {
			req := commitment(p, group, id, generation, "commit-t", 0)
			req.InstanceID = text("nobody")
			p.do("unknown instance", v, req)
		}
		m.leave("leave", 5, leaving(id, nil))
	}
}

func offsetFetch(p *player) {
	p.make("fetch-t", 2)
	p.make("fetch-u", 1)
	p.coordinated()
	commit(p, "commit", 8, "offsets", "", -1, "fetch-t", 0)
	commit(p, "commit", 8, "offsets", "", -1, "fetch-u", 0)
	for v := int16(1); v <= 10; v++ {
		ask := func(name, group string, topics ...string) {
			req := kmsg.NewPtrOffsetFetchRequest()
			req.Group = group
			one := kmsg.NewOffsetFetchRequestGroup()
			one.Group = group
			if topics != nil {
				req.Topics, one.Topics = []kmsg.OffsetFetchRequestTopic{}, []kmsg.OffsetFetchRequestGroupTopic{}
			}
			for _, name := range topics {
				t, u := kmsg.NewOffsetFetchRequestTopic(), kmsg.NewOffsetFetchRequestGroupTopic()
				t.Topic, t.Partitions = name, []int32{0, 1, 9}
				u.Topic, u.TopicID, u.Partitions = name, p.id(name), t.Partitions
				req.Topics, one.Topics = append(req.Topics, t), append(one.Topics, u)
			}
			req.Groups = append(req.Groups, one)
			if v >= 8 && name == "several groups" {
				other := one
				other.Group = "offsets-unknown"
				req.Groups = append(req.Groups, other)
			}
			p.do(name, v, req)
		}
		ask("topics", "offsets", "fetch-t", "fetch-u")
		ask("unknown topic", "offsets", "fetch-unknown", "fetch-t")
		ask("unknown group", "offsets-unknown", "fetch-t")
		ask("no group", "", "fetch-t")
		ask("no topics", "offsets", []string{}...)
		if v >= 2 {
			ask("all topics", "offsets")
			ask("all topics of an unknown group", "offsets-unknown")
		}
		if v >= 8 {
			ask("several groups", "offsets", "fetch-t")
		}
		if v >= 7 {
			req := kmsg.NewPtrOffsetFetchRequest()
			req.Group, req.RequireStable = "offsets", true
			one := kmsg.NewOffsetFetchRequestGroup()
			one.Group = "offsets"
			req.Groups = append(req.Groups, one)
			p.do("stable", v, req)
		}
		if v >= 9 {
			for _, group := range []string{"offsets", "offsets-unknown"} {
				req := kmsg.NewPtrOffsetFetchRequest()
				one := kmsg.NewOffsetFetchRequestGroup()
				one.Group, one.MemberID, one.MemberEpoch = group, text("who"), 3
				req.Groups = append(req.Groups, one)
				p.do("as a member", v, req)
			}
		}
	}
}

func deleteGroups(p *player) {
	p.make("forget-t", 1)
	p.coordinated()
	for v := int16(0); v <= 2; v++ {
		simple, used := fmt.Sprint("forget-simple-", v), fmt.Sprint("forget-used-", v)
		commit(p, "commit", 8, simple, "", -1, "forget-t", 0)
		m := membership{p, used}
		id, generation := m.joined(4, nil)
		m.sync("sync", 4, id, generation)
		commit(p, "commit as a member", 8, used, id, generation, "forget-t", 0)
		req := kmsg.NewPtrDeleteGroupsRequest()
		req.Groups = []string{simple, used, "forget-unknown", ""}
		p.do("delete", v, req)
		m.leave("leave", 5, leaving(id, nil))
		req.Groups = []string{simple, used}
		p.do("delete again", v, req)
		p.describeGroup("what was deleted", 6, simple, used)
	}
}

func offsetDelete(p *player) {
	p.make("undo-t", 2)
	p.make("groups-t2", 1)
	p.coordinated()
	ask := func(name, group string, topics ...string) {
		req := kmsg.NewPtrOffsetDeleteRequest()
		req.Group = group
		for _, topic := range topics {
			t := kmsg.NewOffsetDeleteRequestTopic()
			t.Topic = topic
			for _, i := range []int32{0, 1} {
				part := kmsg.NewOffsetDeleteRequestTopicPartition()
				part.Partition = i
				t.Partitions = append(t.Partitions, part)
			}
			req.Topics = append(req.Topics, t)
		}
		p.do(name, 0, req)
	}
	commit(p, "commit", 8, "undo", "", -1, "undo-t", 0)
	ask("delete", "undo", "undo-t", "undo-unknown")
	ask("unknown group", "undo-unknown", "undo-t")
	ask("no group", "", "undo-t")
	m := membership{p, "undo-used"}
	commit(p, "commit", 8, m.group, "", -1, "undo-t", 0)
	id, generation := m.joined(4, nil)
	ask("before the assignment", m.group, "undo-t", "groups-t2")
	m.sync("sync", 4, id, generation)
	ask("not subscribed", m.group, "undo-t")
	ask("subscribed", m.group, "groups-t", "undo-t")
}
