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
	// Progress demands that a final read reaches the end of every partition that has acknowledged records.
	Progress bool `json:"progress,omitempty"`
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
