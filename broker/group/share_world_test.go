package group

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"odradek/broker/coord"
	"odradek/broker/group/assign"
)

// sharerOf is a heartbeat of a share group's member.
func sharerOf(args words) *kmsg.ShareGroupHeartbeatRequest {
	req := kmsg.NewPtrShareGroupHeartbeatRequest()
	req.Version, req.GroupID, req.MemberID, req.MemberEpoch = 1, args.group(), args["id"], int32(args.number("epoch", 0))
	if topics, ok := args["topics"]; ok {
		req.SubscribedTopicNames = strings.Split(topics, ",")
	}
	return req
}

func describeShareBeat(r *kmsg.ShareGroupHeartbeatResponse) string {
	if r.ErrorCode != 0 {
		return "share: " + code(r.ErrorCode)
	}
	text := fmt.Sprintf("share: id=%s epoch=%d", *r.MemberID, r.MemberEpoch)
	if r.Assignment != nil {
		p := assign.Partitions{}
		for _, t := range r.Assignment.TopicPartitions {
			p[t.TopicID] = t.Partitions
		}
		text += " has " + said(p)
	}
	return text
}

func describeSharers(r kmsg.ShareGroupDescribeResponseGroup) string {
	if r.ErrorCode != 0 {
		return "sharers: " + code(r.ErrorCode)
	}
	text := fmt.Sprintf("sharers: %s epoch=%d assignment=%d", r.GroupState, r.GroupEpoch, r.AssignmentEpoch)
	for _, m := range r.Members {
		p := assign.Partitions{}
		for _, t := range m.Assignment.TopicPartitions {
			p[t.TopicID] = t.Partitions
		}
		text += fmt.Sprintf("\n  %s epoch=%d topics=%s has %s", m.MemberID, m.MemberEpoch, strings.Join(m.SubscribedTopicNames, "+"), said(p))
	}
	return text
}

func describeShareTopics(r ShareTopics) string {
	if r.Err != nil {
		return "share-partitions: " + r.Err.Message
	}
	var parts []string
	for id, topic := range r.Topics {
		parts = append(parts, fmt.Sprint(nameOf(id), topic.Partitions))
	}
	slices.Sort(parts)
	return fmt.Sprintf("share-partitions: empty=%v %s", r.Empty, strings.Join(parts, " "))
}

// describeShareRecord shows a share group's record by what a machine makes of it.
func describeShareRecord(r coord.Record, kind int16) (string, bool) {
	kinds := map[int16]string{
		keyShareGroup: "share epoch", keyShareMember: "share member", keyShareTarget: "share target", keyShareTargetEpoch: "share assignment",
		keyShareCurrent: "share current", keyShareBegun: "share begun",
	}
	name, known := kinds[kind]
	if !known {
		return "", false
	}
	n := 2
	if kind == keyShareGroup || kind == keyShareTargetEpoch || kind == keyShareBegun {
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
	s := m.shareOf(names[0])
	switch kind {
	case keyShareGroup:
		return fmt.Sprintf("%s = %d", text, s.epoch), true
	case keyShareTargetEpoch:
		return fmt.Sprintf("%s = %d", text, s.assignmentEpoch), true
	case keyShareTarget:
		return fmt.Sprintf("%s = %s", text, said(s.target[names[1]])), true
	case keyShareMember:
		return fmt.Sprintf("%s topics=%s", text, strings.Join(s.members[names[1]].topics, "+")), true
	case keyShareCurrent:
		each := s.members[names[1]]
		return fmt.Sprintf("%s epoch=%d<-%d has %s", text, each.epoch, each.previous, said(each.assigned)), true
	}
	var parts []string
	for _, topic := range s.begun {
		parts = append(parts, fmt.Sprint(topic.name, topic.partitions))
	}
	slices.Sort(parts)
	return text + " " + strings.Join(parts, " "), true
}

func describeShareState(s *shareGroup) string {
	if s == nil {
		return "nothing"
	}
	text := fmt.Sprintf("epoch %d hash %d assignment %d at %d", s.epoch, s.hash, s.assignmentEpoch, s.assignedMs)
	for _, m := range sortedShareMembers(s.members) {
		text += fmt.Sprintf("\n%s %v: %d<-%d %s target %s", m.id, m.topics, m.epoch, m.previous, said(m.assigned), said(s.target[m.id]))
	}
	var parts []string
	for id, topic := range s.begun {
		parts = append(parts, fmt.Sprint(nameOf(id), topic))
	}
	slices.Sort(parts)
	return text + "\n" + strings.Join(parts, " ")
}

// TestShareInvariants lets members of a share group come, go and be silent, topics grow and vanish, and the coordinator fail over: the log
// says what the machine knows, and in the end every partition that somebody subscribes to has a member.
func TestShareInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &drawnConsumers{world: newWorld(), t: t, consumers: map[string]*consumer{}, sizes: map[string]int{}}
		d.times.AssignmentInterval = time.Second
		names := []string{"a", "b", "c"}
		for _, name := range names {
			d.consumers[name] = &consumer{topic: "t"}
			d.again(d.consumers[name])
		}
		d.resize("t", 3)
		beat := func(c *consumer) {
			req := kmsg.NewPtrShareGroupHeartbeatRequest()
			req.Version, req.GroupID, req.MemberID, req.MemberEpoch = 1, "g", c.id, c.epoch
			if c.epoch == 0 || c.full {
				req.SubscribedTopicNames = []string{c.topic}
			}
			d.answered = func(_ string, response any) {
				r, ok := response.(*kmsg.ShareGroupHeartbeatResponse)
				switch {
				case !ok:
				case r.ErrorCode != 0:
					d.again(c)
				default:
					c.epoch, c.full = r.MemberEpoch, false
					if r.Assignment != nil {
						c.has = assign.Partitions{}
						for _, topic := range r.Assignment.TopicPartitions {
							c.has[topic.TopicID] = topic.Partitions
						}
					}
				}
			}
			d.perform(d.machine.ShareHeartbeat(caller{d.world, "c"}, Client{ID: "c"}, req, d.now))
		}
		check := func(t *rapid.T) {
			s := d.machine.shareOf("g")
			for name, m := range map[string]*Machine{"the log": loaded(&d.cfg, d.log), "the log, compacted": loaded(&d.cfg, compacted(d.log, true)),
				"the log, compacted and rid of graves": loaded(&d.cfg, compacted(d.log, false))} {
				if got, want := describeShareState(m.shareOf("g")), describeShareState(s); got != want {
					t.Fatalf("%s says\n%s\nthe machine\n%s", name, got, want)
				}
			}
			if s == nil {
				return
			}
			for id, m := range s.members {
				if d.machine.groups["g"].sessions[id].IsZero() || m.epoch > s.assignmentEpoch || s.assignmentEpoch > s.epoch {
					t.Fatalf("%s: session %v, epochs %d, %d, %d", id, d.machine.groups["g"].sessions[id], m.epoch, s.assignmentEpoch, s.epoch)
				}
			}
		}
		who := func() *consumer { return d.consumers[rapid.SampledFrom(names).Draw(t, "who")] }
		t.Repeat(map[string]func(*rapid.T){
			"":     check,
			"beat": func(*rapid.T) { beat(who()) }, "beat too": func(*rapid.T) { beat(who()) },
			"subscribe": func(*rapid.T) {
				c := who()
				c.topic, c.full = rapid.SampledFrom(consumerTopics).Draw(t, "topic"), true
			},
			"leave": func(*rapid.T) {
				c := who()
				req := kmsg.NewPtrShareGroupHeartbeatRequest()
				req.Version, req.GroupID, req.MemberID, req.MemberEpoch = 1, "g", c.id, epochLeave
				d.answered = func(string, any) {}
				d.perform(d.machine.ShareHeartbeat(caller{d.world, "c"}, Client{ID: "c"}, req, d.now))
				d.again(c)
			},
			"resize": func(*rapid.T) {
				topic, n := rapid.SampledFrom(consumerTopics).Draw(t, "topic"), rapid.SampledFrom([]int{0, 1, 2, 5}).Draw(t, "size")
				if n == 0 || n > d.sizes[topic] {
					d.resize(topic, n)
				}
			},
			"wait":      func(*rapid.T) { d.advance(2 * time.Second) },
			"wait long": func(*rapid.T) { d.advance(25 * time.Second) },
			"fail over": func(*rapid.T) { d.reload(compacted(d.log, rapid.Bool().Draw(t, "tombstones"))) },
		})
		for range 10 {
			for _, name := range names {
				beat(d.consumers[name])
			}
			d.advance(6 * time.Second)
		}
		check(t)
		shared := map[partition]bool{}
		for _, c := range d.consumers {
			for topic, list := range c.has {
				for _, index := range list {
					shared[partition{topic, index}] = true
				}
			}
		}
		for topic, n := range d.sizes {
			wanted := slices.ContainsFunc(names, func(name string) bool { return d.consumers[name].topic == topic })
			for index := range n {
				if shared[partition{topicNamed(topic), int32(index)}] != wanted {
					t.Fatalf("%s%d: wanted %v\n%s", topic, index, wanted, describeShareState(d.machine.shareOf("g")))
				}
			}
		}
	})
}
