package replica

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/commitlog"
	"odradek/broker/env/buggify"
	"odradek/broker/env/sometimes"
	"odradek/broker/wire"
)

// FetchRequest asks a partition for records.
type FetchRequest struct {
	Offset int64
	// CurrentLeaderEpoch is the epoch in which the reader believes, -1 when it doesn't say.
	CurrentLeaderEpoch int32
	// LastFetchedEpoch is the leader epoch of the record before Offset in the reader's log, -1 when it doesn't say.
	LastFetchedEpoch int32
	// LogStartOffset is the follower's own; -1 from consumers.
	LogStartOffset int64
	// MaxBytes bounds the records; AtLeastOne lets the first batch exceed it.
	MaxBytes   int
	AtLeastOne bool
	Isolation  Isolation
	// ReplicaID is the follower's node id, -1 for a consumer; ReplicaEpoch its broker epoch, -1 when it doesn't say.
	ReplicaID    int32
	ReplicaEpoch int64
	// Again marks a further look by the same request, after a wait: it says nothing new of the follower, and by now the
	// follower may have asked for more on another connection.
	Again bool
	// Rack is the consumer's, empty when it doesn't say.
	Rack string
	// AllowFollower lets a consumer read from a replica that doesn't lead (KIP-392): set for versions from 11.
	AllowFollower bool
}

// FetchResult is what a Fetch found. Offsets are -1 when there is an error.
type FetchResult struct {
	// Slice holds the records, nil when there are none. It is a commitlog.Slice; whoever gets it must release it.
	Slice            wire.Slice
	HighWatermark    int64
	LastStableOffset int64
	LogStartOffset   int64
	// AbortedTxns are those with records in Slice, by rising first offset; only for readers of committed records.
	AbortedTxns []commitlog.AbortedTxn
	// DivergingEpoch says, when set, that the reader's log is not a prefix of this one: it ends, at most, where the
	// epoch ended (KIP-595).
	DivergingEpoch *wire.EpochEndOffset
	// PreferredReadReplica is the replica that the consumer is sent to instead of being given records (KIP-392), -1 for none.
	PreferredReadReplica int32
	// Throttled says that the follower is given nothing for a while, whatever there is.
	Throttled bool
	// Err is nil or a *kerr.Error.
	Err error
	// CurrentLeaderID and CurrentLeaderEpoch are set with errors that say that the reader's metadata is old, else -1.
	CurrentLeaderID    int32
	CurrentLeaderEpoch int32
}

func (r *FetchRequest) fromFollower() bool { return r.ReplicaID >= 0 }

// Fetch reads records, and, when a follower asks, learns from its offset what it has. It is to be called for every partition
// of a follower's request, also for those that a fetch session leaves unsaid: who isn't heard falls out of the ISR.
//
// A follower that reads while the leader steps down and truncates may get bytes of the next epoch: it refuses those by the
// epoch in each batch (see follower.go).
func (p *Partition) Fetch(req FetchRequest) FetchResult {
	p.mu.Lock()
	result, end, err := p.prepareFetch(&req)
	if err != nil {
		result.Err = err
		result.CurrentLeaderID, result.CurrentLeaderEpoch = p.hint(err)
	}
	log, counts, leads := p.log, p.leaderThrottled && req.fromFollower(), p.lead != nil
	p.unlock()
	if err != nil || result.PreferredReadReplica >= 0 || result.DivergingEpoch != nil || req.Offset >= end {
		return result
	}
	if buggify.Fires(buggify.FetchLittle) {
		req.MaxBytes = 1
	}
	slice, readErr := log.Read(req.Offset, commitlog.ReadLimits{MaxBytes: req.MaxBytes, EndOffset: end, AtLeastOne: req.AtLeastOne})
	if readErr != nil {
		return p.readFailed(log, readErr)
	}
	if slice.Len() == 0 {
		slice.Release()
		return result
	}
	result.Slice = slice
	if !leads {
		sometimes.Reached(sometimes.ReadAtFollower)
	}
	if counts {
		p.manager.throttles.leader.Record(slice.Len(), time.Now())
	}
	if req.Isolation == Committed {
		if result.AbortedTxns, readErr = log.AbortedTransactions(req.Offset, slice.NextOffset()); readErr != nil {
			slice.Release()
			return p.readFailed(log, readErr)
		}
	}
	return result
}

// prepareFetch checks the request, notes the follower's progress and returns the offset up to which may be read. p.mu is
// held.
func (p *Partition) prepareFetch(req *FetchRequest) (FetchResult, int64, *kerr.Error) {
	none := noFetch
	if err := p.readable(req.CurrentLeaderEpoch, req.fromFollower() || !req.AllowFollower); err != nil {
		return none, 0, err
	}
	var follower *progress
	if req.fromFollower() {
		var err *kerr.Error
		if follower, err = p.followerOf(req); err != nil {
			return none, 0, err
		}
	}
	if nearest := p.nearest(req); nearest >= 0 {
		result := p.withMarks(none)
		result.PreferredReadReplica = nearest
		return result, 0, nil
	}
	if req.LastFetchedEpoch >= 0 {
		diverging, err := p.diverges(req)
		if err != nil {
			return none, 0, err
		}
		none.DivergingEpoch = diverging
	}
	if none.DivergingEpoch == nil {
		if req.Offset < p.log.StartOffset() || req.Offset > p.log.EndOffset() {
			return none, 0, kerr.OffsetOutOfRange
		}
		if follower != nil && !req.Again {
			p.followerFetched(follower, req)
		}
	}
	result, end := p.withMarks(none), p.readableEnd(req.Isolation)
	if follower != nil && req.Offset < end && p.throttles(follower) {
		result.Throttled, end = true, req.Offset
	}
	return result, end, nil
}

// noFetch is a result that tells nothing.
var noFetch = FetchResult{
	HighWatermark: -1, LastStableOffset: -1, LogStartOffset: -1, PreferredReadReplica: -1, CurrentLeaderID: -1, CurrentLeaderEpoch: -1,
}

// withMarks says how far this log can be read. p.mu is held.
func (p *Partition) withMarks(result FetchResult) FetchResult {
	result.HighWatermark = p.highWatermark
	result.LastStableOffset = p.lastStableOffset()
	result.LogStartOffset = p.log.StartOffset()
	return result
}

// readable checks that this replica may answer a reader that believes in epoch. p.mu is held.
func (p *Partition) readable(epoch int32, leaderOnly bool) *kerr.Error {
	if err := p.usable(); err != nil {
		return err
	}
	if err := checkEpoch(epoch, p.leaderEpoch); err != nil {
		return err
	}
	if leaderOnly && p.lead == nil {
		return kerr.NotLeaderForPartition
	}
	return nil
}

// followerOf returns the progress of the follower that asks. p.mu is held.
func (p *Partition) followerOf(req *FetchRequest) (*progress, *kerr.Error) {
	follower := p.lead.follower(req.ReplicaID)
	if follower == nil {
		// The follower knows of an assignment that this node hasn't heard of yet: it is to ask again.
		return nil, kerr.UnknownLeaderEpoch
	}
	if req.ReplicaEpoch >= 0 && p.manager.staleBroker(req.ReplicaID, req.ReplicaEpoch) {
		return nil, kerr.NotLeaderForPartition
	}
	return follower, nil
}

// diverges compares the epoch of the reader's last record with the history of this log. The reader's log is a prefix of
// this one exactly when this log knows the epoch and it goes as far as the reader's log does; else the reader has to
// truncate and ask again. p.mu is held.
func (p *Partition) diverges(req *FetchRequest) (*wire.EpochEndOffset, *kerr.Error) {
	epoch, end := p.log.EpochEndOffset(req.LastFetchedEpoch)
	if epoch < 0 || end < 0 || req.Offset < p.log.StartOffset() {
		return nil, kerr.OffsetOutOfRange
	}
	if epoch < req.LastFetchedEpoch || end < req.Offset {
		return &wire.EpochEndOffset{Epoch: epoch, EndOffset: end}, nil
	}
	return nil, nil
}

// followerFetched notes what a follower has, and acts on it. p.mu is held.
func (p *Partition) followerFetched(f *progress, req *FetchRequest) {
	now := time.Now()
	before := f.logEndOffset
	f.fetched(req.Offset, req.LogStartOffset, p.log.EndOffset(), req.ReplicaEpoch, now)
	if f.logEndOffset != before {
		p.advance(now)
	}
	p.releaseDeletions()
	if change := p.lead.proposeExpand(f, p.highWatermark, p.manager.eligible); change != nil {
		p.manager.alter.propose(p, change)
	}
}

// readFailed translates a failed read of log.
func (p *Partition) readFailed(log *commitlog.Log, err error) FetchResult {
	answer, _ := answerFor(err)
	p.mu.Lock()
	p.resignOver(log, answer, err)
	result := noFetch
	result.Err = answer
	result.CurrentLeaderID, result.CurrentLeaderEpoch = p.hint(answer)
	p.unlock()
	return result
}

// hint returns the leader to tell to a client whose metadata is old by what err says, else -1 and -1. p.mu is held.
func (p *Partition) hint(err *kerr.Error) (leader, epoch int32) {
	if err == kerr.NotLeaderForPartition || err == kerr.FencedLeaderEpoch {
		return p.leaderID, p.leaderEpoch
	}
	return -1, -1
}
