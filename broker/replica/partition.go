package replica

import (
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/commitlog"
	"odradek/broker/metadata"
)

// Partition is this node's replica of a partition: its log, and the role that the cluster has given it.
type Partition struct {
	manager *Manager
	topic   string
	topicID metadata.UUID
	index   int32
	// home is the data directory, dir the log's own directory in it.
	home *logDir
	dir  string
	// before are those that had a directory of this name last, if they were not gone when this partition came.
	before []*Partition
	// opened is closed when open has ended, gone when the log is deleted.
	opened, gone chan struct{}

	mu sync.Mutex
	// log is nil until it is open. It stays set when the replica goes offline or is dropped.
	log *commitlog.Log
	// state says whether the log can be used.
	state partitionState
	// lost says that what this replica has vouched for is not certain any more, until its log is open anew; told, that the
	// controller knows. Invariant: lost while told; never online while lost.
	lost, told bool
	// deleting says, of a dropped partition, that its log is to be deleted, not kept.
	deleting bool
	// registration is the newest that was applied and is in force, as soon as the log is open; nil before the first.
	registration *metadata.Partition
	settings     TopicSettings
	// leaderThrottled and followerThrottled say that settings name this replica.
	leaderThrottled, followerThrottled bool
	// level says of a follower that it had, after its leader's last answer, all that is committed.
	level bool
	// leaderEpoch is that of the role in force, -1 when there is none yet.
	leaderEpoch int32
	// leaderID leads leaderEpoch, as far as is known here; metadata.NoLeader when nobody does.
	leaderID int32
	// lead is set while this node leads.
	// Invariant: lead != nil exactly when state is online and leaderID is this node.
	lead *leaderState
	// highWatermark never regresses while this node leads; a follower's may, when its log is truncated.
	// Invariant: log.StartOffset() <= highWatermark <= log.EndOffset() once the log is open.
	highWatermark int64
	// uncommitted are appends that wait for the high watermark, unsynced those that wait for the disk only.
	uncommitted pendingQueue
	unsynced    pendingQueue
	// deletions wait for the low watermark.
	deletions   pendingQueue
	completions completions
	watches     []*Watch
	// syncing says that a goroutine runs syncLoop.
	syncing bool
	// flush is armed while flush.ms runs.
	flush *time.Timer
	// lagWatched says that the manager's lag check has this partition on its list.
	lagWatched bool
	// firstDirty is how far the log is compacted.
	firstDirty int64
	// cleaning says that a cleaner has the log; uncleanable that it will not have it again.
	cleaning, uncleanable bool
	// stopCleaning ends the round under way; nil before the first.
	stopCleaning func()

	// future is the log that is to take the place of log, if the replica is being moved; promotes is the directory of one that
	// is whole and has not got its name yet.
	future   *future
	promotes string

	// cleanTurn is held while the log is cleaned, without mu.
	cleanTurn sync.Mutex
}

type partitionState int8

const (
	// opening: the log is not open yet.
	opening partitionState = iota
	// online: the log is open.
	online
	// offline: the disk failed under the log.
	offline
	// dropped: this node no longer holds the partition.
	dropped
)

// Topic returns the topic's name.
func (p *Partition) Topic() string { return p.topic }

// TopicID returns the topic's id.
func (p *Partition) TopicID() metadata.UUID { return p.topicID }

// Index returns the partition's index in its topic.
func (p *Partition) Index() int32 { return p.index }

// String returns topic-index, for logs.
func (p *Partition) String() string { return fmt.Sprintf("%s-%d", p.topic, p.index) }

// LeaderAndEpoch returns who leads, metadata.NoLeader when nobody is known to, and the leader epoch, -1 when none is known.
func (p *Partition) LeaderAndEpoch() (leader, epoch int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leaderID, p.leaderEpoch
}

// HighWatermark returns the offset before which every record is on all in-sync replicas, as far as is known here.
func (p *Partition) HighWatermark() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.highWatermark
}

// Log returns the log, or nil while it is not open. It is for what reads or trims the log beside replication: retention,
// inspection. Only replication appends and truncates.
func (p *Partition) Log() *commitlog.Log {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != online {
		return nil
	}
	return p.log
}

// usable returns why the partition can't be used at all, or nil. p.mu is held.
func (p *Partition) usable() *kerr.Error {
	switch p.state {
	case online:
		return nil
	case offline:
		return kerr.KafkaStorageError
	default:
		return kerr.NotLeaderForPartition
	}
}

// readableEnd is the offset that a reader of the given isolation may read up to. p.mu is held and the log is open.
func (p *Partition) readableEnd(isolation Isolation) int64 {
	switch isolation {
	case LogEnd:
		return p.log.EndOffset()
	case HighWatermark:
		return p.highWatermark
	default:
		return p.lastStableOffset()
	}
}

// lastStableOffset is the high watermark, or the first offset of an open transaction before it. p.mu is held.
func (p *Partition) lastStableOffset() int64 { return p.log.LastStableOffset(p.highWatermark) }

// localEnd is the offset before which this replica vouches for every record: the log's end, or, when every message is to
// be flushed, what is durable. p.mu is held.
func (p *Partition) localEnd() int64 {
	if p.settings.durable() {
		return p.log.SyncedOffset()
	}
	return p.log.EndOffset()
}

// advance moves the high watermark as far as the replicas allow, and answers what waited for it. p.mu is held and this
// node leads.
func (p *Partition) advance(now time.Time) {
	mark := p.lead.highWatermark(p.localEnd(), now, p.manager.cfg.ReplicaLagTimeMax, p.manager.eligible)
	if mark <= p.highWatermark {
		return
	}
	p.setHighWatermark(mark)
	p.uncommitted.release(mark, p.succeed)
	p.fire()
}

func (p *Partition) setHighWatermark(mark int64) {
	if mark != p.highWatermark {
		p.highWatermark = mark
		p.home.checkpoint.markDirty()
	}
}

// refuseAll answers every waiting append with err. p.mu is held.
func (p *Partition) refuseAll(err *kerr.Error) {
	refuse := func(a *PendingAppend) { p.complete(a, err) }
	p.uncommitted.releaseAll(refuse)
	p.unsynced.releaseAll(refuse)
	p.deletions.releaseAll(refuse)
}
