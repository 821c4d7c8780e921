package group

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group/assign"
	"odradek/broker/metadata"
)

// refusal is why a request is refused, in words.
type refusal struct {
	code *kerr.Error
	text string
}

func refusalf(code *kerr.Error, format string, args ...any) *refusal {
	return &refusal{code, fmt.Sprintf(format, args...)}
}

// ConsumerHeartbeat is ConsumerGroupHeartbeat: a member joins, says what it has and what it wants, learns what it is to have, or leaves. The
// answer is a *kmsg.ConsumerGroupHeartbeatResponse.
//
// A heartbeat takes three steps, each of which writes its records: the member's subscription, which may raise the group's epoch; the
// target of all members, when it is of an older epoch; and this member's way to its target (consumerMember.reconcile).
func (m *Machine) ConsumerHeartbeat(to coord.Caller, client Client, req *kmsg.ConsumerGroupHeartbeatRequest, now time.Time) coord.Effects {
	if err := m.checkConsumerHeartbeat(req); err != nil {
		return refuseConsumer(to, err)
	}
	if req.MemberEpoch == epochLeave || req.MemberEpoch == epochLeaveStatic {
		return m.consumerLeave(to, req, now)
	}
	b, err := m.newBeat(client, req, now)
	if err != nil {
		return refuseConsumer(to, err)
	}
	if err := b.enter(); err != nil {
		m.forgetIfNothing(b.g)
		return refuseConsumer(to, err)
	}
	was := b.member
	b.subscribe()
	b.retarget()
	b.reconcile()
	resp := b.response(was)
	e := coord.Effects{Records: b.records, Replies: []coord.Reply{{To: to, Response: resp}}}
	if b.upgrades {
		e.Prompt = m.interrupt(b.g, now)
	}
	fresh := b.schedule()
	if len(b.records) == 0 && !fresh {
		return e // a session was put off, no timer moved to before the one that is set
	}
	e.Refused = func(err *kerr.Error, now time.Time) coord.Effects {
		undone := m.undoConsumer(b.g, to)(err, now)
		undone.Prompt = append(undone.Prompt, e.Prompt...)
		return undone
	}
	return m.after(b.g, e, now)
}

// undoConsumer follows up on records that were refused: timers of members that did not come to be, or did not go.
func (m *Machine) undoConsumer(g *group, to coord.Caller) func(*kerr.Error, time.Time) coord.Effects {
	return func(err *kerr.Error, now time.Time) coord.Effects {
		m.settleSessions(g, now)
		if g.consumer != nil {
			g.consumer.seen = 0 // the topics are to be looked at again
		}
		var e coord.Effects
		if to != nil {
			e = refuseConsumer(to, &refusal{err, err.Description})
		}
		return m.after(g, e, now)
	}
}

func refuseConsumer(to coord.Caller, err *refusal) coord.Effects {
	resp := kmsg.NewPtrConsumerGroupHeartbeatResponse()
	resp.ErrorCode, resp.ErrorMessage = err.code.Code, &err.text
	return coord.Effects{Prompt: []coord.Reply{{To: to, Response: resp}}}
}

// versionMemberID is the version of the heartbeat from which members draw their own ids.
const versionMemberID = 1

func (m *Machine) checkConsumerHeartbeat(req *kmsg.ConsumerGroupHeartbeatRequest) *refusal {
	invalid := func(text string) *refusal { return &refusal{kerr.InvalidRequest, text} }
	blank := func(s *string) bool { return s != nil && strings.TrimSpace(*s) == "" }
	switch {
	case (req.Version >= versionMemberID || req.MemberEpoch != epochJoin) && strings.TrimSpace(req.MemberID) == "":
		return invalid("MemberId can't be empty.")
	case strings.TrimSpace(req.Group) == "":
		return invalid("GroupId can't be empty.")
	case blank(req.InstanceID):
		return invalid("InstanceId can't be empty.")
	case blank(req.RackID):
		return invalid("RackId can't be empty.")
	case req.MemberEpoch == epochLeaveStatic && req.InstanceID == nil:
		return invalid("InstanceId can't be null.")
	case req.MemberEpoch < epochLeaveStatic:
		return invalid("MemberEpoch is invalid.")
	}
	if req.MemberEpoch == epochJoin {
		switch {
		case req.RebalanceTimeoutMillis == -1:
			return invalid("RebalanceTimeoutMs must be provided in first request.")
		case req.Topics == nil || len(req.Topics) > 0:
			return invalid("TopicPartitions must be empty when (re-)joining.")
		case req.Version < 1 && len(req.SubscribedTopicNames) == 0:
			return invalid("SubscribedTopicNames must be set in first request.")
		case req.SubscribedTopicNames == nil && req.SubscribedTopicRegex == nil:
			return invalid("Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.")
		}
	}
	if a := req.ServerAssignor; a != nil && m.assignor(*a) == nil {
		return refusalf(kerr.UnsupportedAssignor, "ServerAssignor %s is not supported. Supported assignors: %s.", *a, strings.Join(m.cfg.Consumer.Assignors, ", "))
	}
	if r := req.SubscribedTopicRegex; r != nil && *r != "" {
		if _, err := regexp.Compile(*r); err != nil {
			return refusalf(kerr.InvalidRegularExpression, "SubscribedTopicRegex `%s` is not a valid regular expression: %s.", *r, reason(err))
		}
	}
	return nil
}

// beat is one heartbeat on its way through the machine: what the group will be once the records are written.
type beat struct {
	m      *Machine
	g      *group
	c      *consumerGroup
	req    *kmsg.ConsumerGroupHeartbeatRequest
	client Client
	now    time.Time
	img    *metadata.Image
	// classic is what the member says of itself in the classic protocol, nil when it uses the newer one. upgrades says that the group was
	// a classic one with members.
	classic  *classicMetadata
	upgrades bool

	records []coord.Record
	id      string
	// member is what the member is as of the records.
	member *consumerMember
	// members and regexes are the group's, with what the records change. Until something changes they are the group's own.
	members map[string]*consumerMember
	regexes map[string]regularExpression
	copied  bool
	target  map[string]assign.Partitions
	// changed says that the member subscribes to something else than before.
	changed                bool
	epoch, assignmentEpoch int32
	hash                   int64
}

// newBeat finds the group. An empty group of another kind gives way.
func (m *Machine) newBeat(client Client, req *kmsg.ConsumerGroupHeartbeatRequest, now time.Time) (*beat, *refusal) {
	joins := req.MemberEpoch == epochJoin
	g := m.groups[req.Group]
	b := &beat{m: m, req: req, client: client, now: now, img: m.cfg.Image(), id: req.MemberID}
	switch {
	case g == nil && !joins:
		return nil, refusalf(kerr.GroupIDNotFound, "Consumer group %s not found.", req.Group)
	case g != nil && g.consumer != nil:
		b.c = g.consumer
	case g != nil && (!joins || g.share != nil):
		return nil, refusalf(kerr.GroupIDNotFound, "Group %s is not a consumer group.", req.Group)
	case g != nil && !g.empty():
		upgraded, err := m.upgraded(g)
		if err != nil {
			return nil, err
		}
		b.c, b.upgrades = upgraded, true
		// The tombstone ends the classic group in memory too, also one of which the log does not know yet.
		b.records = append(append(b.records, groupTombstone(req.Group)), upgraded.records(req.Group)...)
	default:
		if g != nil {
			clear(g.promised) // who was given an id to join with may do so in this group
		}
		if g != nil && g.persisted {
			b.records = append(b.records, groupTombstone(req.Group))
		}
		b.c = newConsumerGroup()
	}
	b.g = m.groupOrNew(req.Group)
	b.members, b.regexes, b.target = b.c.members, b.c.regexes, b.c.target
	b.epoch, b.assignmentEpoch, b.hash = b.c.epoch, b.c.assignmentEpoch, b.c.hash
	if b.id == "" {
		b.id = m.cfg.NewID()
	}
	return b, nil
}

// own makes the beat's view of the group one that may be changed.
func (b *beat) own() {
	if !b.copied {
		b.members, b.regexes, b.target = maps.Clone(b.members), maps.Clone(b.regexes), maps.Clone(b.target)
		b.copied = true
	}
}

func (b *beat) write(records ...coord.Record) {
	b.records = append(b.records, records...)
}

// enter finds the member, or makes it.
func (b *beat) enter() *refusal {
	joins := b.req.MemberEpoch == epochJoin
	known := b.c.members[b.id]
	if known == nil && len(b.c.members) >= b.m.cfg.Consumer.SizeMax {
		return refusalf(kerr.GroupMaxSizeReached, "The consumer group has reached its maximum capacity of %d members.", b.m.cfg.Consumer.SizeMax)
	}
	if b.req.InstanceID != nil {
		return b.enterStatic(joins)
	}
	switch {
	case known == nil && !joins:
		return refusalf(kerr.UnknownMemberID, "Member %s is not a member of group %s.", b.id, b.g.id)
	case known == nil:
		b.member = newConsumerMember(b.id)
		return nil
	}
	b.member = known
	if joins {
		return nil // it lost its answer, or all it knew; or it speaks the classic protocol
	}
	return known.checkEpoch(b.req.MemberEpoch, b.req.Topics)
}

func (b *beat) enterStatic(joins bool) *refusal {
	instance := *b.req.InstanceID
	existing := b.c.members[b.c.static[instance]]
	if b.classic != nil {
		joins = b.req.MemberID == ""
	}
	switch {
	case existing == nil && joins:
		b.member = newConsumerMember(b.id)
		return nil
	case existing == nil:
		return refusalf(kerr.UnknownMemberID, "Instance id %s is unknown.", instance)
	case joins && existing.epoch != epochLeaveStatic && existing.classic == nil && b.classic == nil:
		return refusalf(kerr.UnreleasedInstanceID, "Static member %s with instance id %s cannot join the group because the instance id is owned by %s member.",
			b.id, instance, existing.id)
	case joins:
		b.replaceStatic(existing)
		return nil
	case existing.id != b.id:
		return refusalf(kerr.FencedInstanceID, "Static member %s with instance id %s was fenced by member %s.", b.id, instance, existing.id)
	}
	b.member = existing
	if b.classic != nil {
		return nil
	}
	return existing.checkEpoch(b.req.MemberEpoch, b.req.Topics)
}

// replaceStatic gives the place of a static member that left, with what it had, to its next process.
func (b *beat) replaceStatic(old *consumerMember) {
	next := *old
	next.id, next.epoch, next.previous = b.id, epochJoin, epochJoin
	next.client = b.client
	b.own()
	target := b.target[old.id]
	delete(b.members, old.id)
	delete(b.target, old.id)
	b.members[b.id], b.target[b.id] = &next, target
	b.write(tombstone(key(keyConsumerCurrent, b.g.id, old.id)), tombstone(key(keyConsumerTarget, b.g.id, old.id)), tombstone(key(keyConsumerMember, b.g.id, old.id)))
	b.write(next.record(b.g.id), consumerTargetRecord(b.g.id, b.id, target), next.current(b.g.id))
	b.member = &next
	b.g.forgetSession(old.id)
}

// checkEpoch fences a member that is not where the group has it. The epoch before is let through when the answer that told of the new
// one may have been lost: when the member has nothing that it lost since.
func (m *consumerMember) checkEpoch(epoch int32, owned []kmsg.ConsumerGroupHeartbeatRequestTopic) *refusal {
	switch {
	case epoch > m.epoch:
		return refusalf(kerr.FencedMemberEpoch, "The consumer group member has a greater member epoch (%d) than the one known by the group coordinator (%d). The member must abandon all its partitions and rejoin.", epoch, m.epoch)
	case epoch < m.epoch && (epoch != m.previous || owned == nil || !m.assignedAll(owned)):
		return refusalf(kerr.FencedMemberEpoch, "The consumer group member has a smaller member epoch (%d) than the one known by the group coordinator (%d). The member must abandon all its partitions and rejoin.", epoch, m.epoch)
	}
	return nil
}

func (m *consumerMember) assignedAll(owned []kmsg.ConsumerGroupHeartbeatRequestTopic) bool {
	return !slices.ContainsFunc(owned, func(t kmsg.ConsumerGroupHeartbeatRequestTopic) bool {
		return slices.ContainsFunc(t.Partitions, func(index int32) bool { return !m.assigned.Has(t.TopicID, index) })
	})
}

// reconcile takes the member a step to its target.
func (b *beat) reconcile() {
	if b.member.state == memberStable && b.member.epoch == b.assignmentEpoch && !b.changed {
		return
	}
	to := goal{epoch: b.assignmentEpoch, target: b.target[b.id], changed: b.changed, subscribed: map[metadata.UUID]bool{}, taken: b.taken}
	for _, id := range b.member.topicIDs(b.img, b.regexes) {
		to.subscribed[id] = true
	}
	if b.req.Topics != nil {
		owned := assign.Partitions{}
		for _, t := range b.req.Topics {
			for _, index := range t.Partitions {
				owned.Add(t.TopicID, index)
			}
		}
		to.owned = &owned
	}
	next := b.member.reconcile(to)
	if !next.same(b.member) {
		b.write(next.current(b.g.id))
	}
	b.member = next
}

// taken says whether a partition has an owner, as of the records that are written.
func (b *beat) taken(p partition) bool {
	_, taken := b.c.owners[p]
	return taken
}

// schedule sets the member's timers; it says whether one of them is new.
func (b *beat) schedule() (fresh bool) {
	_, known := b.g.sessions[b.id]
	b.g.heardConsumer(b.id, b.now.Add(b.m.sessionOf(b.g, b.member)))
	pending, revokes := b.g.revocations[b.id]
	switch {
	case b.classic != nil: // it has to ask for what it may use
		b.g.revokeBy(b.id, revocation{b.now.Add(b.member.rebalanceTimeout), b.member.epoch})
		fresh = true
	case b.member.state != memberUnrevoked:
		delete(b.g.revocations, b.id)
	case !revokes || pending.epoch != b.member.epoch:
		b.g.revokeBy(b.id, revocation{b.now.Add(b.member.rebalanceTimeout), b.member.epoch})
		fresh = true
	}
	return fresh || !known
}

func (b *beat) response(was *consumerMember) *kmsg.ConsumerGroupHeartbeatResponse {
	resp := kmsg.NewPtrConsumerGroupHeartbeatResponse()
	resp.MemberID, resp.MemberEpoch = &b.member.id, b.member.epoch
	resp.HeartbeatIntervalMillis = millis(b.interval())
	whole := b.req.RebalanceTimeoutMillis != -1 && (b.req.SubscribedTopicNames != nil || b.req.SubscribedTopicRegex != nil) && b.req.Topics != nil
	if b.req.MemberEpoch == epochJoin || whole || !was.assigned.Equal(b.member.assigned) {
		assignment := kmsg.NewConsumerGroupHeartbeatResponseAssignment()
		assignment.Topics = []kmsg.ConsumerGroupHeartbeatResponseAssignmentTopic{}
		for _, id := range b.member.assigned.Topics() {
			t := kmsg.NewConsumerGroupHeartbeatResponseAssignmentTopic()
			t.TopicID, t.Partitions = id, b.member.assigned[id]
			assignment.Topics = append(assignment.Topics, t)
		}
		resp.Assignment = &assignment
	}
	return resp
}
