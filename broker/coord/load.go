package coord

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/env/sometimes"
	"odradek/broker/record"
	"odradek/broker/replica"
)

// The pauses before a partition that isn't ready is tried again: a log that was just created is opened in the background.
const (
	loadPauseMin = 10 * time.Millisecond
	loadPauseMax = time.Second
)

// recordsBytesMax bounds what a batch of the log decompresses to.
const recordsBytesMax = 64 << 20

// load fills the machine from the log and makes the shard active. It goes on until it succeeds or the shard is resigned: there
// is nobody else to do the work of this partition.
func (s *shard[M]) load() {
	for pause := loadPauseMin; ; pause = min(2*pause, loadPauseMax) {
		if s.epochNow() < 0 || s.tryLoad() {
			return
		}
		select {
		case <-time.After(pause):
		case <-s.runtime.ctx.Done():
			return
		}
	}
}

// epochNow is the epoch to load in, -1 when the shard is gone.
func (s *shard[M]) epochNow() int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == gone {
		return -1
	}
	return s.epoch
}

// tryLoad is one attempt. False: it is to be tried again.
func (s *shard[M]) tryLoad() bool {
	began := time.Now()
	partition, err := s.runtime.cfg.Partition(s.topicID, s.index)
	if err != nil {
		return false
	}
	select {
	case s.runtime.loading <- struct{}{}:
	case <-s.runtime.ctx.Done():
		return true
	}
	machine := s.runtime.cfg.New()
	end, records, err := s.replayLog(partition, machine)
	<-s.runtime.loading // what follows takes no memory, and may take long
	if err != nil {
		s.runtime.cfg.Logger.Debug("a coordinator's shard is not loaded yet", "topic", s.runtime.cfg.Topic, "partition", s.index, "error", err)
		return false
	}
	if !s.awaitCommitted(partition, end) {
		return false
	}
	s.activate(partition, machine, end)
	s.runtime.cfg.Logger.Debug("a coordinator's shard is loaded", "topic", s.runtime.cfg.Topic, "partition", s.index,
		"records", records, "end", end, "took", time.Since(began))
	return true
}

// replayLog shows the machine every record of the log. The log does not grow meanwhile: in this epoch only the shard writes.
func (s *shard[M]) replayLog(partition Partition, machine M) (end int64, records int, err error) {
	var buf []byte
	offset := int64(-1)
	for {
		epoch := s.epochNow()
		if epoch < 0 {
			return 0, 0, kerr.NotCoordinator
		}
		if offset < 0 {
			start, err := partition.ListOffset(epoch, replica.LogEnd, replica.TimestampEarliest)
			if err != nil {
				return 0, 0, err
			}
			offset = start.Offset
		}
		result := partition.Fetch(fetch(epoch, offset, replica.LogEnd, s.runtime.cfg.LoadBytes))
		switch {
		case result.Err != nil:
			return 0, 0, result.Err
		case result.Slice == nil:
			return offset, records, nil
		}
		buf = slices.Grow(buf[:0], result.Slice.Len())[:result.Slice.Len()]
		err = result.Slice.ReadInto(buf)
		result.Slice.Release()
		if err != nil {
			return 0, 0, err
		}
		for rest := buf; len(rest) > 0; {
			var batch record.Batch
			if batch, rest, err = record.Split(rest); err != nil {
				return 0, 0, fmt.Errorf("at offset %d: %w", offset, err)
			}
			n, err := s.replayBatch(batch, machine)
			if err != nil {
				return 0, 0, fmt.Errorf("at offset %d: %w", offset, err)
			}
			records += n
			offset = batch.NextOffset()
		}
	}
}

func (s *shard[M]) replayBatch(batch record.Batch, machine M) (records int, err error) {
	if err := batch.Verify(); err != nil {
		return 0, err
	}
	if batch.IsControl() {
		return 0, replayEnd(batch, machine)
	}
	producer := record.NoProducerID
	if batch.IsTransactional() {
		producer = batch.ProducerID()
	}
	for r, err := range batch.Records(recordsBytesMax) {
		if err != nil {
			return 0, err
		}
		records++
		// The machine keeps what it is given, and the buffer is used again.
		if err := replayOne(machine, producer, Record{Key: cloned(r.Key), Value: cloned(r.Value)}); err != nil {
			s.runtime.cfg.Logger.Error("a coordinator's record is passed over", "topic", s.runtime.cfg.Topic, "partition", s.index,
				"offset", r.Offset, "error", err)
		}
	}
	return records, nil
}

func cloned(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}

func fetch(epoch int32, offset int64, isolation replica.Isolation, bytes int) replica.FetchRequest {
	return replica.FetchRequest{
		Offset: offset, CurrentLeaderEpoch: epoch, LastFetchedEpoch: -1, LogStartOffset: -1,
		MaxBytes: bytes, AtLeastOne: true, Isolation: isolation, ReplicaID: -1, ReplicaEpoch: -1,
	}
}

// awaitCommitted waits until all that was replayed is committed. False: the leadership changed.
func (s *shard[M]) awaitCommitted(partition Partition, end int64) bool {
	waiter := replica.NewWaiter()
	for end > 0 {
		epoch := s.epochNow()
		if epoch < 0 {
			return false
		}
		watch := partition.Watch(waiter, replica.HighWatermark, end-1)
		result := partition.Fetch(fetch(epoch, end, replica.HighWatermark, 1))
		if result.Slice != nil {
			result.Slice.Release()
		}
		if result.Err == nil && result.HighWatermark < end {
			select {
			case <-waiter.C:
			case <-s.runtime.ctx.Done():
				result.Err = kerr.NotCoordinator
			}
		}
		watch.Unwatch()
		if result.Err != nil || result.HighWatermark >= end {
			return result.Err == nil
		}
	}
	return true
}

// activate puts a loaded machine to work.
func (s *shard[M]) activate(partition Partition, machine M, end int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == gone {
		return
	}
	s.partition, s.machine, s.appended, s.state = partition, machine, end, active
	s.commits.reached(end)
	if end > 0 {
		sometimes.Reached(sometimes.CoordinatorReloaded)
	}
	now := time.Now()
	elect(machine, s.epoch)
	for _, e := range machine.Loaded(now) {
		s.perform(e, now)
	}
	s.arm(now)
}
