package history

import "slices"

// Promises say which losses the run that made a history allows for. The zero value promises everything but progress: nothing
// that was acknowledged, by one replica or by all, may be missing.
//
// Acknowledgement by nobody (acks=0) promises nothing, and needs no word here.
type Promises struct {
	// MayLoseAcksAll lists topics whose records may be lost even when every in-sync replica had acknowledged them, because
	// the run's faults reach further than their configuration.
	MayLoseAcksAll []string `json:"may_lose_acks_all,omitempty"`
	// MayLoseAcksOne lists topics whose records may be lost when only the leader had acknowledged them.
	MayLoseAcksOne []string `json:"may_lose_acks_one,omitempty"`
	// Vanishing lists the topics whose records may go by themselves, in time.
	Vanishing []Vanishing `json:"vanishing,omitempty"`
	// HandedOver lists the groups whose partitions are handed over one by one (KIP-848), so that their members need not be in one
	// generation; a generation is a member's epoch there.
	HandedOver []string `json:"handed_over,omitempty"`
	// Static lists the groups whose members' lives are one member (KIP-345): m.1, m.2 and so on are m.
	Static []string `json:"static,omitempty"`
	// Progress demands that a final read reaches the end of every partition that has acknowledged records.
	Progress bool `json:"progress,omitempty"`
}

// Vanishing says how a topic's records may go by themselves. Times are in nanoseconds of the history, and are those that the
// topic promises at the least; 0 promises none.
type Vanishing struct {
	Topic string `json:"topic"`
	// Head is true of a topic whose oldest records go (cleanup.policy has delete, and a limit): no record younger than HeadAfter.
	Head      bool  `json:"head,omitempty"`
	HeadAfter int64 `json:"head_after,omitempty"`
	// Compacted is true of a topic in which a record may go once there is a later one of its key (cleanup.policy has compact): none
	// younger than CompactedAfter (min.compaction.lag.ms). A tombstone itself stays for TombstonesFor (delete.retention.ms).
	Compacted      bool  `json:"compacted,omitempty"`
	CompactedAfter int64 `json:"compacted_after,omitempty"`
	TombstonesFor  int64 `json:"tombstones_for,omitempty"`
}

// Vanish is what may vanish of a topic by itself; the zero value for most.
func (p Promises) Vanish(topic string) Vanishing {
	for _, v := range p.Vanishing {
		if v.Topic == topic {
			return v
		}
	}
	return Vanishing{}
}

// MayLose says whether an acknowledged record of the topic may be missing.
func (p Promises) MayLose(topic string, acks Acks) bool {
	switch acks {
	case AcksNone:
		return true
	case AcksOne:
		return slices.Contains(p.MayLoseAcksOne, topic) || slices.Contains(p.MayLoseAcksAll, topic)
	}
	return slices.Contains(p.MayLoseAcksAll, topic)
}

// MayForget says whether a record that a consumer has read may be missing later: what is below the high watermark is
// held as firmly as what every in-sync replica acknowledged, whatever its producer asked for.
func (p Promises) MayForget(topic string) bool { return slices.Contains(p.MayLoseAcksAll, topic) }
