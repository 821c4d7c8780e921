package group

import (
	"odradek/broker/group/assign"
	"odradek/broker/metadata"
)

// goal is what a member is on its way to.
type goal struct {
	epoch  int32
	target assign.Partitions
	// changed says that the member's subscription just changed: what it does not subscribe to any more goes at once.
	changed    bool
	subscribed map[metadata.UUID]bool
	// owned is what the member says it has, nil when it says nothing.
	owned *assign.Partitions
	// taken says whether somebody has a partition.
	taken func(partition) bool
}

// reconcile is one member's next step to its goal; m itself when there is none. Partitions are taken from their old owner before they are
// given to the new one:
//
//	Stable ──something to give up──▶ Unrevoked ──the member says that it is gone──▶ next epoch, or the next thing to give up
//	  ▲  │                                                                              │
//	  │  └──something is still with others──▶ Unreleased ──it is free──▶ Stable ◀────────┘
//	  └──────────────────────────────────────────┘
//
// A member moves to the goal's epoch when it has nothing to give up.
func (m *consumerMember) reconcile(to goal) *consumerMember {
	switch m.state {
	case memberStable:
		if m.epoch == to.epoch && (!to.changed || m.assigned.Equal(to.filter(m.assigned))) {
			return m
		}
	case memberUnrevoked:
		if to.owned == nil || overlaps(*to.owned, m.revoking) {
			if to.changed {
				return m.giveUpUnsubscribed(to)
			}
			return m
		}
	case memberUnreleased:
	}
	return m.advance(to)
}

func (m *consumerMember) advance(to goal) *consumerMember {
	target := to.filter(to.target)
	keep, excess := m.assigned.Split(target)
	_, missing := target.Split(keep)
	free, waiting := assign.Partitions{}, false
	for topic, list := range missing {
		for _, index := range list {
			if to.taken(partition{topic, index}) {
				waiting = true
			} else {
				free.Add(topic, index)
			}
		}
	}
	next := *m
	next.previous = m.epoch
	if len(excess) > 0 && (to.owned == nil || overlaps(*to.owned, excess)) {
		next.state, next.assigned, next.revoking = memberUnrevoked, keep, excess
		next.since = m.keepSince(keep, excess)
		return &next
	}
	next.state, next.epoch, next.revoking = memberStable, to.epoch, assign.Partitions{}
	if waiting {
		next.state = memberUnreleased
	}
	next.since = m.keepSince(keep)
	for topic, list := range free {
		for _, index := range list {
			keep.Add(topic, index)
			next.since[partition{topic, index}] = to.epoch
		}
	}
	next.assigned = keep
	return &next
}

// giveUpUnsubscribed adds to what the member has to give up what it no longer subscribes to.
func (m *consumerMember) giveUpUnsubscribed(to goal) *consumerMember {
	next := *m
	keep, excess := m.assigned.Split(to.filter(m.assigned))
	if len(excess) == 0 {
		return m
	}
	next.assigned, next.revoking = keep, m.revoking.With(excess)
	return &next
}

// filter leaves out the topics that the member does not subscribe to: the target may have been made before it said so.
func (to goal) filter(all assign.Partitions) assign.Partitions {
	some := make(assign.Partitions, len(all))
	for topic, list := range all {
		if to.subscribed[topic] {
			some[topic] = list
		}
	}
	return some
}

func (m *consumerMember) keepSince(sets ...assign.Partitions) map[partition]int32 {
	kept := map[partition]int32{}
	for _, set := range sets {
		for topic, list := range set {
			for _, index := range list {
				p := partition{topic, index}
				kept[p] = m.since[p]
			}
		}
	}
	return kept
}

func overlaps(p, q assign.Partitions) bool {
	for topic, list := range p {
		for _, index := range list {
			if q.Has(topic, index) {
				return true
			}
		}
	}
	return false
}

// same says whether nothing of what a record of the assignment says is different.
func (m *consumerMember) same(other *consumerMember) bool {
	return m == other || m.epoch == other.epoch && m.previous == other.previous && m.state == other.state &&
		m.assigned.Equal(other.assigned) && m.revoking.Equal(other.revoking)
}
