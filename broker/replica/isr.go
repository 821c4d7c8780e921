package replica

import (
	"slices"

	"odradek/broker/env/sometimes"
)

// isrState is the in-sync set of a partition as its leader knows it: what the controller has committed, and the one change
// that was proposed and not yet answered.
type isrState struct {
	// committed is the set of the newest metadata known here.
	committed []int32
	// pending is the proposal in flight, nil when there is none. As its outcome is unknown until the answer comes, whatever
	// must hold for the ISR must hold for the committed set and for the proposed one.
	pending *isrChange
}

// isrChange is a proposed ISR. Its identity (the pointer) tells an answer that is still awaited from one that newer
// metadata overtook.
type isrChange struct {
	// isr is the proposed set.
	isr []int32
	// brokerEpochs[i] is the registration that isr[i] is known to fetch from, -1 when unknown, so that the controller can
	// refuse a process that is gone (KIP-903).
	brokerEpochs []int64
	// added is the follower that joins, or -1 when the proposal only removes.
	added int32
	// leaderEpoch and partitionEpoch are those that the proposal was computed from.
	leaderEpoch    int32
	partitionEpoch int32
}

// commit takes over the in-sync set that the controller has committed.
func (l *leaderState) commit(isr []int32) {
	l.isr = isrState{committed: isr}
	if len(isr) == 1 && len(l.followers) > 0 {
		sometimes.Reached(sometimes.ISROfOne)
	}
}

// inMaximal says whether id is in the maximal ISR: the committed set and, since the controller may have accepted it
// already, the follower that a pending change adds. A pending removal changes nothing: until it is committed the removed
// follower may still be elected, and must have every acknowledged record.
func (s *isrState) inMaximal(id int32) bool {
	return slices.Contains(s.committed, id) || s.pending != nil && s.pending.added == id
}

// without returns the members of set that drop doesn't hold.
func without(set, drop []int32) []int32 {
	kept := make([]int32, 0, len(set))
	for _, id := range set {
		if !slices.Contains(drop, id) {
			kept = append(kept, id)
		}
	}
	return kept
}

// minISR is the smallest ISR with which the high watermark moves: min.insync.replicas, or all replicas when the partition
// has fewer.
func minISR(configured int, replicas []int32) int {
	return min(configured, len(replicas))
}
