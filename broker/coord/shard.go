package coord

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/commitlog"
	"odradek/broker/metadata"
	"odradek/broker/record"
	"odradek/broker/replica"
)

// shard is one partition's machine, from an election of this node to the next change of leader.
//
// Locks, in the order in which they are taken: the runtime's, shard.mu (held through an append's write, never through a wait),
// the partition's, commits.mu.
type shard[M Machine] struct {
	runtime *Runtime[M]
	topicID metadata.UUID
	index   int32
	// commits outlives the machine for those who wait.
	commits commits

	mu        sync.Mutex
	epoch     int32 // the leader epoch in which records are appended
	state     shardState
	partition Partition
	machine   M
	// appended is the offset after the last record that the machine knows.
	appended int64
	timer    *time.Timer
	// wakes is when the timer fires, zero when it is not armed.
	wakes time.Time
}

type shardState int8

const (
	// loading: the log is being replayed, or awaited.
	loading shardState = iota
	// active: the machine decides.
	active
	// gone: this node leads no more.
	gone
)

func newShard[M Machine](r *Runtime[M], topicID metadata.UUID, index, epoch int32) *shard[M] {
	return &shard[M]{runtime: r, topicID: topicID, index: index, epoch: epoch, commits: commits{timeout: r.cfg.CommitTimeout}}
}

// follow takes over the next epoch of the same leader. It is false when the shard has to be loaded again.
func (s *shard[M]) follow(epoch int32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == gone || epoch < s.epoch || epoch > s.epoch+1 {
		return false
	}
	s.epoch = epoch
	if s.state == active {
		elect(s.machine, epoch)
	}
	return true
}

// resign drops the machine. Callers that wait are refused with err.
func (s *shard[M]) resign(err *kerr.Error) {
	s.mu.Lock()
	if s.state == gone {
		s.mu.Unlock()
		return
	}
	var waiting []Caller
	if s.state == active {
		waiting = s.machine.Abandon()
	}
	s.state = gone
	var none M
	s.machine = none
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	s.commits.end(err)
	for _, caller := range waiting {
		caller.Refuse(err)
	}
}

// do has the machine decide, and sees to the consequences. caller may be nil.
func (s *shard[M]) do(caller Caller, decide func(m M, now time.Time) Effects) {
	s.mu.Lock()
	var refusal *kerr.Error
	switch s.state {
	case loading:
		refusal = kerr.CoordinatorLoadInProgress
	case gone:
		refusal = kerr.NotCoordinator
	default:
		now := time.Now()
		s.perform(decide(s.machine, now), now)
		s.arm(now)
	}
	s.mu.Unlock()
	if refusal != nil && caller != nil {
		caller.Refuse(refusal)
	}
}

// tick is the timer's.
func (s *shard[M]) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != active {
		return
	}
	now := time.Now()
	s.wakes = time.Time{}
	for _, e := range s.machine.Tick(now) {
		s.perform(e, now)
	}
	s.arm(now)
}

// arm sets the timer for what the machine has to do next. s.mu is held.
func (s *shard[M]) arm(now time.Time) {
	next := s.machine.Next()
	if next.IsZero() || !s.wakes.IsZero() && !next.Before(s.wakes) {
		return // a timer that fires too early is armed again then
	}
	s.wakes = next
	wait := max(next.Sub(now), 0)
	if s.timer == nil {
		s.timer = time.AfterFunc(wait, s.tick)
		return
	}
	s.timer.Reset(wait)
}

// perform carries out what the machine decided. s.mu is held and the shard is active.
func (s *shard[M]) perform(e Effects, now time.Time) {
	if e.marker != nil {
		if err := s.end(*e.marker, now); err != nil {
			s.refuse(e, err, now)
			return
		}
	}
	if len(e.Records) > 0 {
		if err := s.append(e, now); err != nil {
			s.refuse(e, err, now)
			return
		}
		if !e.Applied {
			for _, r := range e.Records {
				s.replay(e.Producer, r)
			}
		}
	}
	answerAll(e.Prompt)
	s.commits.await(s.appended, e.Replies, now)
}

// refuse follows up on an append that was refused.
func (s *shard[M]) refuse(e Effects, err *kerr.Error, now time.Time) {
	s.runtime.cfg.Logger.Warn("a coordinator's records were refused", "topic", s.runtime.cfg.Topic, "partition", s.index, "error", err)
	if e.Refused != nil {
		s.perform(e.Refused(err, now), now)
		return
	}
	refuseAll(e.Prompt, err)
	refuseAll(e.Replies, err)
}

// append writes records at the end of the log. The error is a coordinator's.
func (s *shard[M]) append(e Effects, now time.Time) *kerr.Error {
	batches, count, err := s.encode(e, now)
	if err != nil {
		s.runtime.cfg.Logger.Error("a coordinator's records can't be encoded", "topic", s.runtime.cfg.Topic, "partition", s.index, "error", err)
		return kerr.UnknownServerError
	}
	a := &appending[M]{shard: s, end: s.appended + count}
	var guard commitlog.Guard
	if e.Producer != nil {
		guard = e.Producer.Guard
	}
	s.partition.AppendInEpoch(batches, s.epoch, guard, a.done)
	if refused := a.returned(); refused != nil {
		return coordinatorError(refused)
	}
	s.appended = a.end
	return nil
}

// appending tells an append that was refused, which changes nothing, from one whose records are in the log but are not
// committed as they should be. The first is told before AppendInEpoch returns.
type appending[M Machine] struct {
	shard *shard[M]
	end   int64 // the offset after the last record

	mu        sync.Mutex
	err       error
	returning bool
}

// returned is called when AppendInEpoch has returned, and says why the append was refused.
func (a *appending[M]) returned() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.returning = true
	return a.err
}

// done is what the partition calls. It must not wait for the shard.
func (a *appending[M]) done(result replica.AppendResult) {
	a.mu.Lock()
	a.err = result.Err
	late := a.returning
	a.mu.Unlock()
	s := a.shard
	switch {
	case result.Err == nil && result.LastOffset+1 == a.end:
		s.commits.reached(a.end)
	case result.Err == nil:
		// Somebody else wrote to this partition: the machine doesn't know all that is in the log.
		s.runtime.cfg.Logger.Error("a coordinator's log has records of others", "topic", s.runtime.cfg.Topic, "partition", s.index, "offset", result.LastOffset)
		s.lost()
	case late && result.Err == kerr.NotEnoughReplicasAfterAppend:
		s.commits.giveUp(a.end)
		s.runtime.spawn(func() {
			if s.awaitCommitted(s.partition, a.end) {
				s.commits.reached(a.end)
			}
		})
	case late:
		s.lost()
	}
}

// lost is called when what the machine knows may not be what is in the log: another leads, or the disk failed.
func (s *shard[M]) lost() {
	s.commits.end(kerr.NotCoordinator)
	s.runtime.spawn(func() { s.runtime.reload(s) })
}

func (s *shard[M]) replay(p *Producer, r Record) {
	producer := record.NoProducerID
	if p != nil {
		producer = p.ID
	}
	if err := replayOne(s.machine, producer, r); err != nil {
		s.runtime.cfg.Logger.Error("a coordinator's record is passed over", "topic", s.runtime.cfg.Topic, "partition", s.index, "error", err)
	}
}
