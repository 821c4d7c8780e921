package api

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/quota"
	"odradek/broker/replica"
	"odradek/broker/wire"
)

// respond makes the frame of what was read. A reader that has to wait is told so at once, with nothing else: what it asked for is
// not counted then, and it asks again. (A request that would have begun a session has not; the reader begins one then.)
func (r *fetchRun) respond(session *fetchSession) wire.Response {
	m := r.call.meter
	if m == nil || r.isFollower() {
		return wire.EncodeFetch(r.call.Header, r.answer(session))
	}
	bytes := 0
	for i := range r.results {
		bytes += recordBytes(&r.results[i])
	}
	m.use(quota.FetchBytes, bytes)
	wait := m.end()
	if wait == 0 {
		return wire.EncodeFetch(r.call.Header, r.answer(session))
	}
	m.unuse(quota.FetchBytes, bytes)
	resp := &wire.FetchResponse{ThrottleMs: throttleMs(wait)}
	if session.incremental {
		resp.SessionID = session.id
	}
	encoded := wire.EncodeFetch(r.call.Header, resp)
	encoded.Mute = wait
	return encoded
}

// answer makes the response of what was read. In an incremental session only partitions that have something to tell are
// in it.
func (r *fetchRun) answer(session *fetchSession) *wire.FetchResponse {
	resp := &wire.FetchResponse{SessionID: session.id}
	img := r.h.Controller.Image()
	partitions := make([]wire.FetchPartition, 0, len(r.asks))
	var leaders endpoints
	from := 0 // where the topic under way begins in partitions
	for i, ask := range r.asks {
		result := &r.results[i]
		if !session.tells(ask, result) {
			continue
		}
		if n := len(resp.Topics); n == 0 || resp.Topics[n-1].TopicID != ask.topicID || resp.Topics[n-1].Topic != ask.topic {
			resp.Topics = append(resp.Topics, wire.FetchTopic{Topic: ask.topic, TopicID: ask.topicID})
			from = len(partitions)
		}
		partitions = append(partitions, r.partitionAnswer(ask, i))
		resp.Topics[len(resp.Topics)-1].Partitions = partitions[from:]
		if pointsToLeader(result) && r.call.Version >= 16 {
			leaders.add(img, result.CurrentLeaderID)
		}
	}
	resp.NodeEndpoints = leaders
	session.rotate(r.results)
	return resp
}

func (r *fetchRun) partitionAnswer(ask *fetchAsk, i int) wire.FetchPartition {
	result := &r.results[i]
	part := wire.NewFetchPartition(ask.partition)
	part.ErrorCode = codeFor(r.call, result.Err)
	part.HighWatermark, part.LastStableOffset, part.LogStartOffset = result.HighWatermark, result.LastStableOffset, result.LogStartOffset
	part.DivergingEpoch = result.DivergingEpoch
	part.PreferredReadReplica = result.PreferredReadReplica
	if pointsToLeader(result) {
		part.CurrentLeader = &wire.LeaderAndEpoch{LeaderID: result.CurrentLeaderID, LeaderEpoch: result.CurrentLeaderEpoch}
	}
	if r.isolation == replica.Committed && result.Err == nil {
		part.AbortedTransactions = abortedOf(result)
	}
	if recordBytes(result) > 0 {
		part.Records = result.Slice
		r.given[i] = true
	}
	return part
}

func abortedOf(result *replica.FetchResult) []wire.AbortedTransaction {
	if len(result.AbortedTxns) == 0 {
		return noTransactions
	}
	aborted := make([]wire.AbortedTransaction, len(result.AbortedTxns))
	for i, each := range result.AbortedTxns {
		aborted[i] = wire.AbortedTransaction{ProducerID: each.ProducerID, FirstOffset: each.FirstOffset}
	}
	return aborted
}

// noTransactions says to readers of committed records that none of them were aborted; null would say that they did not ask.
var noTransactions = []wire.AbortedTransaction{}

// pointsToLeader says whether an answer tells its reader who leads: it asked the wrong node, or in an old epoch.
func pointsToLeader(result *replica.FetchResult) bool {
	return result.CurrentLeaderID >= 0 && (result.Err == error(kerr.NotLeaderForPartition) || result.Err == error(kerr.FencedLeaderEpoch))
}
