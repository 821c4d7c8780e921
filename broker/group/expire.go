package group

import (
	"time"

	"odradek/broker/coord"
)

// expireOffsets forgets the offsets that nobody has used for the retention time, and groups of which nothing is left (KIP-211).
func (m *Machine) expireOffsets(now time.Time) []coord.Effects {
	var all []coord.Effects
	for _, id := range m.ids() {
		g := m.groups[id]
		var e coord.Effects
		left := 0
		g.eachOffset(func(topic string, index int32, o offset) {
			if m.pending.open[offsetPlace{id, topic, index}] == 0 && g.expired(topic, o, m.cfg.OffsetsRetention, now) {
				e.Records = append(e.Records, offsetTombstone(id, topic, index))
			} else {
				left++
			}
		})
		if left == 0 && m.pending.groups[id] == 0 && g.empty() && len(g.promised) == 0 && g.share == nil && (g.persisted || g.consumer != nil || len(e.Records) > 0) {
			e.Records = append(e.Records, g.graves()...)
		}
		if len(e.Records) > 0 {
			all = append(all, e)
		}
		m.forgetIfNothing(g)
	}
	return all
}

// expired says whether an offset is old. In a group that is in use, only offsets of topics that no member subscribes to grow old.
func (g *group) expired(topic string, o offset, retention time.Duration, now time.Time) bool {
	if o.expiresMs >= 0 {
		// The client said for how long; still nothing goes that a member of the group may need.
		return g.empty() && now.UnixMilli() >= o.expiresMs
	}
	since := o.committedMs
	switch {
	case g.consumer != nil:
		if g.consumer.subscribes(topic) {
			return false
		}
	case g.protocolType == "":
	case g.state == Empty:
		if g.stateSinceMs >= 0 {
			since = max(since, g.stateSinceMs)
		}
	case g.state != Stable || g.subscribed == nil || g.subscribed[topic]:
		return false
	}
	return now.UnixMilli()-since >= retention.Milliseconds()
}

// TopicsDeleted forgets the offsets of topics that are no more.
func (m *Machine) TopicsDeleted(names []string) coord.Effects {
	var e coord.Effects
	for _, id := range m.ids() {
		for _, topic := range names {
			for index := range m.groups[id].offsets[topic] {
				e.Records = append(e.Records, offsetTombstone(id, topic, index))
			}
		}
	}
	return e
}
