package replica

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"odradek/broker/quota"
)

// throttles are what this node may copy (KIP-73): of throttled replicas to followers and from leaders, and between its own data
// directories. A replica that keeps up is never held back: a limit that is too small makes a move endless, it takes nobody out of
// an ISR.
type throttles struct{ leader, follower, move *quota.Throttle }

func newThrottles(replication, moves Windows) throttles {
	return throttles{
		leader:   quota.NewThrottle(replication.Samples, replication.Length),
		follower: quota.NewThrottle(replication.Samples, replication.Length),
		move:     quota.NewThrottle(moves.Samples, moves.Length),
	}
}

// throttlePauseMax bounds how long a follower leaves a throttled partition out before it has another look: the limit may be lifted.
const throttlePauseMax = time.Second

// SetLimits sets how many bytes a second this node copies at most of throttled replicas, as their leader and as their follower, and
// between its data directories; math.MaxInt64 is no limit.
func (m *Manager) SetLimits(leader, follower, move int64) {
	m.throttles.leader.SetLimit(leader)
	m.throttles.follower.SetLimit(follower)
	m.throttles.move.SetLimit(move)
}

// awaitMove waits until more may be copied between directories.
func (t throttles) awaitMove(ctx context.Context) error {
	for {
		wait := t.move.Wait(time.Now())
		if wait == 0 {
			return nil
		}
		timer := time.NewTimer(min(wait, throttlePauseMax))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return errMoved
		}
	}
}

// throttles says whether a follower gets nothing for now. p.mu is held and this node leads.
func (p *Partition) throttles(f *progress) bool {
	return p.leaderThrottled && !slices.Contains(p.lead.isr.committed, f.id) && p.manager.throttles.leader.Wait(time.Now()) > 0
}

// throttled is how long this follower is not to fetch; 0 when it may.
func (p *Partition) throttled(now time.Time) time.Duration {
	p.mu.Lock()
	held := p.followerThrottled && !p.level
	p.mu.Unlock()
	if !held {
		return 0
	}
	return p.manager.throttles.follower.Wait(now)
}

// throttleFetched counts what a follower fetched. p.mu is held.
func (p *Partition) throttleFetched(bytes int) {
	if p.followerThrottled && bytes > 0 {
		p.manager.throttles.follower.Record(bytes, time.Now())
	}
}

// ReplicaList is a value of a topic's *.replication.throttled.replicas: pairs partition:node, separated by commas, or a star for all.
type ReplicaList string

// has says whether a node's replica of a partition is on the list.
func (l ReplicaList) has(index, node int32) bool {
	if l == "*" {
		return true
	}
	for pair := range strings.SplitSeq(string(l), ",") {
		p, n, _ := strings.Cut(pair, ":")
		partition, err := strconv.Atoi(p)
		broker, brokerErr := strconv.Atoi(n)
		if err == nil && brokerErr == nil && partition == int(index) && broker == int(node) {
			return true
		}
	}
	return false
}
