package coord

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/commitlog"
	"odradek/broker/metadata"
	"odradek/broker/record"
	"odradek/broker/replica"
)

// Partition is what a shard needs of a *replica.Partition, which documents it.
type Partition interface {
	AppendInEpoch(batches []byte, leaderEpoch int32, guard commitlog.Guard, done func(replica.AppendResult)) *replica.PendingAppend
	AppendMarkerInEpoch(batch []byte, bumped bool, leaderEpoch int32, done func(replica.AppendResult)) *replica.PendingAppend
	BeginVerification(producerID int64, epoch int16) (guard commitlog.Guard, needed bool, err error)
	Fetch(replica.FetchRequest) replica.FetchResult
	ListOffset(currentLeaderEpoch int32, isolation replica.Isolation, timestamp int64) (replica.OffsetAtTime, error)
	Watch(w *replica.Waiter, isolation replica.Isolation, offset int64) *replica.Watch
}

// Config says what a Runtime works with.
type Config[M Machine] struct {
	NodeID int32
	// Topic is the internal topic.
	Topic string
	// Partition finds a partition that this node hosts; the error is a *kerr.Error.
	Partition func(topicID metadata.UUID, index int32) (Partition, error)
	// New makes the machine of an empty shard.
	New func() M
	// LoadBytes is how much of the log is read at a time; CommitTimeout how long a reply waits for the high watermark.
	LoadBytes     int
	CommitTimeout time.Duration
	Codec         record.Codec
	Logger        *slog.Logger
}

// loadParallelism bounds the shards that load at once, and so the memory that loading takes.
const loadParallelism = 4

// Runtime holds the shards that this node leads.
type Runtime[M Machine] struct {
	cfg Config[M]
	// ctx ends with Close; background counts the goroutines that Close waits for.
	ctx        context.Context
	cancel     context.CancelFunc
	background sync.WaitGroup
	loading    chan struct{} // a place for each shard that loads

	mu      sync.RWMutex
	closed  bool
	topicID metadata.UUID
	count   int32 // partitions of the topic, 0 while there is none
	shards  map[int32]*shard[M]
}

// New makes a Runtime that leads nothing until Apply says so.
func New[M Machine](cfg Config[M]) *Runtime[M] {
	r := &Runtime[M]{cfg: cfg, loading: make(chan struct{}, loadParallelism), shards: make(map[int32]*shard[M])}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// Close drops every shard and waits for what runs in the background.
func (r *Runtime[M]) Close() {
	r.mu.Lock()
	r.closed = true
	shards := r.shards
	r.shards = nil
	r.mu.Unlock()
	r.cancel()
	for _, s := range shards {
		s.resign(kerr.NotCoordinator)
	}
	r.background.Wait()
}

// Apply follows the metadata: shards are loaded and dropped as leaderships come and go. It is called in the order of images,
// after the replicas took their roles, and does not wait for loading.
func (r *Runtime[M]) Apply(img *metadata.Image, delta *metadata.Delta) {
	topic := img.Topics[r.cfg.Topic]
	for i := range delta.Topics {
		changed := &delta.Topics[i]
		if changed.Name != r.cfg.Topic {
			continue
		}
		if changed.Deleted {
			r.drop(changed.ID)
			continue
		}
		r.mu.Lock()
		r.topicID, r.count = topic.ID, int32(len(topic.Partitions))
		r.mu.Unlock()
		for _, index := range changed.Partitions {
			r.place(topic, index)
		}
	}
}

// drop gives up all shards of a topic that was deleted.
func (r *Runtime[M]) drop(topicID metadata.UUID) {
	r.mu.Lock()
	var shards map[int32]*shard[M]
	if r.topicID == topicID && !r.closed {
		shards = r.shards
		r.shards, r.count = make(map[int32]*shard[M]), 0
	}
	r.mu.Unlock()
	for _, s := range shards {
		s.resign(kerr.NotCoordinator)
	}
}

// place acts on the leader of one partition. A shard stays as it is when this node leads the next epoch after its own: nobody
// else can have led in between.
func (r *Runtime[M]) place(topic *metadata.Topic, index int32) {
	reg := topic.Partition(index)
	mine := reg.Leader == r.cfg.NodeID
	r.mu.RLock()
	before := r.shards[index]
	r.mu.RUnlock()
	if before != nil && mine && before.follow(reg.LeaderEpoch) {
		return
	}
	var next *shard[M]
	if mine {
		next = newShard(r, topic.ID, index, reg.LeaderEpoch)
	}
	r.replace(before, next, index)
	if before != nil {
		before.resign(kerr.NotCoordinator)
	}
}

// replace puts next, which is loaded, in the place of before; either may be nil. It does nothing when before is not there any more.
func (r *Runtime[M]) replace(before, next *shard[M], index int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || before != nil && r.shards[index] != before {
		return
	}
	delete(r.shards, index)
	if next != nil {
		r.shards[index] = next
		r.background.Go(next.load)
	}
}

// reload starts a shard over that can't go on, though its partition may still be led here.
func (r *Runtime[M]) reload(s *shard[M]) {
	s.resign(kerr.NotCoordinator)
	s.mu.Lock()
	epoch := s.epoch
	s.mu.Unlock()
	r.replace(s, newShard(r, s.topicID, s.index, epoch), s.index)
}

// spawn runs f on a goroutine that Close waits for, unless it has begun.
func (r *Runtime[M]) spawn(f func()) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.closed {
		r.background.Go(f)
	}
}

// Do has the machine of a key's shard decide. caller is refused when there is none: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS,
// COORDINATOR_NOT_AVAILABLE. decide must see to it that caller is answered, then or later.
func (r *Runtime[M]) Do(key string, caller Caller, decide func(m M, now time.Time) Effects) {
	r.mu.RLock()
	closed, count := r.closed, r.count
	var s *shard[M]
	if count > 0 {
		s = r.shards[PartitionFor(key, count)]
	}
	r.mu.RUnlock()
	switch {
	case closed:
		caller.Refuse(kerr.CoordinatorNotAvailable)
	case s == nil:
		caller.Refuse(kerr.NotCoordinator)
	default:
		s.do(caller, decide)
	}
}

// Each has the machine of every shard here decide, one after the other, for a caller of its own each, which newCaller makes
// first for all of them.
func (r *Runtime[M]) Each(newCallers func(n int) []Caller, decide func(m M, caller Caller, now time.Time) Effects) {
	r.mu.RLock()
	shards := make([]*shard[M], 0, len(r.shards))
	for index := range r.count {
		if s := r.shards[index]; s != nil {
			shards = append(shards, s)
		}
	}
	r.mu.RUnlock()
	for i, caller := range newCallers(len(shards)) {
		shards[i].do(caller, func(m M, now time.Time) Effects { return decide(m, caller, now) })
	}
}

// Background has every machine that is loaded decide for nobody, some time soon: what a change elsewhere calls for.
func (r *Runtime[M]) Background(decide func(m M, now time.Time) Effects) {
	r.spawn(func() {
		r.Each(func(n int) []Caller { return make([]Caller, n) },
			func(m M, _ Caller, now time.Time) Effects { return decide(m, now) })
	})
}
