package replica

import (
	"slices"
	"time"

	"odradek/broker/metadata"
)

// eligibility says whether a follower, in the process that registered with brokerEpoch, may join an ISR: it is registered,
// not fenced, not shutting down, and it is that process (KIP-903).
type eligibility func(id int32, brokerEpoch int64) bool

// leaderState is what a leader knows and decides. It does no I/O, holds no lock and reads no clock.
type leaderState struct {
	self int32
	// epoch is the leader epoch in which this node leads.
	epoch int32
	// epochStart is the log end offset at which the epoch began: a follower that has less might lack records that were
	// acknowledged before.
	epochStart int64
	// partitionEpoch is that of the newest metadata known, from the image or from an answer to AlterPartition.
	// Invariant: never decreases.
	partitionEpoch int32
	replicas       []int32
	// followers has an entry for each of replicas but self, in their order.
	followers []*progress
	isr       isrState
	// minISR is min.insync.replicas as configured.
	minISR int
}

// newLeaderState starts leading. before is the state in which this node led the previous epoch, or nil.
func newLeaderState(self int32, reg *metadata.Partition, endOffset int64, minISR int, before *leaderState, now time.Time) *leaderState {
	l := &leaderState{self: self, epoch: reg.LeaderEpoch, epochStart: endOffset, minISR: minISR}
	if before != nil {
		l.followers = before.followers
	}
	l.adopt(reg)
	for _, f := range l.followers {
		inSync := slices.Contains(reg.ISR, f.id)
		// Whom the controller took out of the ISR may have lost what it had: it counts again from its next fetch on.
		left := before != nil && !inSync && slices.Contains(before.isr.committed, f.id)
		f.startEpoch(now, endOffset, before == nil || left, inSync)
	}
	return l
}

// adopt takes over newer metadata of the same leader epoch. Whatever change was in flight is overtaken: either reg is its
// result, or the controller will refuse it for its stale partition epoch.
func (l *leaderState) adopt(reg *metadata.Partition) {
	followers := make([]*progress, 0, len(reg.Replicas))
	for _, id := range reg.Replicas {
		if id == l.self {
			continue
		}
		f := l.follower(id)
		if f == nil {
			f = newProgress(id)
		}
		followers = append(followers, f)
	}
	l.followers = followers
	l.replicas = reg.Replicas
	l.partitionEpoch = reg.PartitionEpoch
	l.commit(reg.ISR)
}

// follower returns the progress of id, or nil when id is no replica.
func (l *leaderState) follower(id int32) *progress {
	for _, f := range l.followers {
		if f.id == id {
			return f
		}
	}
	return nil
}

// proposeExpand returns the change that lets f join the ISR and marks it pending, or nil when f may not join yet: it must
// have all that is committed (highWatermark) and all that the leader had when its epoch began.
func (l *leaderState) proposeExpand(f *progress, highWatermark int64, eligible eligibility) *isrChange {
	if l.isr.pending != nil || slices.Contains(l.isr.committed, f.id) ||
		f.logEndOffset < highWatermark || f.logEndOffset < l.epochStart || !eligible(f.id, f.brokerEpoch) {
		return nil
	}
	return l.propose(append(slices.Clone(l.isr.committed), f.id), f.id)
}

// proposeShrink returns the change that drops the followers that lag and marks it pending, or nil when none does.
func (l *leaderState) proposeShrink(endOffset int64, now time.Time, lagMax time.Duration) *isrChange {
	if l.isr.pending != nil {
		return nil
	}
	var lagging []int32
	for _, f := range l.followers {
		if slices.Contains(l.isr.committed, f.id) && !f.caughtUp(endOffset, now, lagMax) {
			lagging = append(lagging, f.id)
		}
	}
	if lagging == nil {
		return nil
	}
	return l.propose(without(l.isr.committed, lagging), -1)
}

func (l *leaderState) propose(isr []int32, added int32) *isrChange {
	change := &isrChange{isr: isr, added: added, leaderEpoch: l.epoch, partitionEpoch: l.partitionEpoch}
	for _, id := range isr {
		epoch := int64(-1)
		if f := l.follower(id); f != nil {
			epoch = f.brokerEpoch
		}
		change.brokerEpochs = append(change.brokerEpochs, epoch)
	}
	l.isr.pending = change
	return change
}

// lagging says whether a member of the ISR lacks records: then its lag has to be watched.
func (l *leaderState) lagging(endOffset int64) bool {
	for _, f := range l.followers {
		if f.logEndOffset < endOffset && slices.Contains(l.isr.committed, f.id) {
			return true
		}
	}
	return false
}

// accepted takes over the controller's answer to change. An answer that newer metadata overtook changes nothing.
func (l *leaderState) accepted(change *isrChange, isr []int32, partitionEpoch int32) {
	if l.isr.pending != change || partitionEpoch < l.partitionEpoch {
		return
	}
	l.commit(isr)
	l.partitionEpoch = partitionEpoch
}

// rejected drops change, which the controller definitely has not made and will not make.
func (l *leaderState) rejected(change *isrChange) {
	if l.isr.pending == change {
		l.isr.pending = nil
	}
}
