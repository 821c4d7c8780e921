package group

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group/assign"
	"odradek/broker/metadata"
)

// TypeShare is how the kind of share groups is named in a list of groups, and their protocol.
const TypeShare = "share"

// AssignorSimple is the assignor of share groups.
const AssignorSimple = "simple"

// ShareConfig says what holds for share groups.
type ShareConfig struct {
	SizeMax int // group.share.max.size
	// Times are those of one group: its own, or the broker's.
	Times func(group string) ConsumerTimes
}

// shareMember is a member of a share group. It is never changed: another takes its place. Nothing has to be given up before another may
// have it, so that a member is at its target with its next heartbeat.
type shareMember struct {
	id              string
	rack            *string
	client          Client
	topics          []string // sorted
	epoch, previous int32
	assigned        assign.Partitions
}

// shareGroup is a group under KIP-932. All but the last field is what the records say.
type shareGroup struct {
	epoch           int32
	hash            int64
	target          map[string]assign.Partitions
	assignmentEpoch int32
	assignedMs      int64
	members         map[string]*shareMember
	// begun are the topics with the partitions that members ever had to do with: the share coordinator may know of them.
	begun map[metadata.UUID]begunTopic

	// seen is the state of the topics that the group was held against last (Machine.topicsVersion).
	seen uint64
}

type begunTopic struct {
	name       string
	partitions []int32
}

func newShareGroup() *shareGroup {
	return &shareGroup{
		epoch: firstEpoch, target: map[string]assign.Partitions{}, members: map[string]*shareMember{}, begun: map[metadata.UUID]begunTopic{},
	}
}

func (s *shareGroup) state() State {
	if len(s.members) == 0 {
		return Empty
	}
	return Stable
}

func sortedShareMembers(members map[string]*shareMember) []*shareMember {
	return slices.SortedFunc(maps.Values(members), func(a, b *shareMember) int { return cmp.Compare(a.id, b.id) })
}

// shareOf is the share group of an id, nil when there is none.
func (m *Machine) shareOf(id string) *shareGroup {
	if g := m.groups[id]; g != nil {
		return g.share
	}
	return nil
}

// shareBeat is one heartbeat on its way through the machine.
type shareBeat struct {
	m       *Machine
	g       *group
	s       *shareGroup
	img     *metadata.Image
	now     time.Time
	records []coord.Record

	member          *shareMember
	members         map[string]*shareMember // with the member as it will be
	epoch           int32
	assignmentEpoch int32
	target          assign.Partitions
}

// ShareHeartbeat is ShareGroupHeartbeat: a member joins, subscribes, learns what it is to have, or leaves. The answer is a
// *kmsg.ShareGroupHeartbeatResponse.
func (m *Machine) ShareHeartbeat(to coord.Caller, client Client, req *kmsg.ShareGroupHeartbeatRequest, now time.Time) coord.Effects {
	if err := checkShareHeartbeat(req); err != nil {
		return refuseShare(to, err)
	}
	if req.MemberEpoch == epochLeave {
		return m.shareLeave(to, req, now)
	}
	b, err := m.newShareBeat(req, now)
	if err == nil {
		err = b.enter(req)
	}
	if err != nil {
		if b != nil {
			m.forgetIfNothing(b.g)
		}
		return refuseShare(to, err)
	}
	was := b.member
	b.subscribe(client, req)
	b.retarget()
	b.reconcile()
	resp := kmsg.NewPtrShareGroupHeartbeatResponse()
	resp.MemberID, resp.MemberEpoch = &b.member.id, b.member.epoch
	resp.HeartbeatIntervalMillis = millis(m.cfg.Share.Times(b.g.id).HeartbeatInterval)
	if req.MemberEpoch == epochJoin || req.SubscribedTopicNames != nil || !was.assigned.Equal(b.member.assigned) {
		resp.Assignment = shareAssignment(b.member.assigned)
	}
	e := coord.Effects{Records: b.records, Replies: []coord.Reply{{To: to, Response: resp}}}
	_, known := b.g.sessions[b.member.id]
	b.g.heardConsumer(b.member.id, now.Add(m.cfg.Share.Times(b.g.id).SessionTimeout))
	if len(b.records) == 0 && known {
		return e
	}
	e.Refused = m.undoShare(b.g, to)
	return m.after(b.g, e, now)
}

func shareAssignment(p assign.Partitions) *kmsg.ShareGroupHeartbeatResponseAssignment {
	assignment := kmsg.NewShareGroupHeartbeatResponseAssignment()
	assignment.TopicPartitions = []kmsg.ShareGroupHeartbeatResponseAssignmentTopicPartition{}
	for _, id := range p.Topics() {
		t := kmsg.NewShareGroupHeartbeatResponseAssignmentTopicPartition()
		t.TopicID, t.Partitions = id, p[id]
		assignment.TopicPartitions = append(assignment.TopicPartitions, t)
	}
	return &assignment
}

func refuseShare(to coord.Caller, err *refusal) coord.Effects {
	resp := kmsg.NewPtrShareGroupHeartbeatResponse()
	resp.ErrorCode, resp.ErrorMessage = err.code.Code, &err.text
	return coord.Effects{Prompt: []coord.Reply{{To: to, Response: resp}}}
}

func (m *Machine) undoShare(g *group, to coord.Caller) func(*kerr.Error, time.Time) coord.Effects {
	return func(err *kerr.Error, now time.Time) coord.Effects {
		m.settleSessions(g, now)
		if g.share != nil {
			g.share.seen = 0
		}
		var e coord.Effects
		if to != nil {
			e = refuseShare(to, &refusal{err, err.Description})
		}
		return m.after(g, e, now)
	}
}

func checkShareHeartbeat(req *kmsg.ShareGroupHeartbeatRequest) *refusal {
	invalid := func(text string) *refusal { return &refusal{kerr.InvalidRequest, text} }
	switch {
	case strings.TrimSpace(req.MemberID) == "":
		return invalid("MemberId can't be empty.")
	case strings.TrimSpace(req.GroupID) == "":
		return invalid("GroupId can't be empty.")
	case req.RackID != nil && strings.TrimSpace(*req.RackID) == "":
		return invalid("RackId can't be empty.")
	case req.MemberEpoch == epochJoin && len(req.SubscribedTopicNames) == 0:
		return invalid("SubscribedTopicNames must be set in first request.")
	case req.MemberEpoch < epochLeave:
		return invalid("MemberEpoch is invalid.")
	}
	return nil
}

func (m *Machine) newShareBeat(req *kmsg.ShareGroupHeartbeatRequest, now time.Time) (*shareBeat, *refusal) {
	joins := req.MemberEpoch == epochJoin
	g := m.groups[req.GroupID]
	b := &shareBeat{m: m, img: m.cfg.Image(), now: now}
	switch {
	case g == nil && !joins:
		return nil, refusalf(kerr.GroupIDNotFound, "Share group %s not found.", req.GroupID)
	case g != nil && g.share != nil:
		b.s = g.share
	case g != nil:
		return nil, refusalf(kerr.GroupIDNotFound, "Group %s is not a share group.", req.GroupID)
	default:
		b.s = newShareGroup()
	}
	b.g = m.groupOrNew(req.GroupID)
	b.members, b.epoch, b.assignmentEpoch = b.s.members, b.s.epoch, b.s.assignmentEpoch
	return b, nil
}

func (b *shareBeat) enter(req *kmsg.ShareGroupHeartbeatRequest) *refusal {
	joins := req.MemberEpoch == epochJoin
	known := b.s.members[req.MemberID]
	switch {
	case known == nil && len(b.s.members) >= b.m.cfg.Share.SizeMax:
		return refusalf(kerr.GroupMaxSizeReached, "The share group has reached its maximum capacity of %d members.", b.m.cfg.Share.SizeMax)
	case known == nil && !joins:
		return refusalf(kerr.UnknownMemberID, "Member %s is not a member of group %s.", req.MemberID, b.g.id)
	case known == nil:
		b.member = &shareMember{id: req.MemberID, assigned: assign.Partitions{}}
		return nil
	}
	b.member = known
	switch {
	case joins:
		return nil
	case req.MemberEpoch > known.epoch:
		return refusalf(kerr.FencedMemberEpoch, "The share group member has a greater member epoch (%d) than the one known by the group coordinator (%d). The member must abandon all its partitions and rejoin.", req.MemberEpoch, known.epoch)
	case req.MemberEpoch < known.epoch && req.MemberEpoch != known.previous:
		return refusalf(kerr.FencedMemberEpoch, "The share group member has a smaller member epoch (%d) than the one known by the group coordinator (%d). The member must abandon all its partitions and rejoin.", req.MemberEpoch, known.epoch)
	}
	return nil
}

// subscribe takes over what the member says of itself, and raises the group's epoch if somebody's topics are others now.
func (b *shareBeat) subscribe(client Client, req *kmsg.ShareGroupHeartbeatRequest) {
	next := *b.member
	next.client = client
	if req.RackID != nil {
		next.rack = req.RackID
	}
	if req.SubscribedTopicNames != nil {
		next.topics = slices.Clone(req.SubscribedTopicNames)
		slices.Sort(next.topics)
		next.topics = slices.Compact(next.topics)
	}
	before, changed := b.member, !slices.Equal(next.topics, b.member.topics)
	_, there := b.members[next.id]
	sameRack := next.rack == before.rack || next.rack != nil && before.rack != nil && *next.rack == *before.rack
	if !there || changed || !sameRack || next.client != before.client {
		b.members = maps.Clone(b.members)
		b.members[next.id], b.member = &next, &next
		b.records = append(b.records, next.record(b.g.id))
	}
	if !changed && b.s.seen == b.m.topicsVersion {
		return
	}
	b.s.seen = b.m.topicsVersion
	topics := shareTopics(b.img, b.members)
	if hash := hashTopics(topics); changed || hash != b.s.hash {
		b.epoch++
		b.records = append(b.records, shareGroupRecord(b.g.id, b.epoch, hash))
	}
	b.begin(topics)
}

// begin notes topics that the group has to do with from now on.
func (b *shareBeat) begin(topics []assign.Topic) {
	begun, more := maps.Clone(b.s.begun), false
	for _, topic := range topics {
		known := begun[topic.ID]
		for p := len(known.partitions); p < topic.Partitions; p++ {
			known.partitions, more = append(slices.Clip(known.partitions), int32(p)), true
		}
		known.name = b.img.TopicsByID[topic.ID].Name
		begun[topic.ID] = known
	}
	if more {
		b.records = append(b.records, begunRecord(b.g.id, begun))
	}
}

// shareTopics are the topics that members subscribe to, of those that exist.
func shareTopics(img *metadata.Image, members map[string]*shareMember) []assign.Topic {
	all := make(map[string]*consumerMember, len(members))
	for id, m := range members {
		all[id] = &consumerMember{topics: m.topics}
	}
	return subscribedTopics(img, all, nil)
}

// retarget makes the targets of all members, if they are of an older epoch, though not more often than the group's interval allows.
func (b *shareBeat) retarget() {
	b.target = b.s.target[b.member.id]
	interval := b.m.cfg.Share.Times(b.g.id).AssignmentInterval
	if b.epoch <= b.assignmentEpoch || b.assignmentEpoch > 0 && tooSoon(b.now, b.s.assignedMs, interval) {
		return
	}
	ordered := sortedShareMembers(b.members)
	members := make([]assign.Member, len(ordered))
	for i, m := range ordered {
		members[i] = assign.Member{ID: m.id, Topics: (&consumerMember{topics: m.topics}).topicIDs(b.img, nil), Owned: b.s.target[m.id]}
	}
	for i, target := range assign.Simple(members, shareTopics(b.img, b.members)) {
		if before, had := b.s.target[ordered[i].id]; !had || !before.Equal(target) {
			b.records = append(b.records, shareTargetRecord(b.g.id, ordered[i].id, target))
		}
		if ordered[i].id == b.member.id {
			b.target = target
		}
	}
	b.assignmentEpoch = b.epoch
	b.records = append(b.records, shareTargetEpochRecord(b.g.id, b.epoch, b.now.UnixMilli()))
}

// reconcile gives the member its target.
func (b *shareBeat) reconcile() {
	if b.member.epoch == b.assignmentEpoch {
		return
	}
	next := *b.member
	next.previous, next.epoch, next.assigned = b.member.epoch, b.assignmentEpoch, b.target
	if next.assigned == nil {
		next.assigned = assign.Partitions{}
	}
	b.member = &next
	b.records = append(b.records, next.current(b.g.id))
}

func (m *Machine) shareLeave(to coord.Caller, req *kmsg.ShareGroupHeartbeatRequest, now time.Time) coord.Effects {
	s := m.shareOf(req.GroupID)
	switch {
	case m.groups[req.GroupID] == nil:
		return refuseShare(to, refusalf(kerr.GroupIDNotFound, "Group %s not found.", req.GroupID))
	case s == nil:
		return refuseShare(to, refusalf(kerr.GroupIDNotFound, "Group %s is not a share group.", req.GroupID))
	case s.members[req.MemberID] == nil:
		return refuseShare(to, refusalf(kerr.UnknownMemberID, "Member %s is not a member of group %s.", req.MemberID, req.GroupID))
	}
	g := m.groups[req.GroupID]
	resp := kmsg.NewPtrShareGroupHeartbeatResponse()
	resp.MemberID, resp.MemberEpoch = &req.MemberID, req.MemberEpoch
	e := coord.Effects{Records: m.fenceShare(g, s.members[req.MemberID]), Replies: []coord.Reply{{To: to, Response: resp}}, Refused: m.undoShare(g, to)}
	return m.after(g, e, now)
}

// fenceShare are the records that take members out.
func (m *Machine) fenceShare(g *group, leaving ...*shareMember) (records []coord.Record) {
	members := maps.Clone(g.share.members)
	for _, each := range leaving {
		g.forgetSession(each.id)
		delete(members, each.id)
		for _, kind := range []int16{keyShareCurrent, keyShareTarget, keyShareMember} {
			records = append(records, tombstone(key(kind, g.id, each.id)))
		}
	}
	return append(records, shareGroupRecord(g.id, g.share.epoch+1, hashTopics(shareTopics(m.cfg.Image(), members))))
}

// tickShare takes out the members of which nothing was heard.
func (m *Machine) tickShare(g *group, now time.Time) coord.Effects {
	var gone []*shareMember
	for _, id := range sortedKeys(g.sessions) {
		if g.sessions[id].After(now) {
			continue
		}
		if each := g.share.members[id]; each != nil {
			gone = append(gone, each)
		} else {
			g.forgetSession(id)
		}
	}
	if len(gone) == 0 {
		return coord.Effects{}
	}
	return coord.Effects{Records: m.fenceShare(g, gone...), Refused: m.undoShare(g, nil)}
}

// DescribeShare is ShareGroupDescribe of one group; the answer is a kmsg.ShareGroupDescribeResponseGroup.
func (m *Machine) DescribeShare(to coord.Caller, id string) coord.Effects {
	resp := kmsg.NewShareGroupDescribeResponseGroup()
	resp.GroupID = id
	s := m.shareOf(id)
	if s == nil {
		message := "Group " + id + " not found."
		if m.groups[id] != nil {
			message = "Group " + id + " is not a share group."
		}
		resp.ErrorCode, resp.ErrorMessage = kerr.GroupIDNotFound.Code, &message
		return coord.Effects{Replies: []coord.Reply{{To: to, Response: resp}}}
	}
	resp.GroupState, resp.GroupEpoch, resp.AssignmentEpoch, resp.Assignor = string(s.state()), s.epoch, s.assignmentEpoch, AssignorSimple
	for _, each := range sortedShareMembers(s.members) {
		one := kmsg.NewShareGroupDescribeResponseGroupMember()
		one.MemberID, one.RackID, one.MemberEpoch = each.id, each.rack, each.epoch
		one.ClientID, one.ClientHost, one.SubscribedTopicNames = each.client.ID, each.client.Host, each.topics
		for _, part := range describedAssignment(m.cfg.Image(), each.assigned).TopicPartitions {
			t := kmsg.NewShareGroupDescribeResponseGroupMemberAssignmentTopicPartition()
			t.TopicID, t.Topic, t.Partitions = part.TopicID, part.Topic, part.Partitions
			one.Assignment.TopicPartitions = append(one.Assignment.TopicPartitions, t)
		}
		resp.Members = append(resp.Members, one)
	}
	return coord.Effects{Replies: []coord.Reply{{To: to, Response: resp}}}
}

// IsShare says whether there is a share group of that id.
func (m *Machine) IsShare(id string) bool { return m.shareOf(id) != nil }

// ShareTopics are the share-partitions of a group, by topic: the answer to ShareState.
type ShareTopics struct {
	// Err is why there is no answer, nil when there is.
	Err     *kerr.Error
	Message string
	Missing bool // there is no group of that id, of no kind
	Empty   bool // the group has no members
	Topics  map[metadata.UUID]ShareTopic
}

// ShareTopic is a topic of a share group.
type ShareTopic struct {
	Name       string
	Partitions []int32
}

// ShareState tells of what share-partitions of a group the share coordinator may know. The answer is a ShareTopics.
func (m *Machine) ShareState(to coord.Caller, id string) coord.Effects {
	answer := ShareTopics{Topics: map[metadata.UUID]ShareTopic{}}
	switch s := m.shareOf(id); {
	case m.groups[id] == nil:
		answer.Err, answer.Message, answer.Missing = kerr.GroupIDNotFound, "Group "+id+" not found.", true
	case s == nil:
		answer.Err, answer.Message = kerr.GroupIDNotFound, "Group "+id+" is not a share group."
	default:
		answer.Empty = len(s.members) == 0
		for topic, begun := range s.begun {
			answer.Topics[topic] = ShareTopic{begun.name, begun.partitions}
		}
	}
	return coord.Effects{Replies: []coord.Reply{{To: to, Response: answer}}}
}

// ForgetShareTopics notes that the share coordinator was made to forget a group's topics. The answer is a ShareTopics.
func (m *Machine) ForgetShareTopics(to coord.Caller, id string, topics []metadata.UUID) coord.Effects {
	e := coord.Effects{Replies: []coord.Reply{{To: to, Response: ShareTopics{}}}}
	if s := m.shareOf(id); s != nil {
		begun := maps.Clone(s.begun)
		for _, topic := range topics {
			delete(begun, topic)
		}
		s.seen = 0
		e.Records = []coord.Record{begunRecord(id, begun)}
	}
	return e
}

// BeginShareTopic notes that the share coordinator may come to know of a topic, for a group without members: one that is not there yet begins
// so. The answer is a ShareTopics.
func (m *Machine) BeginShareTopic(to coord.Caller, id string, topic metadata.UUID) coord.Effects {
	answer := ShareTopics{}
	g, known := m.groups[id], m.cfg.Image().TopicsByID[topic]
	b := &shareBeat{m: m, g: g, s: m.shareOf(id), img: m.cfg.Image()}
	switch {
	case g == nil:
		b.g, b.s = newGroup(id), newShareGroup()
		// Its assignment, of nobody, is as old as can be, so that the first member's does not wait for the interval between two.
		b.records = []coord.Record{shareGroupRecord(id, b.s.epoch, b.s.hash), shareTargetEpochRecord(id, b.s.epoch, 0)}
	case b.s == nil:
		answer.Err = kerr.GroupIDNotFound
	case len(b.s.members) > 0:
		answer.Err = kerr.NonEmptyGroup
	}
	if known == nil {
		answer.Err = kerr.UnknownTopicOrPartition
	}
	e := coord.Effects{Replies: []coord.Reply{{To: to, Response: answer}}}
	if answer.Err == nil {
		b.begin([]assign.Topic{{ID: topic, Partitions: len(known.Partitions)}})
		e.Records = b.records
	}
	return e
}
