package replica

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/env/buggify"
	"odradek/broker/env/sometimes"
	"odradek/broker/record"
)

// errDiverged says that the leader reports a divergence that this log does not show.
var errDiverged = errors.New("leader reports a divergence that truncation doesn't resolve")

// errForeignBatch says that fetched records are not the leader's that was asked.
var errForeignBatch = errors.New("fetched batch is of a later leader")

// position is where a follower's log ends, as it tells its leader.
type position struct {
	offset         int64 // log end offset
	logStartOffset int64
	lastEpoch      int32 // leader epoch of the last record, -1 for an empty log
	leaderEpoch    int32 // the epoch in which the leader is followed
}

// followerPosition returns what to ask leader for next; ok is false when this replica doesn't follow that node (any more).
func (p *Partition) followerPosition(leader int32) (at position, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.positionLocked(leader)
}

func (p *Partition) positionLocked(leader int32) (position, bool) {
	if p.state != online || p.lead != nil || p.leaderID != leader {
		return position{}, false
	}
	return position{
		offset:         p.log.EndOffset(),
		logStartOffset: p.log.StartOffset(),
		lastEpoch:      p.log.LastEpoch(),
		leaderEpoch:    p.leaderEpoch,
	}, true
}

// replicate applies what leader answered to a fetch at position at. An answer that the log or the role has overtaken is
// ignored. The error is one to back off after.
func (p *Partition) replicate(leader int32, at position, answer *kmsg.FetchResponseTopicPartition) error {
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		return err
	}
	batches, flaw := continuation(answer.RecordBatches, at.leaderEpoch)
	if first, rest, err := record.Split(batches); err == nil && len(rest) > 0 && buggify.Fires(buggify.SipFetched) {
		batches = first
	}

	p.mu.Lock()
	defer p.unlock()
	now, ok := p.positionLocked(leader)
	if !ok || now.offset != at.offset || now.leaderEpoch != at.leaderEpoch {
		return nil
	}
	if d := answer.DivergingEpoch; d.EndOffset >= 0 && d.Epoch >= 0 {
		return p.truncateDiverging(d.Epoch, d.EndOffset)
	}
	p.throttleFetched(len(answer.RecordBatches))
	if len(batches) > 0 {
		if _, err := p.log.AppendFollower(batches); err != nil {
			p.setHighWatermark(min(p.highWatermark, p.log.EndOffset())) // an empty log's end may have gone back
			return p.storageError(err)
		}
		p.fire()
		if !p.settings.durable() {
			p.armSync()
		}
	}
	if err := p.followMarks(answer.HighWatermark, answer.LogStartOffset); err != nil {
		return err
	}
	return flaw
}

// continuation returns the whole batches at the front of fetched that are of the leader's epoch at most, and what is wrong
// with the rest. A batch cut off at the end is no flaw: the leader fills up to a limit.
//
// A leader that steps down while it sends may send what it received from its successor, which need not continue what this
// log has: the epoch in each batch tells. All else that has to agree is checked by the log.
func continuation(fetched []byte, leaderEpoch int32) (batches []byte, flaw error) {
	rest := fetched
	for len(rest) > 0 {
		batch, tail, err := record.Split(rest)
		if errors.Is(err, record.ErrTruncated) {
			break
		}
		if err == nil && batch.PartitionLeaderEpoch() > leaderEpoch {
			err = fmt.Errorf("%w: offset %d has epoch %d, the leader %d", errForeignBatch, batch.BaseOffset(), batch.PartitionLeaderEpoch(), leaderEpoch)
		}
		if err != nil {
			flaw = err
			break
		}
		rest = tail
	}
	return fetched[:len(fetched)-len(rest)], flaw
}

// followMarks takes over the leader's high watermark and log start offset, as far as this log goes. p.mu is held.
func (p *Partition) followMarks(highWatermark, logStartOffset int64) error {
	p.level = p.log.EndOffset() >= highWatermark
	if mark := min(highWatermark, p.log.EndOffset()); mark > p.highWatermark {
		p.setHighWatermark(mark)
		p.fire()
	}
	if logStartOffset > p.log.StartOffset() && logStartOffset <= p.highWatermark {
		if err := p.log.AdvanceStart(logStartOffset); err != nil {
			return p.storageError(err)
		}
	}
	return nil
}

// epochHistory is what truncationPoint has to know of a log.
type epochHistory interface {
	EndOffset() int64
	EpochEndOffset(epoch int32) (foundEpoch int32, endOffset int64)
}

// truncationPoint returns where a follower's log must end at most, given that its leader's log has epoch as the largest
// epoch not above the follower's last one, and that the leader's records of that epoch end at endOffset (KIP-279).
//
// When the follower doesn't know that epoch, it falls back to the largest that it has below; records of both may still
// diverge, which the next fetch finds out.
func truncationPoint(log epochHistory, epoch int32, endOffset int64) int64 {
	foundEpoch, foundEnd := log.EpochEndOffset(epoch)
	switch {
	case foundEnd < 0:
		return min(endOffset, log.EndOffset())
	case foundEpoch != epoch:
		return min(foundEnd, log.EndOffset())
	default:
		return min(foundEnd, endOffset, log.EndOffset())
	}
}

// truncateDiverging cuts off what the leader doesn't have. It may be no record but only the mark of an epoch in which this
// node led and appended nothing. p.mu is held.
func (p *Partition) truncateDiverging(epoch int32, endOffset int64) error {
	end, last := p.log.EndOffset(), p.log.LastEpoch()
	if err := p.truncate(truncationPoint(p.log, epoch, endOffset)); err != nil {
		return err
	}
	if p.log.EndOffset() == end && p.log.LastEpoch() == last {
		return fmt.Errorf("%w: epoch %d ends at %d, log at %d in epoch %d", errDiverged, epoch, endOffset, end, last)
	}
	return nil
}

// truncate cuts the log at offset to. The disk is waited for with p.mu held: nothing may be read or appended until it is done,
// and it is rare.
func (p *Partition) truncate(to int64) error {
	level := p.manager.cfg.Logger.Info
	if to < p.highWatermark {
		level = p.manager.cfg.Logger.Warn // committed records are lost, as after an unclean election
	}
	level("truncating", "partition", p.String(), "from", p.log.EndOffset(), "to", to, "highWatermark", p.highWatermark, "leaderEpoch", p.leaderEpoch)
	if to < p.log.EndOffset() {
		sometimes.Reached(sometimes.Truncated)
	}
	if err := p.log.TruncateTo(to); err != nil {
		return p.storageError(err)
	}
	p.cutFuture(p.log.EndOffset())
	p.setHighWatermark(min(p.highWatermark, p.log.EndOffset()))
	p.firstDirty = min(p.firstDirty, p.log.EndOffset())
	return nil
}

// outOfRange finds a place to go on from after the leader refused the offset at position at, given its log's bounds. A log
// that goes beyond the leader's is cut (the leader was elected uncleanly), one that ends before the leader's begins is
// thrown away: retention deleted what lies between. Otherwise the next fetch finds the leader's log changed meanwhile.
func (p *Partition) outOfRange(leader int32, at position, leaderStart, leaderEnd int64) error {
	p.mu.Lock()
	defer p.unlock()
	now, ok := p.positionLocked(leader)
	switch {
	case !ok || now.offset != at.offset || now.leaderEpoch != at.leaderEpoch:
		return nil
	case leaderEnd < now.offset:
		return p.truncate(leaderEnd)
	case leaderStart > now.offset:
		p.manager.cfg.Logger.Info("starting over", "partition", p.String(), "logEndOffset", now.offset, "leaderStartOffset", leaderStart)
		sometimes.Reached(sometimes.StartedOver)
		if err := p.log.TruncateAndStartAt(leaderStart); err != nil {
			return p.storageError(err)
		}
		p.cutFuture(0)
		p.setHighWatermark(leaderStart)
		p.firstDirty = 0
	}
	return nil
}

// unsyncedFollower says that the log's end must not be told to the leader before it is synced: the offset of a fetch vouches
// for all before it.
func (p *Partition) unsyncedFollower() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state == online && p.settings.durable() && p.log.SyncedOffset() < p.log.EndOffset()
}

// syncFollower syncs the log up to its end.
func (p *Partition) syncFollower() {
	log := p.Log()
	if log == nil {
		return
	}
	err := log.Sync(log.EndOffset())
	p.mu.Lock()
	p.synced(log, err)
	p.unlock()
}

// storageError answers a failed change of the log, which takes the replica offline unless it is a known refusal. p.mu is held.
func (p *Partition) storageError(err error) error {
	answer, fatal := answerFor(err)
	if fatal {
		p.fail(err)
	}
	return fmt.Errorf("%w: %w", answer, err)
}
