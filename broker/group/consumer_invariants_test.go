package group

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"odradek/broker/coord"
	"odradek/broker/group/assign"
)

// consumer is a client of a drawn consumer group: it does what the protocol says, though it may be silent, and lose answers.
type consumer struct {
	id       string
	instance *string
	epoch    int32
	// has is what it uses.
	has assign.Partitions
	// full says that the next heartbeat has to say everything: the answer before was lost.
	full  bool
	topic string
	regex string

	// classic says that it speaks the classic protocol, in which epoch is its generation. It waits for an answer, has to join again, has
	// learnt what it has in its generation, and leads members of which it knows the topics.
	classic, keeps         bool
	waits, rejoins, synced bool
	leads                  map[string]string
}

type drawnConsumers struct {
	*world
	t         *rapid.T
	consumers map[string]*consumer
	sizes     map[string]int
	serial    int
}

var consumerTopics = []string{"t", "u", "v"}

// beat sends a client's heartbeat and takes the answer in, unless it is lost.
func (d *drawnConsumers) beat(c *consumer, lost bool) {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.InstanceID, req.MemberEpoch = 1, "g", c.id, c.instance, c.epoch
	if c.epoch == 0 {
		c.has = assign.Partitions{}
	}
	if c.epoch == 0 || c.full {
		req.RebalanceTimeoutMillis, req.SubscribedTopicNames, req.SubscribedTopicRegex = 20_000, []string{c.topic}, &c.regex
		if c.topic == "" {
			req.SubscribedTopicNames = []string{}
		}
	}
	req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	for _, id := range c.has.Topics() {
		req.Topics = append(req.Topics, kmsg.ConsumerGroupHeartbeatRequestTopic{TopicID: id, Partitions: c.has[id]})
	}
	d.answered = func(_ string, response any) {
		if r, ok := response.(*kmsg.ConsumerGroupHeartbeatResponse); ok && !lost {
			d.took(c, r)
		}
	}
	d.perform(d.machine.ConsumerHeartbeat(caller{d.world, "c"}, Client{ID: "c"}, req, d.now))
	if lost {
		c.full = true
	}
}

func (d *drawnConsumers) took(c *consumer, r *kmsg.ConsumerGroupHeartbeatResponse) {
	switch err := kerr.ErrorForCode(r.ErrorCode); err {
	case nil:
		if r.MemberEpoch < c.epoch {
			d.t.Fatalf("%s was at epoch %d and is told %d", c.id, c.epoch, r.MemberEpoch)
		}
		c.epoch, c.full = r.MemberEpoch, false
		if r.Assignment != nil {
			c.has = assign.Partitions{}
			for _, topic := range r.Assignment.Topics {
				c.has[topic.TopicID] = topic.Partitions
			}
		}
	case kerr.FencedMemberEpoch, kerr.UnknownMemberID, kerr.GroupIDNotFound, kerr.UnreleasedInstanceID, kerr.FencedInstanceID:
		d.again(c)
	default:
		c.full = true
	}
}

// again has a client start over, as a new process.
func (d *drawnConsumers) again(c *consumer) {
	d.serial++
	c.id, c.epoch, c.has = fmt.Sprint("m", d.serial), 0, assign.Partitions{}
	if c.classic {
		c.id = ""
	}
	c.waits, c.rejoins, c.synced, c.leads = false, false, false, nil
}

func (d *drawnConsumers) leave(c *consumer, back bool) {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.InstanceID, req.MemberEpoch = 1, "g", c.id, c.instance, epochLeave
	if back && c.instance != nil {
		req.MemberEpoch = epochLeaveStatic
	}
	d.answered = func(string, any) {}
	d.perform(d.machine.ConsumerHeartbeat(caller{d.world, "c"}, Client{ID: "c"}, req, d.now))
	d.again(c)
}

func (d *drawnConsumers) resize(topic string, n int) {
	if n == 0 {
		delete(d.sizes, topic)
	} else {
		d.sizes[topic] = n
	}
	var list []string
	for _, name := range sortedKeys(d.sizes) {
		list = append(list, fmt.Sprint(name, ":", d.sizes[name]))
	}
	d.topics(list)
}

// checkConsumers holds a group to its invariants, and its log to the group.
func (d *drawnConsumers) check(t *rapid.T) {
	c := d.machine.consumerOf("g")
	for name, m := range map[string]*Machine{"the log": loaded(&d.cfg, d.log), "the log, compacted": loaded(&d.cfg, compacted(d.log, true)),
		"the log, compacted and rid of graves": loaded(&d.cfg, compacted(d.log, false))} {
		if got, want := describeState(m.consumerOf("g")), describeState(c); got != want {
			t.Fatalf("%s says\n%s\nthe machine\n%s", name, got, want)
		}
	}
	if c == nil {
		return
	}
	owners := map[partition]string{}
	for _, m := range sortedMembers(c.members) {
		for _, set := range []assign.Partitions{m.assigned, m.revoking} {
			for topic, list := range set {
				for _, index := range list {
					p := partition{topic, index}
					if owners[p] != "" {
						t.Fatalf("%s%d belongs to %s and to %s", nameOf(topic), index, owners[p], m.id)
					}
					owners[p] = m.id
				}
			}
		}
		if len(m.revoking) > 0 != (m.state == memberUnrevoked) && m.epoch != epochLeaveStatic {
			t.Fatalf("%s is in state %d and has to give up %s", m.id, m.state, said(m.revoking))
		}
		if m.epoch > c.assignmentEpoch || c.assignmentEpoch > c.epoch {
			t.Fatalf("%s is at epoch %d, the target at %d, the group at %d", m.id, m.epoch, c.assignmentEpoch, c.epoch)
		}
	}
	if !maps.Equal(owners, c.owners) {
		t.Fatalf("owners are %v, noted are %v", owners, c.owners)
	}
	for _, client := range d.consumers {
		m := c.members[client.id]
		if m == nil {
			continue // it is to learn that it is out
		}
		if _, others := client.has.Split(m.assigned.With(m.revoking)); len(others) > 0 {
			t.Fatalf("%s uses %s, which is not its own", client.id, said(others))
		}
	}
	g := d.machine.groups["g"]
	for id := range c.members {
		if g.sessions[id].IsZero() {
			t.Fatalf("%s has no session", id)
		}
	}
	if next := g.next(); !next.IsZero() && (g.wakes.IsZero() || next.Before(g.wakes)) {
		t.Fatalf("something is due at %v, and the timer is set for %v", next, g.wakes)
	}
}

func describeState(c *consumerGroup) string {
	if c == nil {
		return "nothing"
	}
	text := fmt.Sprintf("epoch %d hash %d assignment %d at %d", c.epoch, c.hash, c.assignmentEpoch, c.assignedMs)
	for _, m := range sortedMembers(c.members) {
		text += fmt.Sprintf("\n%s (%s) %v %q: %d<-%d %d %s %s target %s%s", m.id, or(m.instance), m.topics, m.regex, m.epoch, m.previous, m.state,
			said(m.assigned), said(m.revoking), said(c.target[m.id]), sinces(m))
	}
	for _, expression := range sortedKeys(c.regexes) {
		text += fmt.Sprintf("\n%s = %v", expression, c.regexes[expression].topics)
	}
	return text
}

// converges has everybody send heartbeats for a while: then the group is stable, and every partition that somebody wants has an owner
// who uses it.
func (d *drawnConsumers) converges(t *rapid.T) {
	d.refusal = nil
	names := sortedKeys(d.consumers)
	for range 4 * (len(names) + 2) {
		for _, name := range names {
			d.beat(d.consumers[name], false)
		}
		d.advance(6 * time.Second) // static members that left for a while are out by then
		d.check(t)
	}
	c := d.machine.consumerOf("g")
	if state := c.state(); state != Stable {
		t.Fatalf("the group is %s after all that\n%s", state, describeState(c))
	}
	used := map[partition]string{}
	for _, client := range d.consumers {
		for topic, list := range client.has {
			for _, index := range list {
				if before, twice := used[partition{topic, index}]; twice {
					t.Fatalf("%s%d is used by %s and %s", nameOf(topic), index, before, client.id)
				}
				used[partition{topic, index}] = client.id
			}
		}
	}
	for topic, n := range d.sizes {
		wanted := slices.ContainsFunc(sortedMembers(c.members), func(m *consumerMember) bool { return m.subscribes(topic, c.regexes) })
		for index := range n {
			if _, has := used[partition{topicNamed(topic), int32(index)}]; has != wanted {
				t.Fatalf("%s%d: wanted %v, used %v\n%s", topic, index, wanted, has, describeState(c))
			}
		}
	}
}

// TestConsumerInvariants lets members come, go, be silent and lose answers, topics grow and vanish, the coordinator fail over and appends
// be refused: no partition has two owners at any time, the log says what the machine knows, and in the end everything is shared out.
func TestConsumerInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &drawnConsumers{world: newWorld(), t: t, consumers: map[string]*consumer{}, sizes: map[string]int{}}
		d.times.AssignmentInterval = time.Second
		instance := "i"
		names := []string{"a", "b", "c", "s"}
		for _, name := range names {
			d.consumers[name] = &consumer{topic: "t"}
			d.again(d.consumers[name])
		}
		d.consumers["s"].instance = &instance
		d.resize("t", 3)
		who := func() *consumer { return d.consumers[rapid.SampledFrom(names).Draw(t, "who")] }
		beat := func(*rapid.T) { d.beat(who(), rapid.IntRange(0, 9).Draw(t, "lost") == 0) }
		t.Repeat(map[string]func(*rapid.T){
			"": d.check, "beat": beat, "beat too": beat, "beat three": beat,
			"leave": func(*rapid.T) { d.leave(who(), rapid.Bool().Draw(t, "back")) },
			"die":   func(*rapid.T) { d.again(who()) },
			"subscribe": func(*rapid.T) {
				c := who()
				c.topic = rapid.SampledFrom(append(consumerTopics, "")).Draw(t, "topic")
				c.regex = rapid.SampledFrom([]string{"", "", "[tu]", ".*"}).Draw(t, "regex")
				c.full = true
			},
			"resize": func(*rapid.T) {
				topic := rapid.SampledFrom(consumerTopics).Draw(t, "topic")
				n := rapid.SampledFrom([]int{0, 1, 2, 5}).Draw(t, "size")
				if n == 0 || n > d.sizes[topic] {
					d.resize(topic, n)
				}
			},
			"wait": func(*rapid.T) {
				d.advance(2 * time.Second)
			},
			"wait long": func(t *rapid.T) { d.advance(25 * time.Second) },
			"fail over": func(*rapid.T) { d.reload(compacted(d.log, rapid.Bool().Draw(t, "tombstones"))) },
			"refuse": func(*rapid.T) {
				d.refusal = rapid.SampledFrom([]*kerr.Error{nil, nil, kerr.NotEnoughReplicas}).Draw(t, "refusal")
			},
			"stranger": func(*rapid.T) {
				commit := commitOf(words{"id": "stranger", "generation": "3", "partition": "0", "offset": "1"})
				d.answered = func(_ string, response any) {
					if r := response.(*kmsg.OffsetCommitResponse); r.Topics[0].Partitions[0].ErrorCode == 0 && d.machine.consumerOf("g") != nil {
						t.Fatal("a stranger committed")
					}
				}
				d.perform(d.machine.Commit(caller{d.world, "x"}, commit, d.now))
			},
		})
		d.converges(t)
	})
}

// FuzzReplay feeds a machine with records: none may be more than refused.
func FuzzReplay(f *testing.F) {
	w := newWorld()
	w.topics([]string{"t:4", "u:2"})
	for _, line := range []string{"a consumer id=a topics=t regex=u", "b consumer id=b topics=t,u instance=i", "a consumer id=a epoch=2", "a join v=3 group=h"} {
		w.say(f, strings.Fields(line))
	}
	for _, r := range w.log {
		f.Add(r.Key, r.Value)
	}
	f.Fuzz(func(_ *testing.T, key, value []byte) {
		m := New(&newWorld().cfg)
		for range 2 {
			_ = m.Replay(coord.Record{Key: key, Value: value})
		}
		_ = m.Replay(coord.Record{Key: key})
	})
}
