package api

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
	"odradek/broker/replica"
	"odradek/broker/wire"
)

// Fetch, key 1, versions 4 to 18: records for consumers, and for followers, who are told apart by their replica id.
//
// It answers when min_bytes are there, when something can't be read, or after max_wait_ms. The first batch of an answer comes
// whole, whatever the limits; the limits bound the rest.
//
//	v4   isolation level, last stable offset        v12  diverging epoch (KIP-595)
//	v5   log start offset                           v13  topics by id (KIP-516)
//	v7   fetch sessions (KIP-227)                   v15  the replica's state instead of its id (KIP-903)
//	v9   current leader epoch (KIP-320)             v16  addresses of the current leaders (KIP-951)
//	v11  the reader's rack (KIP-392)                v17  replica directory, v18 the follower's high watermark: not used
func (h *Handler) fetch(ctx context.Context, c call, req *kmsg.FetchRequest) {
	run := fetchRuns.Get().(*fetchRun)
	defer run.recycle()
	run.begin(h, c, req)
	if run.isFollower() && !h.mayCluster(c, OpClusterAction) {
		c.Reply(run.refuse(kerr.ClusterAuthorizationFailed))
		return
	}
	session, err := h.sessions.enter(c.Version, req, time.Now())
	if err != nil {
		c.Reply(run.refuse(err))
		return
	}
	defer session.leave()
	session.asks(&run.asks)
	run.incremental = session.incremental
	run.resolve()
	run.readUntilEnough(ctx)
	c.Reply(run.respond(session))
}

// fetchAsk is what is wanted of one partition.
type fetchAsk struct {
	topicID            metadata.UUID // from version 13
	topic              string        // before
	partition          int32
	currentLeaderEpoch int32
	lastFetchedEpoch   int32
	offset             int64
	logStartOffset     int64
	bytesMax           int32
	// What the session's reader was told last; -1 for nothing, or for an error, which is told again.
	toldHighWatermark  int64
	toldLogStartOffset int64
}

// fetchRun is one fetch under way. Runs are used again, as their lists grow to what clients ask.
type fetchRun struct {
	h         *Handler
	call      call
	req       *kmsg.FetchRequest
	isolation replica.Isolation
	replicaID int32
	epoch     int64 // the follower's broker epoch, -1 when it doesn't say
	// incremental: the session's reader has been told how far the logs could be read.
	incremental bool

	// One element for each partition, in the same order.
	asks       []*fetchAsk
	partitions []Partition // nil where there is an error before reading
	results    []replica.FetchResult
	// given says which results' records have gone into the answer.
	given []bool

	found  int  // partitions to read
	failed bool // there is an error that must be told at once

	waiter  *replica.Waiter // nil before the first wait
	watches []Watch
}

var fetchRuns = sync.Pool{New: func() any { return new(fetchRun) }}

func (r *fetchRun) begin(h *Handler, c call, req *kmsg.FetchRequest) {
	r.h, r.call, r.req = h, c, req
	r.replicaID, r.epoch = req.ReplicaID, -1
	if c.Version >= 15 {
		r.replicaID, r.epoch = req.ReplicaState.ID, req.ReplicaState.Epoch
	}
	switch {
	case r.isFollower():
		r.isolation = replica.LogEnd
	case req.IsolationLevel == 1:
		r.isolation = replica.Committed
	default:
		r.isolation = replica.HighWatermark
	}
}

func (r *fetchRun) isFollower() bool { return r.replicaID >= 0 }

// recycle drops what the run refers to. Records that did not go into an answer are released.
func (r *fetchRun) recycle() {
	r.release()
	clear(r.asks)
	clear(r.partitions)
	clear(r.results)
	*r = fetchRun{asks: r.asks[:0], partitions: r.partitions[:0], results: r.results[:0], given: r.given[:0], watches: r.watches[:0]}
	fetchRuns.Put(r)
}

// refuse answers the whole request with an error. Before version 7 there is no place for one but the partitions.
func (r *fetchRun) refuse(err error) wire.Response {
	resp := &wire.FetchResponse{}
	code := codeFor(r.call, err)
	if r.call.Version >= 7 {
		resp.ErrorCode = code
		return wire.EncodeFetch(r.call.Header, resp)
	}
	for i := range r.req.Topics {
		topic := wire.FetchTopic{Topic: r.req.Topics[i].Topic}
		for j := range r.req.Topics[i].Partitions {
			part := wire.NewFetchPartition(r.req.Topics[i].Partitions[j].Partition)
			part.ErrorCode = code
			topic.Partitions = append(topic.Partitions, part)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return wire.EncodeFetch(r.call.Header, resp)
}

// resolve finds the partitions. What isn't there is an error from the start, and is not read.
func (r *fetchRun) resolve() {
	img := r.h.Controller.Image()
	var topic *metadata.Topic
	var err error
	for i, ask := range r.asks {
		if i == 0 || ask.topicID != r.asks[i-1].topicID || ask.topic != r.asks[i-1].topic {
			topic, err = r.findTopic(img, ask)
		}
		result := failedFetch(err)
		if err == nil && topic.Partition(ask.partition) == nil {
			result.Err = kerr.UnknownTopicOrPartition
		}
		var partition Partition
		if result.Err == nil {
			partition = r.host(topic, ask.partition, &result)
		}
		r.partitions = append(r.partitions, partition)
		r.results = append(r.results, result)
		r.given = append(r.given, false)
	}
}

// host finds this node's replica. That it has none is told at once, like an error of reading.
func (r *fetchRun) host(topic *metadata.Topic, index int32, result *replica.FetchResult) Partition {
	partition, err := r.h.partitionOf(topic, index)
	if err != nil {
		result.Err = err
		registered := topic.Partition(index)
		result.CurrentLeaderID, result.CurrentLeaderEpoch = registered.Leader, registered.LeaderEpoch
		r.failed = true
		return nil
	}
	r.found++
	return partition
}

func (r *fetchRun) findTopic(img *metadata.Image, ask *fetchAsk) (*metadata.Topic, error) {
	if r.isFollower() {
		return findTopic(img, r.call.Version >= 13, ask.topicID, ask.topic)
	}
	return r.h.topicFor(r.call, OpRead, img, r.call.Version >= 13, ask.topicID, ask.topic)
}

func failedFetch(err error) replica.FetchResult {
	return replica.FetchResult{
		Err: err, HighWatermark: -1, LastStableOffset: -1, LogStartOffset: -1, PreferredReadReplica: metadata.NoLeader,
		CurrentLeaderID: metadata.NoLeader, CurrentLeaderEpoch: -1,
	}
}
