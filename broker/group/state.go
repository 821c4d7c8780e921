package group

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
)

// State is a classic group's, by Kafka's names.
type State string

// The states of a group. A group that is deleted is gone: Dead is what a description says of groups that are not there.
const (
	Empty               State = "Empty"
	PreparingRebalance  State = "PreparingRebalance"
	CompletingRebalance State = "CompletingRebalance"
	Stable              State = "Stable"
	Dead                State = "Dead"
)

// TypeClassic is how the kind of these groups is named in a list of groups.
const TypeClassic = "classic"

// consumerProtocol is the protocol type of consumers, whose subscriptions the broker can read.
const consumerProtocol = "consumer"

// Client is who sent a request, as descriptions of groups tell it.
type Client struct{ ID, Host string }

// protocol is one way of assigning partitions that a member offers, with its subscription.
type protocol struct {
	name     string
	metadata []byte
}

// member is a member of a classic group.
type member struct {
	id               string
	instance         *string // of a static member (KIP-345)
	client           Client
	rebalanceTimeout time.Duration
	sessionTimeout   time.Duration
	protocols        []protocol // in the order of preference
	assignment       []byte

	// isNew says that the member has not been told its first generation yet: it can't send heartbeats.
	isNew bool
	// joining and syncing are the requests that wait, nil when none does.
	joining, syncing coord.Caller
	// expires is when the member is gone unless it is heard of, zero for never. A member whose request waits does not expire,
	// unless it is new.
	expires time.Time
}

// group is a classic group, a consumer group, a share group, or the committed offsets of consumers that manage themselves.
type group struct {
	id    string
	state State
	// protocolType is "" until the first member joined: a "simple" group.
	protocolType string
	generation   int32
	protocol     *string // chosen for this generation
	// leader is the id of the member that assigns.
	// Invariant: a member's, or "" when there are none.
	leader string
	// members in the order in which they came. Invariant: empty in Empty, not empty in CompletingRebalance and Stable.
	members []*member
	static  map[string]string // member ids by instance id
	// promised are the ids that were given out and not yet used to join, and when they lapse (KIP-394).
	promised map[string]time.Time
	// unsynced are the members that have not asked for this generation's assignment yet.
	unsynced map[string]bool
	// subscribed are the topics of all members, nil when that is not known.
	subscribed map[string]bool

	// joinEnds is when the join phase ends though members are missing, syncEnds when members are removed that have not asked
	// for their assignment; zero when there is no such limit.
	joinEnds, syncEnds time.Time
	// initial says that the join phase is that of a group that was empty: it is held open for more members to come, for
	// initialLeft at most after joinEnds, as long as members come (memberCame).
	initial     bool
	initialLeft time.Duration
	memberCame  bool

	// stateSinceMs is when the state was entered, -1 when unknown.
	stateSinceMs int64
	// persisted says that there is a record of the group itself.
	persisted bool
	offsets   map[string]map[int32]offset

	// consumer is what the group is under KIP-848, nil for a classic one. What follows is not in the log: until when each member is to be
	// heard of, and by when it has to have given up what it lost.
	consumer    *consumerGroup
	share       *shareGroup // under KIP-932
	sessions    map[string]time.Time
	revocations map[string]revocation

	// wakes is the earliest timer set for the group, zero when there is none.
	wakes time.Time
}

func newGroup(id string) *group {
	return &group{
		id: id, state: Empty, stateSinceMs: -1, static: map[string]string{}, promised: map[string]time.Time{},
		unsynced: map[string]bool{}, offsets: map[string]map[int32]offset{},
	}
}

func (g *group) enter(s State, now time.Time) {
	g.state, g.stateSinceMs = s, now.UnixMilli()
}

func (g *group) member(id string) *member {
	for _, m := range g.members {
		if m.id == id {
			return m
		}
	}
	return nil
}

// add makes m a member, the leader if it is the first.
func (g *group) add(m *member) {
	if m.instance != nil {
		g.static[*m.instance] = m.id
	}
	if len(g.members) == 0 {
		g.leader = m.id
	}
	g.members = append(g.members, m)
	delete(g.promised, m.id)
}

// remove takes m out. Requests of m that wait are for the caller to answer.
func (g *group) remove(m *member) {
	if m.instance != nil && g.static[*m.instance] == m.id {
		delete(g.static, *m.instance)
	}
	delete(g.unsynced, m.id)
	g.members = slices.DeleteFunc(g.members, func(other *member) bool { return other == m })
	if g.leader == m.id {
		g.leader = ""
		if len(g.members) > 0 {
			g.leader = g.members[0].id
		}
	}
}

func (g *group) joining() (n int) {
	for _, m := range g.members {
		if m.joining != nil {
			n++
		}
	}
	return n
}

// allJoined says whether nobody is missing in the join phase.
func (g *group) allJoined() bool { return g.joining() == len(g.members) && len(g.promised) == 0 }

// rebalanceTimeout is the longest that any member allows.
func (g *group) rebalanceTimeout() time.Duration {
	var longest time.Duration
	for _, m := range g.members {
		longest = max(longest, m.rebalanceTimeout)
	}
	return longest
}

// next is when something is due in the group, zero for never.
func (g *group) next() time.Time {
	var first time.Time
	earlier := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	earlier(g.joinEnds)
	earlier(g.syncEnds)
	for _, m := range g.members {
		earlier(m.expires)
	}
	for _, lapses := range g.promised {
		earlier(lapses)
	}
	for _, ends := range g.sessions {
		earlier(ends)
	}
	for _, pending := range g.revocations {
		earlier(pending.by)
	}
	return first
}

// offers says whether some protocol is supported by all members and among those offered.
func (g *group) offers(protocolType string, offered []kmsg.JoinGroupRequestProtocol) bool {
	if len(g.members) == 0 {
		return protocolType != "" && len(offered) > 0
	}
	return protocolType == g.protocolType && slices.ContainsFunc(offered, func(p kmsg.JoinGroupRequestProtocol) bool {
		return g.supportedByAll(p.Name)
	})
}

func (g *group) supportedByAll(name string) bool {
	return !slices.ContainsFunc(g.members, func(m *member) bool { return !m.supports(name) })
}

// choose is the protocol that most members prefer of those that all support; of several, the one that was voted for first.
func (g *group) choose() string {
	votes := map[string]int{}
	best := ""
	for _, m := range g.members {
		for _, p := range m.protocols {
			if g.supportedByAll(p.name) {
				votes[p.name]++
				break
			}
		}
	}
	for _, m := range g.members {
		for _, p := range m.protocols {
			if votes[p.name] > votes[best] {
				best = p.name
			}
		}
	}
	return best
}

// readSubscriptions learns what topics the members of a consumer group subscribe to, if all can be read.
func (g *group) readSubscriptions() {
	g.subscribed = nil
	if g.protocolType != consumerProtocol || g.protocol == nil || len(g.members) == 0 {
		return
	}
	topics := map[string]bool{}
	for _, m := range g.members {
		var subscription kmsg.ConsumerMemberMetadata
		if err := subscription.ReadFrom(m.subscription(g.protocol)); err != nil {
			return
		}
		for _, topic := range subscription.Topics {
			topics[topic] = true
		}
	}
	g.subscribed = topics
}

func (m *member) supports(name string) bool {
	return slices.ContainsFunc(m.protocols, func(p protocol) bool { return p.name == name })
}

// subscription is what the member said along with a protocol.
func (m *member) subscription(chosen *string) []byte {
	for _, p := range m.protocols {
		if chosen != nil && p.name == *chosen {
			return p.metadata
		}
	}
	return nil
}

// matches says whether a member offers what it offered before.
func (m *member) matches(offered []kmsg.JoinGroupRequestProtocol) bool {
	return slices.EqualFunc(m.protocols, offered, func(p protocol, q kmsg.JoinGroupRequestProtocol) bool {
		return p.name == q.Name && string(p.metadata) == string(q.Metadata)
	})
}

func duration(ms int32) time.Duration { return time.Duration(ms) * time.Millisecond }

func millis(d time.Duration) int32 { return int32(d / time.Millisecond) }
