package group

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/coord"
	"odradek/broker/metadata"
)

// Config says what holds for all groups. Kafka's key is behind each.
type Config struct {
	InitialRebalanceDelay time.Duration // group.initial.rebalance.delay.ms
	SessionTimeoutMin     time.Duration // group.min.session.timeout.ms
	SessionTimeoutMax     time.Duration // group.max.session.timeout.ms
	SizeMax               int           // group.max.size
	OffsetsRetention      time.Duration // offsets.retention.minutes
	ExpiryInterval        time.Duration // offsets.retention.check.interval.ms
	MetadataBytesMax      int           // offset.metadata.max.bytes
	Consumer              ConsumerConfig
	Share                 ShareConfig
	// Image is the newest metadata known here: the topics that groups subscribe to, and the groups' own configurations.
	Image func() *metadata.Image
	// NewID draws what makes a member's id unique.
	NewID func() string
}

// newMemberTimeout is how long a member may take to come back that was never told its id: one that joins by an old version and
// whose connection ends.
const newMemberTimeout = 5 * time.Minute

// Machine is the state of the groups of one partition of __consumer_offsets; it is a coord.Machine.
type Machine struct {
	cfg    *Config
	groups map[string]*group
	timers coord.Timers
	// pending are the offsets in open transactions; order counts the offsets that came, for which is the later.
	pending pendingOffsets
	order   int64
	// topicsVersion changes whenever topics come, go or grow.
	topicsVersion uint64
	// expiry is when old offsets are looked for next, zero while there are no groups.
	expiry time.Time
}

var _ coord.Machine = (*Machine)(nil)

// New makes a machine without groups.
func New(cfg *Config) *Machine {
	return &Machine{cfg: cfg, groups: map[string]*group{}, pending: newPendingOffsets(), topicsVersion: 1}
}

func (m *Machine) groupOrNew(id string) *group {
	g := m.groups[id]
	if g == nil {
		g = newGroup(id)
		m.groups[id] = g
	}
	return g
}

// forgetIfNothing drops a group that has neither members nor a record nor offsets.
func (m *Machine) forgetIfNothing(g *group) {
	if g.state == Empty && !g.persisted && g.consumer == nil && g.share == nil && len(g.offsets) == 0 && len(g.promised) == 0 &&
		len(g.sessions) == 0 && m.pending.groups[g.id] == 0 {
		delete(m.groups, g.id)
	}
}

// Loaded implements coord.Machine: the members that were remembered have a session's time to be heard of.
func (m *Machine) Loaded(now time.Time) []coord.Effects {
	var all []coord.Effects
	for _, id := range m.ids() {
		g := m.groups[id]
		for _, each := range g.members {
			each.expires = now.Add(each.sessionTimeout)
		}
		if g.newer() {
			m.settleSessions(g, now)
		}
		var e coord.Effects
		if len(g.members) > m.cfg.SizeMax {
			m.prepareRebalance(g, &e, now)
		}
		all = append(all, m.after(g, e, now))
	}
	return all
}

// Next implements coord.Machine.
func (m *Machine) Next() time.Time {
	next := m.timers.First()
	if next.IsZero() || !m.expiry.IsZero() && m.expiry.Before(next) {
		return m.expiry
	}
	return next
}

// Tick implements coord.Machine.
func (m *Machine) Tick(now time.Time) []coord.Effects {
	var all []coord.Effects
	for {
		id, due := m.timers.Pop(now)
		if !due {
			break
		}
		if g := m.groups[id]; g != nil && !g.wakes.After(now) {
			g.wakes = time.Time{}
			all = append(all, m.after(g, m.tick(g, now), now))
		}
	}
	if !m.expiry.IsZero() && !m.expiry.After(now) {
		m.expiry = time.Time{}
		all = append(all, m.expireOffsets(now)...)
		m.armExpiry(now)
	}
	return all
}

// Abandon implements coord.Machine.
func (m *Machine) Abandon() []coord.Caller {
	var waiting []coord.Caller
	for _, id := range m.ids() {
		for _, each := range m.groups[id].members {
			if each.joining != nil {
				waiting = append(waiting, each.joining)
			}
			if each.syncing != nil {
				waiting = append(waiting, each.syncing)
			}
		}
	}
	return waiting
}

// after sets the timer that a group needs after a change.
func (m *Machine) after(g *group, e coord.Effects, now time.Time) coord.Effects {
	m.armExpiry(now)
	m.forgetIfNothing(g)
	next := g.next()
	if m.groups[g.id] == g && !next.IsZero() && (g.wakes.IsZero() || next.Before(g.wakes)) {
		g.wakes = next
		m.timers.Push(next, g.id)
	}
	return e
}

func (m *Machine) armExpiry(now time.Time) {
	if m.expiry.IsZero() && len(m.groups) > 0 {
		m.expiry = now.Add(m.cfg.ExpiryInterval)
	}
}

// ids are the groups' ids in order.
func (m *Machine) ids() []string {
	ids := make([]string, 0, len(m.groups))
	for id := range m.groups {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// validate holds a member's id and instance to what the group knows.
func (g *group) validate(memberID string, instance *string) (*member, *kerr.Error) {
	if instance != nil {
		switch known, ok := g.static[*instance]; {
		case !ok:
			return nil, kerr.UnknownMemberID
		case known != memberID:
			return nil, kerr.FencedInstanceID
		}
	}
	if found := g.member(memberID); found != nil {
		return found, nil
	}
	return nil, kerr.UnknownMemberID
}
