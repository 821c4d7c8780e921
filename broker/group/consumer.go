package group

import (
	"cmp"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"odradek/broker/group/assign"
	"odradek/broker/metadata"
)

// TypeConsumer is how the kind of these groups is named in a list of groups.
const TypeConsumer = "consumer"

// The states of a consumer group beside Empty and Stable.
const (
	Assigning   State = "Assigning"   // the target assignment is older than the group
	Reconciling State = "Reconciling" // some member is on its way to the target assignment
)

// The member epochs that a heartbeat may name beside a member's own.
const (
	epochJoin        int32 = 0
	epochLeave       int32 = -1
	epochLeaveStatic int32 = -2 // a static member goes and will be back: its partitions stay its own
)

// firstEpoch is the epoch of a group that nobody has joined yet: its first member's is the next.
const firstEpoch int32 = 1

// memberState says how far a member is on its way to its target. The numbers are those of the records.
type memberState int8

const (
	memberStable     memberState = 0
	memberUnrevoked  memberState = 1 // it has partitions to give up, and has not confirmed yet that it did
	memberUnreleased memberState = 2 // some of its partitions are still with others
)

// partition names one partition.
type partition struct {
	topic metadata.UUID
	index int32
}

// consumerMember is a member of a consumer group. It is never changed: another takes its place.
type consumerMember struct {
	id               string
	instance         *string
	rack             *string
	client           Client
	topics           []string // sorted
	regex            string   // "" when there is none
	rebalanceTimeout time.Duration
	assignor         *string
	// classic is what the member said of itself in the classic protocol, nil when it uses this one.
	classic *classicMetadata

	// epoch is the one whose assignment the member is at; previous the one before, which it may still believe in when an answer was lost.
	epoch, previous int32
	state           memberState
	// assigned is what the member may use, revoking what it has yet to give up. Invariant: disjoint, and disjoint from those of all others.
	assigned, revoking assign.Partitions
	// since is the epoch in which each partition of both was assigned: who commits in an older one is a zombie (KIP-1251).
	since map[partition]int32
}

// classicMetadata is what a member of the classic protocol says when it joins.
type classicMetadata struct {
	sessionTimeout time.Duration
	protocols      []protocol
}

// consumerGroup is a group under KIP-848. All but the last two fields is what the records say.
type consumerGroup struct {
	// epoch rises whenever a member, a subscription or a topic changes; hash is of the topics then.
	epoch int32
	hash  int64
	// target is what each member is to have, made for assignmentEpoch at assignedMs.
	target          map[string]assign.Partitions
	assignmentEpoch int32
	assignedMs      int64
	members         map[string]*consumerMember
	static          map[string]string            // member ids by instance
	owners          map[partition]string         // who has a partition, or has yet to give it up
	regexes         map[string]regularExpression // of the members

	// seen is the state of the topics that the group was held against last (Machine.topicsVersion).
	seen uint64
}

// regularExpression is one that members subscribe by, with the topics that it stood for when it was looked at.
type regularExpression struct {
	topics  []string // sorted
	version int64    // of the metadata
	atMs    int64
}

func newConsumerGroup() *consumerGroup {
	return &consumerGroup{
		epoch: firstEpoch, target: map[string]assign.Partitions{}, members: map[string]*consumerMember{}, static: map[string]string{},
		owners: map[partition]string{}, regexes: map[string]regularExpression{},
	}
}

func newConsumerMember(id string) *consumerMember {
	return &consumerMember{id: id, assigned: assign.Partitions{}, revoking: assign.Partitions{}, since: map[partition]int32{}}
}

// state is the group's by Kafka's names.
func (c *consumerGroup) state() State {
	switch {
	case len(c.members) == 0:
		return Empty
	case c.epoch > c.assignmentEpoch:
		return Assigning
	}
	for _, m := range c.members {
		if m.state != memberStable || m.epoch != c.assignmentEpoch {
			return Reconciling
		}
	}
	return Stable
}

// put makes m a member, in the place of the one of the same id.
func (c *consumerGroup) put(m *consumerMember) {
	c.disown(c.members[m.id])
	c.members[m.id] = m
	if m.instance != nil {
		c.static[*m.instance] = m.id
	}
	for _, set := range []assign.Partitions{m.assigned, m.revoking} {
		for topic, list := range set {
			for _, index := range list {
				c.owners[partition{topic, index}] = m.id
			}
		}
	}
}

func (c *consumerGroup) remove(id string) {
	m := c.members[id]
	if m == nil {
		return
	}
	c.disown(m)
	if m.instance != nil && c.static[*m.instance] == id {
		delete(c.static, *m.instance)
	}
	delete(c.members, id)
}

func (c *consumerGroup) disown(m *consumerMember) {
	if m == nil {
		return
	}
	for _, set := range []assign.Partitions{m.assigned, m.revoking} {
		for topic, list := range set {
			for _, index := range list {
				if p := (partition{topic, index}); c.owners[p] == m.id {
					delete(c.owners, p)
				}
			}
		}
	}
}

// subscribes says whether some member subscribes to a topic.
func (c *consumerGroup) subscribes(topic string) bool {
	for _, m := range c.members {
		if m.subscribes(topic, c.regexes) {
			return true
		}
	}
	return false
}

func (m *consumerMember) subscribes(topic string, regexes map[string]regularExpression) bool {
	_, named := slices.BinarySearch(m.topics, topic)
	_, matched := slices.BinarySearch(regexes[m.regex].topics, topic)
	return named || m.regex != "" && matched
}

// topicIDs are the topics that a member subscribes to, of those that exist, in order.
func (m *consumerMember) topicIDs(img *metadata.Image, regexes map[string]regularExpression) []metadata.UUID {
	var ids []metadata.UUID
	add := func(names []string) {
		for _, name := range names {
			if topic := img.Topics[name]; topic != nil {
				ids = append(ids, topic.ID)
			}
		}
	}
	add(m.topics)
	if m.regex != "" {
		add(regexes[m.regex].topics)
	}
	slices.SortFunc(ids, assign.CompareTopics)
	return slices.Compact(ids)
}

// sortedMembers are the members in the order of their ids.
func sortedMembers(members map[string]*consumerMember) []*consumerMember {
	return slices.SortedFunc(maps.Values(members), func(a, b *consumerMember) int { return cmp.Compare(a.id, b.id) })
}

// subscribedTopics are the topics that some member subscribes to, of those that exist, in order.
func subscribedTopics(img *metadata.Image, members map[string]*consumerMember, regexes map[string]regularExpression) []assign.Topic {
	ids := map[metadata.UUID]bool{}
	for _, m := range members {
		for _, id := range m.topicIDs(img, regexes) {
			ids[id] = true
		}
	}
	topics := make([]assign.Topic, 0, len(ids))
	for id := range ids {
		topics = append(topics, assign.Topic{ID: id, Partitions: len(img.TopicsByID[id].Partitions)})
	}
	slices.SortFunc(topics, func(a, b assign.Topic) int { return assign.CompareTopics(a.ID, b.ID) })
	return topics
}

// hashTopics tells sets of topics and their sizes apart; none is 0.
func hashTopics(topics []assign.Topic) int64 {
	if len(topics) == 0 {
		return 0
	}
	h := fnv.New64a()
	for _, t := range topics {
		h.Write(t.ID[:])
		h.Write([]byte{byte(t.Partitions >> 24), byte(t.Partitions >> 16), byte(t.Partitions >> 8), byte(t.Partitions)})
	}
	return int64(h.Sum64())
}
