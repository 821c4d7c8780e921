package api

import (
	"context"
	"time"

	"odradek/broker/replica"
)

// readUntilEnough reads, and reads again when there is more, until there is enough or the time is over.
func (r *fetchRun) readUntilEnough(ctx context.Context) {
	bytes, urgent := r.read(false)
	wait := time.Duration(r.req.MaxWaitMillis) * time.Millisecond
	if urgent || r.enough(bytes) || wait <= 0 {
		return
	}
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	r.waiter = replica.NewWaiter()
	for {
		r.watch()
		ended := false
		rested := r.call.meter.rest()
		select {
		case <-r.waiter.C:
		case <-deadline.C:
			ended = true
		case <-ctx.Done():
			ended = true
		}
		rested()
		r.unwatch()
		r.release()
		bytes, urgent = r.read(true)
		if ended || urgent || r.enough(bytes) {
			return
		}
	}
}

// enough says whether the reader needs to wait no longer. A follower doesn't, as soon as there is anything: what it does not
// have yet, a producer may be waiting for.
func (r *fetchRun) enough(bytes int) bool {
	return bytes >= min(int(r.req.MinBytes), r.bytesMax()) || r.isFollower() && bytes > 0
}

// bytesMax is the most that the answer may have.
func (r *fetchRun) bytesMax() int {
	most := min(int(r.req.MaxBytes), int(r.h.node.FetchBytesMax))
	if m := r.call.meter; m != nil && !r.isFollower() {
		most = min(most, m.quotas.FetchBytesMax(m.who))
	}
	return most
}

// read reads every partition, within the limits; again is set after a wait, when the request says nothing new about its
// sender any more. urgent says that there is something that must be told at once.
func (r *fetchRun) read(again bool) (bytes int, urgent bool) {
	left := r.bytesMax()
	urgent = r.failed || r.found == 0
	for i, ask := range r.asks {
		if r.partitions[i] == nil {
			continue
		}
		request := replica.FetchRequest{
			Offset: ask.offset, CurrentLeaderEpoch: ask.currentLeaderEpoch, LastFetchedEpoch: ask.lastFetchedEpoch,
			LogStartOffset: ask.logStartOffset, MaxBytes: max(min(int(ask.bytesMax), left), 0), AtLeastOne: bytes == 0,
			Isolation: r.isolation, ReplicaID: r.replicaID, ReplicaEpoch: r.epoch, AllowFollower: r.call.Version >= 11, Rack: r.req.Rack,
			Again: again,
		}
		r.results[i], r.given[i] = r.partitions[i].Fetch(request), false
		result := &r.results[i]
		if result.Err != nil || result.DivergingEpoch != nil || result.PreferredReadReplica >= 0 || r.isFollower() && r.moved(ask, result, again) {
			urgent = true
		}
		size := recordBytes(result)
		bytes += size
		left -= size
	}
	return bytes, urgent
}

// moved says whether a follower has to know at once how far the log can be read now. Where records were deleted, who asked for it
// waits until the follower's start has moved. Where consumers are sent to followers, those don't see what is committed before
// the follower has heard of it; otherwise it is in time for a follower with the next records.
func (r *fetchRun) moved(ask *fetchAsk, result *replica.FetchResult, again bool) bool {
	if !again && !r.incremental {
		ask.toldHighWatermark = result.HighWatermark // a full request's sender hears of it in any case
	}
	return result.LogStartOffset > ask.logStartOffset ||
		r.h.node.RackAwareReads && result.HighWatermark > ask.toldHighWatermark
}

// watch has the waiter woken when a partition has more than was just read.
func (r *fetchRun) watch() {
	for i, partition := range r.partitions {
		if partition == nil {
			continue
		}
		if r.results[i].Throttled {
			continue // what is there must not wake it: it reads again when its time is over
		}
		seen := r.results[i].HighWatermark
		switch r.isolation {
		case replica.Committed:
			seen = r.results[i].LastStableOffset
		case replica.LogEnd:
			seen = r.asks[i].offset
		}
		r.watches = append(r.watches, partition.Watch(r.waiter, r.isolation, seen))
		if r.isFollower() && r.h.node.RackAwareReads {
			r.watches = append(r.watches, partition.Watch(r.waiter, replica.HighWatermark, r.results[i].HighWatermark))
		}
	}
}

func (r *fetchRun) unwatch() {
	for i, w := range r.watches {
		w.Unwatch()
		r.watches[i] = nil
	}
	r.watches = r.watches[:0]
}

// release lets go of records that were read and are not in the answer.
func (r *fetchRun) release() {
	for i := range r.results {
		if slice := r.results[i].Slice; slice != nil && !r.given[i] {
			slice.Release()
			r.results[i].Slice = nil
		}
	}
}

func recordBytes(result *replica.FetchResult) int {
	if result.Slice == nil {
		return 0
	}
	return result.Slice.Len()
}
