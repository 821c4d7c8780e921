package group

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"time"

	"odradek/broker/coord"
	"odradek/broker/group/assign"
	"odradek/broker/metadata"
)

// subscribe takes over what the member says of itself, and raises the group's epoch if somebody's topics are others now.
func (b *beat) subscribe() {
	next := *b.member
	next.update(b)
	changed := !slices.Equal(next.topics, b.member.topics) || next.regex != b.member.regex
	_, there := b.members[b.id]
	if !there || !next.describedAs(b.member) {
		b.write(next.record(b.g.id))
		b.own()
		b.members[b.id] = &next
		b.changed = there && changed
		b.member = &next
	}
	b.refreshRegexes(changed && next.regex != "")
	if !changed && b.c.seen == b.m.topicsVersion {
		return
	}
	b.c.seen = b.m.topicsVersion
	hash := hashTopics(subscribedTopics(b.img, b.members, b.regexes))
	if changed || hash != b.hash {
		b.epoch++
		b.hash = hash
		b.write(consumerGroupRecord(b.g.id, b.epoch, hash))
	}
}

// update takes over what a heartbeat says; what it leaves out stays as it was.
func (m *consumerMember) update(b *beat) {
	req := b.req
	m.client, m.classic = b.client, b.classic
	if req.InstanceID != nil {
		m.instance = req.InstanceID
	}
	if req.RackID != nil {
		m.rack = req.RackID
	}
	if req.RebalanceTimeoutMillis != -1 {
		m.rebalanceTimeout = duration(req.RebalanceTimeoutMillis)
	}
	if req.ServerAssignor != nil {
		m.assignor = req.ServerAssignor
	}
	if req.SubscribedTopicNames != nil {
		m.topics = sortedTopics(req.SubscribedTopicNames)
	}
	if req.SubscribedTopicRegex != nil {
		m.regex = *req.SubscribedTopicRegex
	}
}

// sortedTopics are names in order, each once.
func sortedTopics(names []string) []string {
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// describedAs says whether nothing of what a member's own record says is different.
func (m *consumerMember) describedAs(other *consumerMember) bool {
	same := func(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }
	return same(m.instance, other.instance) && same(m.rack, other.rack) && m.client == other.client &&
		slices.Equal(m.topics, other.topics) && m.regex == other.regex && m.rebalanceTimeout == other.rebalanceTimeout &&
		same(m.assignor, other.assignor) && m.classic.equal(other.classic)
}

// refreshRegexes looks at what the members' regular expressions stand for: at one that is new, and at all when there are other topics than
// before. Those that nobody uses are forgotten.
//
// Kafka does this beside the heartbeats, which are answered without it, because its expressions may be costly. RE2's are linear in the
// length of a topic's name, and so it is done here: a member that subscribes learns its partitions from the first answer.
func (b *beat) refreshRegexes(mine bool) {
	if b.c.seen != b.m.topicsVersion {
		for _, expression := range sortedKeys(b.regexes) {
			b.resolve(expression)
		}
	}
	if _, known := b.regexes[b.member.regex]; mine && !known {
		b.resolve(b.member.regex)
	}
	b.write(b.dropRegexes()...)
}

func (b *beat) resolve(expression string) {
	r := regularExpression{topics: matching(b.img, expression), version: int64(b.img.Version), atMs: b.now.UnixMilli()}
	if before, known := b.regexes[expression]; known && slices.Equal(before.topics, r.topics) {
		return
	}
	b.own()
	b.regexes[expression] = r
	b.write(consumerRegexRecord(b.g.id, expression, r))
}

// dropRegexes forgets the expressions that no member uses.
func (b *beat) dropRegexes() (graves []coord.Record) {
	if len(b.regexes) == 0 {
		return nil
	}
	used := map[string]bool{}
	for _, m := range b.members {
		used[m.regex] = true
	}
	for _, expression := range sortedKeys(b.regexes) {
		if !used[expression] {
			b.own()
			delete(b.regexes, expression)
			graves = append(graves, tombstone(key(keyConsumerRegex, b.g.id, expression)))
		}
	}
	return graves
}

// matching are the names of the topics that an expression matches as a whole, in order.
func matching(img *metadata.Image, expression string) []string {
	re, err := regexp.Compile("^(?:" + expression + ")$")
	if err != nil {
		return nil // it was checked when it came
	}
	var names []string
	for name := range img.Topics {
		if re.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// reason is what is wrong with an expression, in RE2's words.
func reason(err error) string {
	if e, ok := err.(*syntax.Error); ok {
		return e.Code.String()
	}
	return err.Error()
}

// retarget makes the targets of all members, if they are of an older epoch; but not more often than the group's interval allows, so that
// members that come one after the other don't move everybody's partitions each (KIP-1263).
func (b *beat) retarget() {
	if b.epoch <= b.c.assignmentEpoch {
		return
	}
	interval := b.m.cfg.Consumer.Times(b.g.id).AssignmentInterval
	if b.c.assignmentEpoch > 0 && tooSoon(b.now, b.c.assignedMs, interval) {
		return
	}
	topics := subscribedTopics(b.img, b.members, b.regexes)
	ordered := sortedMembers(b.members)
	members := make([]assign.Member, len(ordered))
	for i, m := range ordered {
		members[i] = assign.Member{ID: m.id, Topics: m.topicIDs(b.img, b.regexes), Owned: b.target[m.id]}
		if m.instance != nil {
			members[i].Instance = *m.instance
		}
	}
	b.own()
	for i, target := range b.m.assignor(b.m.preferredAssignor(b.members))(members, topics) {
		if before, had := b.target[ordered[i].id]; !had || !before.Equal(target) {
			b.target[ordered[i].id] = target
			b.write(consumerTargetRecord(b.g.id, ordered[i].id, target))
		}
	}
	b.assignmentEpoch = b.epoch
	b.write(consumerTargetEpochRecord(b.g.id, b.epoch, b.now.UnixMilli()))
}

// tooSoon says that less than the interval has passed since lastMs. A last time that is to come was told by a clock that was ahead then,
// and says nothing.
func tooSoon(now time.Time, lastMs int64, interval time.Duration) bool {
	passed := now.Sub(time.UnixMilli(lastMs))
	return passed >= 0 && passed < interval
}

// assignor finds a server-side assignor by its name, nil when there is none that may be used.
func (m *Machine) assignor(name string) assign.Assignor {
	if !slices.Contains(m.cfg.Consumer.Assignors, name) {
		return nil
	}
	switch name {
	case AssignorUniform:
		return assign.Uniform
	case AssignorRange:
		return assign.Range
	}
	return nil
}

// The server-side assignors of consumer groups.
const (
	AssignorUniform = "uniform"
	AssignorRange   = "range"
)

// preferredAssignor is the one that most members ask for, the first of the configuration when none does.
func (m *Machine) preferredAssignor(members map[string]*consumerMember) string {
	votes := map[string]int{}
	for _, each := range members {
		if each.assignor != nil {
			votes[*each.assignor]++
		}
	}
	best := m.cfg.Consumer.Assignors[0]
	for _, name := range m.cfg.Consumer.Assignors {
		if votes[name] > votes[best] {
			best = name
		}
	}
	return best
}
