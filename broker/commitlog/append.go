package commitlog

import (
	"fmt"
	"math"
	"time"

	"odradek/broker/env/buggify"
	"odradek/broker/record"
)

// AppendInfo says where an append went.
type AppendInfo struct {
	FirstOffset    int64
	LastOffset     int64 // inclusive
	LogAppendTime  int64 // milliseconds since 1970; -1 when message.timestamp.type is CreateTime
	LogStartOffset int64
	// Duplicate says that an idempotent producer has sent these batches before: nothing was appended, the offsets are those
	// of the first time.
	Duplicate bool
}

// origin says who wrote batches, and so what must be checked of them; Kafka's AppendOrigin.
type origin int8

const (
	originClient origin = iota
	originCoordinator
	originBumping // a coordinator whose markers bump the producer's epoch
	originReplication
)

// appendSet is what an append learned of its batches before it writes them.
type appendSet struct {
	batches      []byte // one after the other, as they are written
	first, last  int64  // offsets, inclusive
	maxTimestamp int64
	appendTime   int64 // -1 when records keep their own
}

// AppendLeader appends a producer's batches, one after the other in batches, at the end of the log. The base offsets, the
// leader epoch and, where the topic asks for it, the log append time are stamped into batches itself, which are then
// written with one WriteAt; the caller may use the memory again afterwards. Batches of another codec than the topic's
// compression.type are converted first.
//
// All batches are appended or none. Errors: record's, ErrMessageTooLarge, ErrRecordListTooLarge, ErrInvalidTimestamp,
// ErrOutOfOrderSequence, ErrInvalidProducerEpoch, ErrInvalidTxnState, ErrStaleLeaderEpoch, ErrStorage, ErrClosed, and the
// disk's, after which the log is as it was.
//
// A transaction's first batch is refused with ErrInvalidTxnState: see AppendVerified.
func (l *Log) AppendLeader(batches []byte, leaderEpoch int32) (AppendInfo, error) {
	return l.appendLeader(batches, leaderEpoch, originClient, 0)
}

// AppendVerified is AppendLeader with the guard that a transaction's first batch needs (BeginVerification).
func (l *Log) AppendVerified(batches []byte, leaderEpoch int32, guard Guard) (AppendInfo, error) {
	return l.appendLeader(batches, leaderEpoch, originClient, guard)
}

// AppendCoordinator is AppendLeader for what a coordinator writes: control batches may be among it, and sequence numbers are
// not looked at. It can also answer ErrCoordinatorFenced.
func (l *Log) AppendCoordinator(batches []byte, leaderEpoch int32, guard Guard) (AppendInfo, error) {
	return l.appendLeader(batches, leaderEpoch, originCoordinator, guard)
}

// AppendMarker is AppendCoordinator for a marker. bumped says that its producer epoch is the one after that of the transaction
// it ends (KIP-890): a transaction that is open in the marker's own epoch is a later one then, and the marker, which comes late,
// is refused with ErrInvalidProducerEpoch.
func (l *Log) AppendMarker(marker record.Batch, leaderEpoch int32, bumped bool) (AppendInfo, error) {
	from := originCoordinator
	if bumped {
		from = originBumping
	}
	return l.appendLeader(marker, leaderEpoch, from, 0)
}

func (l *Log) appendLeader(batches []byte, leaderEpoch int32, from origin, guard Guard) (AppendInfo, error) {
	l.writer.Lock()
	defer l.writer.Unlock()
	if err := l.usable(); err != nil {
		return AppendInfo{}, err
	}
	if leaderEpoch < l.epochs.last() {
		return AppendInfo{}, fmt.Errorf("%w: %d after %d", ErrStaleLeaderEpoch, leaderEpoch, l.epochs.last())
	}
	cfg, nowMs := l.config.Load(), time.Now().UnixMilli()
	l.expireProducers(nowMs, cfg)
	batches, err := admit(batches, from, cfg, nowMs)
	if err != nil {
		return AppendInfo{}, err
	}
	if known, ok, err := l.checkProducers(batches, from, guard); err != nil || ok {
		known.LogStartOffset = l.startOffset
		return known, err
	}
	set := l.assign(batches, leaderEpoch, cfg, nowMs)
	if err := l.write(set, cfg, nowMs); err != nil {
		return AppendInfo{}, err
	}
	return l.info(set), nil
}

// assign stamps offsets and epoch into batches that were admitted.
func (l *Log) assign(batches []byte, leaderEpoch int32, cfg *Config, nowMs int64) appendSet {
	next := l.active().nextOffset
	set := appendSet{batches: batches, first: next, maxTimestamp: record.NoTimestamp, appendTime: -1}
	if cfg.MessageTimestampType == record.LogAppendTime {
		set.appendTime = nowMs
	}
	for batch := range eachBatch(batches) {
		batch.SetBaseOffset(next)
		batch.SetPartitionLeaderEpoch(leaderEpoch)
		if set.appendTime >= 0 {
			batch.SetLogAppendTime(set.appendTime)
		} else if batch.TimestampType() == record.LogAppendTime {
			batch.SetCreateTime()
		}
		set.maxTimestamp = max(set.maxTimestamp, batch.MaxTimestamp())
		next = batch.NextOffset()
	}
	set.last = next - 1
	return set
}

// AppendFollower appends batches as another replica's log has them: offsets and leader epochs are kept. Offsets must rise from
// the log's end on; where compaction has removed batches, they leave gaps. What a segment can't span (2^31 offsets) is left
// off: the log's end tells where to go on. Errors: record's, ErrNotContiguous, ErrStaleLeaderEpoch, ErrStorage, ErrClosed, and
// the disk's, after which the log is as it was. A last batch that is cut short is record.ErrTruncated, and nothing is appended.
//
// An empty log may start amid the first batch, of which the leader has deleted records (DeleteRecords). It takes the batch whole
// and keeps its start; after an error it may start, empty, at the batch's base offset.
func (l *Log) AppendFollower(batches []byte) (AppendInfo, error) {
	l.writer.Lock()
	defer l.writer.Unlock()
	if err := l.usable(); err != nil {
		return AppendInfo{}, err
	}
	cfg, nowMs := l.config.Load(), time.Now().UnixMilli()
	l.expireProducers(nowMs, cfg)
	start := l.startOffset
	if first, _, err := record.Split(batches); err == nil && l.startsAmid(first) {
		if err := l.restart(first.BaseOffset()); err != nil {
			return AppendInfo{}, err
		}
	}
	set, err := l.follow(batches)
	if err != nil {
		return AppendInfo{}, err
	}
	if err := l.write(set, cfg, nowMs); err != nil {
		return AppendInfo{}, err
	}
	if err := l.advance(start); err != nil {
		return AppendInfo{}, err
	}
	return l.info(set), nil
}

// startsAmid says that the log is empty and starts amid the batch. A segment can't hold offsets below its base: the log has
// to start over where the batch does.
func (l *Log) startsAmid(batch record.Batch) bool {
	end := l.active().nextOffset
	return l.startOffset == end && batch.BaseOffset() < end && batch.LastOffset() >= end && batch.Verify() == nil
}

// follow checks that batches continue the log.
func (l *Log) follow(batches []byte) (appendSet, error) {
	end, epoch := l.active().nextOffset, l.epochs.last()
	next := end
	set := appendSet{batches: batches, first: -1, maxTimestamp: record.NoTimestamp, appendTime: -1}
	for rest := batches; len(rest) > 0; {
		batch, tail, err := record.Split(rest)
		if err == nil {
			err = batch.Verify()
		}
		if err != nil {
			return set, err
		}
		if set.first >= 0 && batch.LastOffset()-end > math.MaxInt32 {
			set.batches = batches[:len(batches)-len(rest)]
			break
		}
		if batch.BaseOffset() < next || batch.LastOffset()-end > math.MaxInt32 {
			return set, fmt.Errorf("%w: batch at %d, end at %d", ErrNotContiguous, batch.BaseOffset(), next)
		}
		if batch.PartitionLeaderEpoch() < epoch {
			return set, fmt.Errorf("%w: %d after %d, at %d", ErrStaleLeaderEpoch, batch.PartitionLeaderEpoch(), epoch, next)
		}
		if batch.IsControl() {
			if _, err := markerOf(batch); err != nil {
				return set, err
			}
		}
		if set.first < 0 {
			set.first = batch.BaseOffset()
		}
		set.maxTimestamp = max(set.maxTimestamp, batch.MaxTimestamp())
		next, epoch, rest = batch.NextOffset(), batch.PartitionLeaderEpoch(), tail
	}
	if set.first < 0 {
		return set, fmt.Errorf("%w: no batch", record.ErrInvalid)
	}
	set.last = next - 1
	return set, nil
}

// write puts the set behind the log's end, in one WriteAt, and shows it to readers. After a failure the log is as it was; if
// even that can't be had, it is failed. The caller holds writer.
func (l *Log) write(set appendSet, cfg *Config, nowMs int64) error {
	if l.active().full(len(set.batches), set.last, set.maxTimestamp, nowMs, cfg) || l.active().size > 0 && buggify.Fires(buggify.RollEarly) {
		if err := l.roll(); err != nil {
			return err
		}
	}
	s := l.active()
	if _, err := s.file.WriteAt(set.batches, s.size); err != nil {
		// Part of it may be there. Recovery would take whole batches among it for appended, even when they were overwritten
		// meanwhile and a loss of power brings the older bytes back: so the cut must be durable.
		cutErr := s.file.Truncate(s.size)
		if cutErr == nil {
			cutErr = l.syncFile(s)
		}
		if cutErr != nil {
			return l.fail("append", fmt.Errorf("%w, then: %w", err, cutErr))
		}
		return fmt.Errorf("append at %d: %w", set.first, err)
	}
	l.publish(s, set, cfg)
	return nil
}

func (l *Log) publish(s *segment, set appendSet, cfg *Config) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for batch := range eachBatch(set.batches) {
		l.take(s, batch, cfg.IndexIntervalBytes)
		l.endVerification(batch)
	}
}

// take makes a batch, which lies in the file at the end of s, part of the log. The caller holds mu, or opens the log.
func (l *Log) take(s *segment, batch record.Batch, indexInterval int64) {
	s.observe(batch, indexInterval)
	l.tail.push(s.nextOffset, s.size)
	if epoch := batch.PartitionLeaderEpoch(); epoch >= 0 && epoch != l.epochs.last() {
		l.epochs.assign(epoch, batch.BaseOffset())
	}
	l.epochs.used()
	if aborted, ok := l.producers.applyBatch(batch); ok {
		s.noteAborted(aborted)
	}
}

func (l *Log) info(set appendSet) AppendInfo {
	return AppendInfo{FirstOffset: set.first, LastOffset: set.last, LogAppendTime: set.appendTime, LogStartOffset: l.startOffset}
}

func (l *Log) expireProducers(nowMs int64, cfg *Config) {
	if nowMs-l.producers.purgedMs < producerPurgeMs {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.producers.purgedMs = nowMs
	l.producers.expire(nowMs, cfg.ProducerIDExpirationMs)
	l.expireVerifications(nowMs, cfg.ProducerIDExpirationMs)
}

// eachBatch yields the batches of a set that was checked.
func eachBatch(batches []byte) func(yield func(record.Batch) bool) {
	return func(yield func(record.Batch) bool) {
		for rest := batches; len(rest) > 0; {
			batch, tail, err := record.Split(rest)
			if err != nil {
				panic("commitlog: batches that were checked can't be split: " + err.Error())
			}
			if !yield(batch) {
				return
			}
			rest = tail
		}
	}
}
