package replica

import "time"

// progress is what a leader knows of one follower. It belongs to one leader epoch: what was learned in an earlier one says
// nothing of a log that may have been truncated since.
type progress struct {
	id int32
	// logEndOffset is the offset that the follower asked for last: its log holds all before it, equal to the leader's.
	// -1 until its first fetch of this epoch.
	// Invariant: <= the leader's log end offset.
	logEndOffset int64
	// logStartOffset is the follower's own, -1 when unknown.
	logStartOffset int64
	// leaderEndOffset is the leader's log end offset at the follower's last fetch.
	// Invariant: never decreases in an epoch.
	leaderEndOffset int64
	// fetchedAt is the time of the last fetch.
	fetchedAt time.Time
	// caughtUpAt is the latest time at which the follower is known to have had all that the leader had then.
	// Invariant: <= fetchedAt, or the start of the epoch for members of the ISR.
	caughtUpAt time.Time
	// brokerEpoch is the registration of the process that fetched last, -1 when unknown (KIP-903).
	brokerEpoch int64
}

func newProgress(id int32) *progress {
	return &progress{id: id, logEndOffset: -1, logStartOffset: -1, leaderEndOffset: -1, brokerEpoch: -1}
}

// startEpoch prepares for a new leader epoch. A leader that keeps its role keeps what it knows of the follower's log;
// one that gains it knows nothing. A member of the ISR gets the benefit of the doubt for the time of one lag.
func (p *progress) startEpoch(now time.Time, leaderEndOffset int64, newLeader, inSync bool) {
	p.caughtUpAt, p.fetchedAt = time.Time{}, time.Time{}
	if inSync {
		p.caughtUpAt = now
	}
	if newLeader {
		p.logEndOffset, p.logStartOffset, p.leaderEndOffset = -1, -1, -1
		return
	}
	p.leaderEndOffset = leaderEndOffset
	if inSync {
		p.fetchedAt = now
	}
}

// fetched records a fetch from offset while the leader's log ended at leaderEndOffset.
//
// A follower that asks for the leader's end is caught up now. One that asks for what was the leader's end at its previous
// fetch had, at that fetch's time, nothing more to get: it keeps up, if always a step behind.
func (p *progress) fetched(offset, startOffset, leaderEndOffset, brokerEpoch int64, now time.Time) {
	switch {
	case offset >= leaderEndOffset:
		p.caughtUpAt = later(p.caughtUpAt, now)
	case p.leaderEndOffset >= 0 && offset >= p.leaderEndOffset:
		p.caughtUpAt = later(p.caughtUpAt, p.fetchedAt)
	}
	p.logEndOffset = offset
	p.logStartOffset = startOffset
	p.leaderEndOffset = max(p.leaderEndOffset, leaderEndOffset)
	p.fetchedAt = now
	p.brokerEpoch = brokerEpoch
}

// caughtUp says whether the follower has the leader's end, or had it not longer than lagMax ago. An idle partition's
// follower so stays caught up without fetching: only the controller, by fencing it, takes it out of the ISR.
func (p *progress) caughtUp(leaderEndOffset int64, now time.Time, lagMax time.Duration) bool {
	return p.logEndOffset == leaderEndOffset || !p.caughtUpAt.IsZero() && now.Sub(p.caughtUpAt) <= lagMax
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
