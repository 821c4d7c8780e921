package replica

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/env/sometimes"
	"odradek/broker/metadata"
)

// register hands the partition newer metadata. While the log is still opening it is only kept: opened puts it in force.
func (p *Partition) register(reg *metadata.Partition, settings TopicSettings) {
	p.mu.Lock()
	defer p.unlock()
	if p.registration != nil && reg.PartitionEpoch < p.registration.PartitionEpoch {
		return
	}
	p.registration = reg
	p.configure(settings)
	if p.state == online {
		p.assume(reg)
	}
}

// setSettings takes over changed settings.
func (p *Partition) setSettings(settings TopicSettings) {
	p.mu.Lock()
	defer p.unlock()
	p.configure(settings)
}

// configure takes over changed settings. p.mu is held.
func (p *Partition) configure(settings TopicSettings) {
	changed := p.settings != settings
	p.settings = settings
	p.leaderThrottled = settings.LeaderThrottled.has(p.index, p.manager.cfg.NodeID)
	p.followerThrottled = settings.FollowerThrottled.has(p.index, p.manager.cfg.NodeID)
	if !changed || p.state != online {
		return
	}
	p.log.SetConfig(settings.Log)
	p.armCleaning()
	p.armFlush()
	if p.lead != nil {
		p.lead.minISR = settings.MinInsyncReplicas
		p.isrChanged()
	}
}

// assume takes the role that reg gives. p.mu is held and the log is open.
func (p *Partition) assume(reg *metadata.Partition) {
	switch {
	case reg.LeaderEpoch < p.leaderEpoch:
		// An answer to AlterPartition never carries a leader epoch, so metadata can't be behind: this is a guard.
		return
	case reg.Leader != p.manager.cfg.NodeID:
		p.follow(reg)
	case p.lead == nil || reg.LeaderEpoch > p.leaderEpoch:
		p.becomeLeader(reg)
	case reg.PartitionEpoch > p.lead.partitionEpoch:
		p.lead.adopt(reg)
		p.isrChanged()
		p.releaseDeletions()
	}
}

// becomeLeader starts leading reg's epoch at the end of the log. The high watermark stays what it was known to be, which
// may be less than what was committed; readers wait until the followers have confirmed the rest. p.mu is held.
func (p *Partition) becomeLeader(reg *metadata.Partition) {
	p.manager.fetchers.remove(p)
	end := p.log.EndOffset()
	if err := p.log.AssignEpoch(reg.LeaderEpoch, end); err != nil {
		p.leaderID, p.leaderEpoch = reg.Leader, reg.LeaderEpoch
		p.fail(err)
		return
	}
	now := time.Now()
	if reg.LeaderEpoch > p.leaderEpoch {
		p.refuseAll(kerr.NotLeaderForPartition)
	}
	p.lead = newLeaderState(p.manager.cfg.NodeID, reg, end, p.settings.MinInsyncReplicas, p.lead, now)
	p.leaderID, p.leaderEpoch = reg.Leader, reg.LeaderEpoch
	p.manager.cfg.Logger.Debug("leading", "partition", p.String(), "leaderEpoch", reg.LeaderEpoch, "logEndOffset", end, "highWatermark", p.highWatermark, "isr", reg.ISR)
	p.armSync()
	p.watchLag()
	p.advance(now)
	p.fireAll()
}

// follow makes this replica a follower of reg's leader, which may be nobody. Nothing is truncated: where the logs differ
// comes out when the leader is asked for more (KIP-101). p.mu is held.
func (p *Partition) follow(reg *metadata.Partition) {
	if p.lead == nil && reg.LeaderEpoch == p.leaderEpoch && reg.Leader == p.leaderID {
		return
	}
	p.lead = nil
	p.level = false
	p.leaderID, p.leaderEpoch = reg.Leader, reg.LeaderEpoch
	p.manager.cfg.Logger.Debug("following", "partition", p.String(), "leader", reg.Leader, "leaderEpoch", reg.LeaderEpoch, "logEndOffset", p.log.EndOffset())
	p.refuseAll(kerr.NotLeaderForPartition)
	p.fireAll()
	if reg.Leader == metadata.NoLeader {
		p.manager.fetchers.remove(p)
		return
	}
	p.manager.fetchers.assign(p, reg.Leader)
}

// isrChanged follows up on newly committed membership or a changed minimum. Appends that the ISR became too small for are
// answered: with the high watermark halted (KIP-966) they would only wait for their time-out. p.mu is held.
func (p *Partition) isrChanged() {
	p.reconsider(time.Now())
	if p.lead.underMinISR() {
		p.uncommitted.releaseAll(func(a *PendingAppend) {
			sometimes.Reached(sometimes.AppendOutlivedISR)
			p.complete(a, kerr.NotEnoughReplicasAfterAppend)
		})
	}
	p.watchLag()
}

// reconsider looks again at what the followers are known to have, after their standing in the cluster changed: one that
// keeps up needn't ask again to join. p.mu is held and this node leads.
func (p *Partition) reconsider(now time.Time) {
	p.advance(now)
	for _, f := range p.lead.followers {
		if now.Sub(f.fetchedAt) > 2*p.manager.cfg.FetchWaitMax || !f.caughtUp(p.log.EndOffset(), now, p.manager.cfg.ReplicaLagTimeMax) {
			continue
		}
		if change := p.lead.proposeExpand(f, p.highWatermark, p.manager.eligible); change != nil {
			p.manager.alter.propose(p, change)
			return
		}
	}
}

// watchLag has the manager look at the followers' lag in a while, if there is one. p.mu is held and this node leads.
func (p *Partition) watchLag() {
	if !p.lagWatched && p.behind() {
		p.lagWatched = true
		p.manager.lag.watch(p)
	}
}

// behind says that followers have less than the leader, so that time alone may change who is in sync. p.mu is held and
// this node leads.
func (p *Partition) behind() bool {
	end := p.log.EndOffset()
	return p.highWatermark < end || p.lead.lagging(end)
}

// brokersChanged looks again at who may be in the ISR.
func (p *Partition) brokersChanged(now time.Time) {
	p.mu.Lock()
	defer p.unlock()
	if p.lead != nil {
		p.reconsider(now)
		p.releaseDeletions()
	}
}

// checkLag proposes to drop members of the ISR that lag, and says whether to look again.
func (p *Partition) checkLag(now time.Time) (again bool) {
	p.mu.Lock()
	defer p.unlock()
	if p.lead == nil || !p.behind() {
		p.lagWatched = false
		return false
	}
	p.advance(now) // a follower outside the ISR that the high watermark waited for may have fallen behind
	if change := p.lead.proposeShrink(p.log.EndOffset(), now, p.manager.cfg.ReplicaLagTimeMax); change != nil {
		p.manager.alter.propose(p, change)
	}
	return true
}
