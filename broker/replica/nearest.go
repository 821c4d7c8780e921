package replica

import (
	"slices"

	"odradek/broker/metadata"
)

// nearest returns the follower that a consumer is better off reading from, -1 when that is this node, the leader, or when it isn't
// the leader: then the consumer has been sent here. p.mu is held.
func (p *Partition) nearest(req *FetchRequest) int32 {
	if !p.manager.cfg.RackAwareReads || !req.AllowFollower || req.Rack == "" || req.fromFollower() || p.lead == nil {
		return metadata.NoLeader
	}
	brokers := p.manager.image.Load().Brokers
	return p.lead.nearest(req.Offset, func(id int32) bool {
		b := brokers[id]
		return b != nil && !b.Fenced && b.Rack == req.Rack
	})
}

// nearest chooses as Kafka's RackAwareReplicaSelector does: the leader where it is near, else, of the followers that are, the
// one that has most, was caught up last, and has the highest id. A follower counts when it is in sync and has the offset: one that
// lags would have its consumer lag too, which then came back and were sent there again.
func (l *leaderState) nearest(offset int64, near func(id int32) bool) int32 {
	if near(l.self) {
		return metadata.NoLeader
	}
	var best *progress
	for _, f := range l.followers {
		if !slices.Contains(l.isr.committed, f.id) || f.logEndOffset < offset || f.logStartOffset > offset || !near(f.id) {
			continue
		}
		if best == nil || f.ahead(best) {
			best = f
		}
	}
	if best == nil {
		return metadata.NoLeader
	}
	return best.id
}

// ahead orders followers by what they have.
func (p *progress) ahead(other *progress) bool {
	switch {
	case p.logEndOffset != other.logEndOffset:
		return p.logEndOffset > other.logEndOffset
	case !p.caughtUpAt.Equal(other.caughtUpAt):
		return p.caughtUpAt.After(other.caughtUpAt)
	}
	return p.id > other.id
}
