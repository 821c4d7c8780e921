package replica

import (
	"time"

	"odradek/broker/commitlog"
)

// TopicSettings is what replication has to know of a topic's configs.
type TopicSettings struct {
	Log commitlog.Config
	// MinInsyncReplicas is min.insync.replicas.
	MinInsyncReplicas int
	Retention         TopicRetention
	// LeaderThrottled and FollowerThrottled are the throttled replicas.
	LeaderThrottled, FollowerThrottled ReplicaList
}

// durable says that a record counts as stored only once it is synced (flush.messages=1).
func (s TopicSettings) durable() bool { return s.Log.FlushMessages == 1 }

// armSync starts the syncer when enough messages are unflushed (flush.messages), or else flush.ms's timer.
//
// One goroutine a partition syncs while there is something to sync: whatever is appended during one fsync is served by the
// next, so the cost of an fsync is shared by all that wait. p.mu is held.
func (p *Partition) armSync() {
	unflushed := p.log.EndOffset() - p.log.SyncedOffset()
	if unflushed == 0 {
		return
	}
	if unflushed >= p.settings.Log.FlushMessages {
		p.startSync()
		return
	}
	p.armFlush()
}

func (p *Partition) startSync() {
	if !p.syncing {
		p.syncing = true
		go p.syncLoop()
	}
}

// armFlush arms flush.ms's timer unless it runs. p.mu is held.
func (p *Partition) armFlush() {
	ms := p.settings.Log.FlushMs
	if p.flush != nil || ms >= flushMsNever || p.log.EndOffset() == p.log.SyncedOffset() {
		return
	}
	p.flush = time.AfterFunc(time.Duration(ms)*time.Millisecond, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.flush = nil
		if p.state == online {
			p.startSync()
		}
	})
}

// flushMsNever and more is no flush by time: a time.Duration can't hold it, and Kafka's default is the largest int64.
const flushMsNever = int64(1) << 40

// syncLoop syncs, again while what came meanwhile asks for it.
func (p *Partition) syncLoop() {
	p.mu.Lock()
	for p.state == online && p.log.SyncedOffset() < p.log.EndOffset() {
		log, end := p.log, p.log.EndOffset()
		p.mu.Unlock()
		err := log.Sync(end)
		p.mu.Lock()
		p.synced(log, err)
		if p.state != online || p.log.EndOffset()-p.log.SyncedOffset() < p.settings.Log.FlushMessages {
			break
		}
		p.unlock()
		p.mu.Lock()
	}
	p.syncing = false
	p.unlock()
}

// synced follows up on a sync of log. One that was overtaken by a truncation or the end of the log is no failure. p.mu is held.
func (p *Partition) synced(log *commitlog.Log, err error) {
	if err != nil {
		if _, fatal := answerFor(err); fatal {
			p.failedLog(log, err)
		}
		return
	}
	if p.log != log {
		return
	}
	p.unsynced.release(p.log.SyncedOffset(), p.succeed)
	if p.lead != nil {
		p.advance(time.Now())
	}
}
