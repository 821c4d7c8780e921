package group

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"odradek/broker/group/assign"
)

// subscriptionTo is what a member of the classic protocol says: the topics that it wants, and what it still has.
func subscriptionTo(topics []string, owned []kmsg.ConsumerGroupHeartbeatRequestTopic) []byte {
	s := kmsg.NewConsumerMemberMetadata()
	s.Version, s.Topics = 1, topics
	for _, t := range owned {
		s.OwnedPartitions = append(s.OwnedPartitions, kmsg.ConsumerMemberMetadataOwnedPartition{Topic: nameOf(t.TopicID), Partitions: t.Partitions})
	}
	return s.AppendTo(nil)
}

// assignmentOf is what a classic leader gives to a member.
func assignmentOf(given []kmsg.ConsumerGroupHeartbeatRequestTopic) []byte {
	a := kmsg.NewConsumerMemberAssignment()
	a.Version = 1
	for _, t := range given {
		a.Topics = append(a.Topics, kmsg.ConsumerMemberAssignmentTopic{Topic: nameOf(t.TopicID), Partitions: t.Partitions})
	}
	return a.AppendTo(nil)
}

// assignedTo reads a classic assignment; ok is false for what is none.
func assignedTo(b []byte) (p assign.Partitions, ok bool) {
	var a kmsg.ConsumerMemberAssignment
	if len(b) < 10 || a.ReadFrom(b) != nil {
		return nil, false
	}
	p = assign.Partitions{}
	for _, t := range a.Topics {
		for _, index := range t.Partitions {
			p.Add(topicNamed(t.Topic), index)
		}
	}
	return p, true
}

func shownAssignment(b []byte) string {
	if p, ok := assignedTo(b); ok {
		return said(p)
	}
	return string(b)
}

// classicBeat is what a client of the classic protocol does next: it joins, asks for its assignment, which it makes if it leads, or sends a
// heartbeat. It gives up all that it has when it joins, as members do whose assignors are eager, unless the group is of the newer protocol
// and it keeps what it can.
func (d *drawnConsumers) classicBeat(c *consumer) {
	as := caller{d.world, "c"}
	switch {
	case c.waits:
	case c.epoch == 0 || c.rejoins:
		req := joinOf(words{"id": c.id, "topics": c.topic, "session": "40", "rebalance": "20", "v": "5"})
		if c.epoch == 0 && c.instance != nil {
			req.MemberID = ""
		}
		req.InstanceID = c.instance
		var owned []kmsg.ConsumerGroupHeartbeatRequestTopic
		if c.keeps && d.machine.consumerOf("g") != nil {
			for _, id := range c.has.Topics() {
				owned = append(owned, kmsg.ConsumerGroupHeartbeatRequestTopic{TopicID: id, Partitions: c.has[id]})
			}
		} else {
			c.has = assign.Partitions{}
		}
		for i := range req.Protocols {
			req.Protocols[i].Metadata = subscriptionTo([]string{c.topic}, owned)
		}
		c.waits, c.synced = true, false
		d.perform(d.machine.Join(clientCaller{d, c}, Client{ID: "c"}, req, d.now))
	case !c.synced:
		req := syncOf(words{"id": c.id, "generation": fmt.Sprint(c.epoch)})
		req.InstanceID = c.instance
		req.GroupAssignment = d.led(c)
		c.waits = true
		d.perform(d.machine.Sync(clientCaller{d, c}, req, d.now))
	default:
		req := kmsg.NewPtrHeartbeatRequest()
		req.Group, req.MemberID, req.Generation, req.InstanceID = "g", c.id, c.epoch, c.instance
		d.answered = func(_ string, response any) {
			if r, ok := response.(*kmsg.HeartbeatResponse); ok {
				d.heardClassic(c, kerr.ErrorForCode(r.ErrorCode))
			}
		}
		d.perform(d.machine.Heartbeat(as, req, d.now))
	}
}

// led is what a classic leader assigns: everything, in turns, to those who subscribe to it.
func (d *drawnConsumers) led(c *consumer) []kmsg.SyncGroupRequestGroupAssignment {
	given := map[string]assign.Partitions{}
	for topic, n := range d.sizes {
		var wanting []string
		for id, of := range c.leads {
			if of == topic {
				wanting = append(wanting, id)
			}
		}
		slices.Sort(wanting)
		for index := range n {
			if len(wanting) > 0 {
				id := wanting[index%len(wanting)]
				if given[id] == nil {
					given[id] = assign.Partitions{}
				}
				given[id].Add(topicNamed(topic), int32(index))
			}
		}
	}
	var all []kmsg.SyncGroupRequestGroupAssignment
	for id := range c.leads {
		var has []kmsg.ConsumerGroupHeartbeatRequestTopic
		for _, topic := range given[id].Topics() {
			has = append(has, kmsg.ConsumerGroupHeartbeatRequestTopic{TopicID: topic, Partitions: given[id][topic]})
		}
		all = append(all, kmsg.SyncGroupRequestGroupAssignment{MemberID: id, MemberAssignment: assignmentOf(has)})
	}
	return all
}

// heardClassic is what a client makes of an error.
func (d *drawnConsumers) heardClassic(c *consumer, err error) {
	switch err {
	case nil, kerr.NotCoordinator, kerr.NotEnoughReplicas:
	case kerr.RebalanceInProgress:
		c.rejoins = true
	case kerr.IllegalGeneration:
		c.rejoins, c.has = true, assign.Partitions{}
	default:
		d.again(c)
	}
}

// clientCaller is a client of the classic protocol, whose answers may come later.
type clientCaller struct {
	d *drawnConsumers
	c *consumer
}

func (a clientCaller) Refuse(*kerr.Error) { a.c.waits, a.c.rejoins = false, true }

func (a clientCaller) Answer(response any) {
	c, id := a.c, a.c.id
	c.waits = false
	switch r := response.(type) {
	case *kmsg.JoinGroupResponse:
		if err := kerr.ErrorForCode(r.ErrorCode); err == kerr.MemberIDRequired {
			c.id = r.MemberID
		} else if a.d.heardClassic(c, err); err == nil {
			c.id, c.epoch, c.rejoins = r.MemberID, r.Generation, false
			c.leads = map[string]string{}
			for _, m := range r.Members {
				var s kmsg.ConsumerMemberMetadata
				if s.ReadFrom(m.ProtocolMetadata) == nil && len(s.Topics) > 0 {
					c.leads[m.MemberID] = s.Topics[0]
				}
			}
		}
	case *kmsg.SyncGroupResponse:
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			a.d.heardClassic(c, err)
		} else if c.id == id {
			c.synced = true
			c.has, _ = assignedTo(r.MemberAssignment)
		}
	}
}

// TestMigrationInvariants has members of one group change between the protocols, in any order, with all that befalls them besides: while the
// group is a consumer group no partition has two owners, the log says what the machine knows, and in the end all that is wanted is shared
// out, whatever kind the group is by then.
func TestMigrationInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &drawnConsumers{world: newWorld(), t: t, consumers: map[string]*consumer{}, sizes: map[string]int{}}
		instance := "i"
		names := []string{"a", "b", "c", "s"}
		for i, name := range names {
			d.consumers[name] = &consumer{topic: "t", classic: i%2 == 0, keeps: i == 2}
			d.again(d.consumers[name])
		}
		d.consumers["s"].instance = &instance
		d.resize("t", 3)
		d.resize("u", 2)
		who := func() *consumer { return d.consumers[rapid.SampledFrom(names).Draw(t, "who")] }
		beat := func(*rapid.T) { d.next(who()) }
		t.Repeat(map[string]func(*rapid.T){
			"": d.checkMigrating, "beat": beat, "beat too": beat, "beat three": beat, "beat four": beat,
			"everybody": func(*rapid.T) {
				for _, name := range names {
					d.next(d.consumers[name])
				}
			},
			"change": func(*rapid.T) {
				c := who()
				if !c.classic {
					d.leave(c, false)
				} else {
					d.leaveClassic(c)
				}
				c.classic = !c.classic
				d.again(c)
			},
			"die": func(*rapid.T) { d.again(who()) },
			"subscribe": func(*rapid.T) {
				c := who()
				c.topic, c.full, c.rejoins = rapid.SampledFrom([]string{"t", "u"}).Draw(t, "topic"), true, true
			},
			"wait":      func(*rapid.T) { d.advance(2 * time.Second) },
			"wait long": func(*rapid.T) { d.advance(25 * time.Second) },
			"fail over": func(*rapid.T) { d.reload(compacted(d.log, rapid.Bool().Draw(t, "tombstones"))) },
			"refuse": func(*rapid.T) {
				d.refusal = rapid.SampledFrom([]*kerr.Error{nil, nil, kerr.NotEnoughReplicas}).Draw(t, "refusal")
			},
		})
		d.agrees(t, names)
	})
}

// checkMigrating is check while the group is a consumer group. A classic one is in memory before it is in the log.
func (d *drawnConsumers) checkMigrating(t *rapid.T) {
	if d.machine.consumerOf("g") != nil {
		d.check(t)
	}
}

// next is a client's next step, in whichever protocol it speaks.
func (d *drawnConsumers) next(c *consumer) {
	if c.classic {
		d.classicBeat(c)
		return
	}
	d.beat(c, false)
}

func (d *drawnConsumers) leaveClassic(c *consumer) {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.Version = "g", 5
	one := kmsg.NewLeaveGroupRequestMember()
	one.MemberID, one.InstanceID = c.id, c.instance
	req.Members = append(req.Members, one)
	d.answered = func(string, any) {}
	d.perform(d.machine.Leave(caller{d.world, "c"}, req, d.now))
	d.again(c)
}

// agrees has everybody go on for a while: then all that somebody wants is used by one of them.
func (d *drawnConsumers) agrees(t *rapid.T, names []string) {
	d.refusal = nil
	for range 40 {
		for _, name := range names {
			d.next(d.consumers[name])
		}
		d.advance(3 * time.Second)
		d.checkMigrating(t)
	}
	used := map[partition]string{}
	for name, c := range d.consumers {
		for topic, list := range c.has {
			for _, index := range list {
				if before := used[partition{topic, index}]; before != "" {
					t.Fatalf("%s%d is used by %s and %s", nameOf(topic), index, before, name)
				}
				used[partition{topic, index}] = name
			}
		}
	}
	for topic, n := range d.sizes {
		wanted := slices.ContainsFunc(names, func(name string) bool { return d.consumers[name].topic == topic })
		for index := range n {
			if has := used[partition{topicNamed(topic), int32(index)}] != ""; has != wanted {
				t.Fatalf("%s%d: wanted %v, used %v\n%s", topic, index, wanted, has, describeState(d.machine.consumerOf("g")))
			}
		}
	}
}
