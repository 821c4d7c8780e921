package cleaner

import (
	"math"

	"odradek/broker/commitlog"
)

// Policy is what a topic's configuration says of compaction; the comments give Kafka's names.
type Policy struct {
	LagMsMin          int64   // min.compaction.lag.ms: younger records are not touched
	LagMsMax          int64   // max.compaction.lag.ms: older ones must be, whatever the dirty ratio
	DirtyRatioMin     float64 // min.cleanable.dirty.ratio: share of bytes that must be dirty
	DeleteRetentionMs int64   // delete.retention.ms: how long tombstones stay
	SegmentBytes      int64   // segment.bytes: what joined segments may have
}

// Plan is what a round of compaction is to do to a log.
type Plan struct {
	// FirstDirty is where the dirty part begins; End is where it ends for this round, exclusive.
	FirstDirty, End int64
	// Stable is the last stable offset: how far it is known which transactions were aborted. Invariant: End <= Stable.
	Stable     int64
	CleanBytes int64
	DirtyBytes int64
	// Overdue: dirty records are older than max.compaction.lag.ms.
	Overdue bool
}

// DirtyRatio is the share of the bytes up to End that are dirty.
func (p Plan) DirtyRatio() float64 {
	if p.DirtyBytes == 0 {
		return 0
	}
	return float64(p.DirtyBytes) / float64(p.CleanBytes+p.DirtyBytes)
}

// Due says whether the policy wants this round.
func (p Plan) Due(policy Policy) bool {
	return p.DirtyBytes > 0 && (p.Overdue || p.DirtyRatio() > policy.DirtyRatioMin)
}

// Consider plans a round. firstDirty is how far the log is clean by earlier rounds; startOffset the log's start; stable the
// last stable offset, which no round passes.
func Consider(segments []commitlog.SegmentInfo, firstDirty, startOffset, stable int64, policy Policy, nowMs int64) Plan {
	p := Plan{FirstDirty: max(firstDirty, startOffset), Stable: stable}
	if len(segments) == 0 {
		return p
	}
	if p.FirstDirty > segments[len(segments)-1].Next {
		p.FirstDirty = startOffset // of a log that was longer once
	}
	p.End = p.FirstDirty
	oldestMs := int64(math.MaxInt64)
	for _, s := range segments {
		if s.Active || !s.Settled || s.Base >= stable || policy.LagMsMin > 0 && s.NewestMs > nowMs-policy.LagMsMin {
			break
		}
		if s.Next <= p.FirstDirty {
			p.CleanBytes += s.Size
			continue
		}
		p.DirtyBytes += s.Size
		p.End = min(s.Next, stable)
		oldestMs = min(oldestMs, s.FirstMs)
	}
	if p.End <= p.FirstDirty {
		p.DirtyBytes = 0
	}
	p.Overdue = p.DirtyBytes > 0 && policy.LagMsMax < math.MaxInt64 && nowMs-oldestMs > policy.LagMsMax
	return p
}

// span is a run of neighbouring segments that become one: their first offset, the one after their last, and their number.
type span struct {
	base, next int64
	segments   int
}

// group divides the segments before end into runs that fit into one segment by what they hold now.
func group(segments []commitlog.SegmentInfo, end, bytesMax int64) []span {
	var groups []span
	size := int64(0)
	for _, s := range segments {
		if s.Base >= end || s.Active || !s.Settled {
			break
		}
		last := len(groups) - 1
		// A segment's index has offsets, and positions, of 31 bits.
		if last >= 0 && size+s.Size <= min(bytesMax, math.MaxInt32) && s.Next-1-groups[last].base <= math.MaxInt32 {
			groups[last].next = s.Next
			groups[last].segments++
			size += s.Size
			continue
		}
		groups = append(groups, span{s.Base, s.Next, 1})
		size = s.Size
	}
	return groups
}
