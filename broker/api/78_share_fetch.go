package api

import (
	"context"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/config"
	"odradek/broker/metadata"
	"odradek/broker/record"
	"odradek/broker/replica"
	"odradek/broker/share"
)

// ShareFetch, key 78, versions 1 to 2 (KIP-932): a member of a share group acquires records, and says what it did with those of before.
// It is answered when there is anything, or after max_wait_ms.
//
//	v2  how strictly max_records is meant, and locks may be renewed (KIP-1206, KIP-1222)
func (h *Handler) shareFetch(ctx context.Context, c call, req *kmsg.ShareFetchRequest) {
	run := &shareFetchRun{shareRun: h.newShareRun(c, req.GroupID, req.MemberID), req: req, results: map[sharePart]*shareFetched{}}
	resp := kmsg.NewPtrShareFetchResponse()
	refuse := func(err *kerr.Error) {
		resp.ErrorCode, resp.ErrorMessage = err.Code, &err.Description
		c.reply(resp)
	}
	if err := run.check(); err != nil {
		refuse(err)
		return
	}
	asked, forget, acks := run.asked()
	if req.ShareSessionEpoch == shareEpochFirst && len(acks) > 0 {
		refuse(kerr.InvalidRequest)
		return
	}
	parts, ended, left, err := h.shareSessions.enter(run.who, req.ShareSessionEpoch, asked, forget, time.Now())
	if err != nil {
		run.end(ended, left)
		refuse(err)
		return
	}
	if req.ShareSessionEpoch == shareEpochFirst {
		run.end(ended, left)
		h.shareSessions.tie(ctx, run.who, run.end)
	}
	run.acknowledge(asked, acks, c.Version >= 2)
	if req.ShareSessionEpoch == shareEpochLast {
		run.end(ended, left)
	} else if !req.IsRenewAck {
		run.settings = h.shareGroup(run.img, run.who.group)
		run.fetch(ctx, parts)
		if ctx.Err() != nil {
			run.takeBack() // its session may have ended before this was acquired
		}
	}
	resp.AcquisitionLockTimeoutMillis = int32(h.shareGroup(run.img, run.who.group).LockDuration / time.Millisecond)
	run.answer(resp, parts)
	c.reply(resp)
}

func (h *Handler) shareGroup(img *metadata.Image, group string) config.ShareGroup {
	return h.layers(img).ShareGroup(img.Configs[metadata.ConfigResource{Type: metadata.ResourceGroup, Name: group}])
}

// shareFetchRun is one ShareFetch.
type shareFetchRun struct {
	*shareRun
	req      *kmsg.ShareFetchRequest
	settings config.ShareGroup
	results  map[sharePart]*shareFetched
	left     int // records that may still be acquired
	bytes    int // bytes that may still be read
}

// shareFetched is what came of one partition.
type shareFetched struct {
	partition Partition
	shared    *share.Partition
	err       *kerr.Error
	records   []byte
	acquired  []share.Acquired
}

// asked are the partitions that the request names, those it forgets, and its acknowledgements.
func (r *shareFetchRun) asked() (parts, forget []sharePart, acks map[sharePart][]share.Ack) {
	acks = map[sharePart][]share.Ack{}
	for _, topic := range r.req.Topics {
		for _, part := range topic.Partitions {
			at := sharePart{topic.TopicID, part.Partition}
			parts = append(parts, at)
			for _, b := range part.AcknowledgementBatches {
				acks[at] = append(acks[at], share.Ack{Range: share.Range{First: b.FirstOffset, Last: b.LastOffset}, Types: b.AcknowledgeTypes})
			}
		}
	}
	for _, topic := range r.req.ForgottenTopicsData {
		for _, index := range topic.Partitions {
			forget = append(forget, sharePart{topic.TopicID, index})
		}
	}
	return parts, forget, acks
}

// fetch acquires from the session's partitions, and waits for records when there are none.
func (r *shareFetchRun) fetch(ctx context.Context, parts []sharePart) {
	r.left, r.bytes = int(r.req.MaxRecords), min(int(r.req.MaxBytes), int(r.h.node.FetchBytesMax))
	if r.left <= 0 {
		r.left = math.MaxInt32
	}
	wake := make(chan struct{}, 1)
	for _, part := range parts {
		fetched := &shareFetched{}
		r.results[part] = fetched
		var registered *metadata.Partition
		if fetched.partition, registered, fetched.err = r.leads(part); fetched.err == nil {
			fetched.shared, fetched.err = r.shared(part, fetched.partition, registered, wake)
		}
		if fetched.err == nil {
			defer fetched.shared.Leave(wake)
		}
	}
	deadline := time.NewTimer(max(time.Duration(r.req.MaxWaitMillis)*time.Millisecond, 0))
	defer deadline.Stop()
	for {
		var watches []Watch
		found := len(parts) == 0
		for _, part := range r.rotated(parts) {
			fetched := r.results[part]
			if fetched.err == nil {
				watches = append(watches, r.acquire(fetched, wake)...)
			}
			found = found || fetched.err != nil || len(fetched.acquired) > 0
		}
		ended := found
		if !found {
			select {
			case <-wake:
			case <-deadline.C:
				ended = true
			case <-ctx.Done():
				ended = true
			}
		}
		for _, w := range watches {
			w.Unwatch()
		}
		if ended {
			return
		}
	}
}

// takeBack gives up what the request has acquired.
func (r *shareFetchRun) takeBack() {
	for _, fetched := range r.results {
		if len(fetched.acquired) > 0 {
			fetched.shared.TakeBack(r.who.member, fetched.acquired)
		}
	}
}

// rotated begins with another partition in each request of a session, so that none is always last.
func (r *shareFetchRun) rotated(parts []sharePart) []sharePart {
	if len(parts) == 0 {
		return nil
	}
	at := int(r.req.ShareSessionEpoch) % len(parts)
	return append(append(make([]sharePart, 0, len(parts)), parts[at:]...), parts[:at]...)
}

// acquire reads a partition where something is available, and acquires it. Where nothing is, it returns a watch of what will be.
func (r *shareFetchRun) acquire(f *shareFetched, wake chan struct{}) []Watch {
	if r.left <= 0 || r.bytes <= 0 {
		return nil
	}
	offset, ok, err := f.shared.BeginRead(wake)
	if !ok {
		f.err = err
		return nil
	}
	buf, batches, logStart, err := r.read(f.partition, offset)
	var again bool
	f.acquired, again = f.shared.EndRead(r.who.member, batches, r.left, r.req.ShareAcquireMode == acquireStrictly, logStart)
	f.err = err
	if len(f.acquired) == 0 {
		if err != nil || again {
			wakeUp(wake)
			return nil
		}
		return []Watch{f.partition.Watch(&replica.Waiter{C: wake}, replica.HighWatermark, offset)}
	}
	first, last := f.acquired[0].First, f.acquired[len(f.acquired)-1].Last
	f.records = batchesOf(buf, first, last)
	r.bytes -= len(f.records)
	for _, a := range f.acquired {
		r.left -= int(a.Last - a.First + 1)
	}
	return nil
}

// shareReadBytes bounds one read: what lies beyond the records that a member may acquire would be read for nothing, and they are few.
const shareReadBytes = 1 << 20

// acquireStrictly is the mode in which no more records are acquired than were asked for; else the last batch comes whole.
const acquireStrictly = 1

func wakeUp(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// read reads whole batches from an offset on. logStart is where the log begins if that is after the offset, else -1.
func (r *shareFetchRun) read(partition Partition, offset int64) (buf []byte, batches []share.Range, logStart int64, err *kerr.Error) {
	result := partition.Fetch(replica.FetchRequest{
		Offset: offset, CurrentLeaderEpoch: -1, LastFetchedEpoch: -1, LogStartOffset: -1, MaxBytes: min(r.bytes, shareReadBytes), AtLeastOne: true,
		Isolation: replica.HighWatermark, ReplicaID: -1, ReplicaEpoch: -1,
	})
	if result.Err == kerr.OffsetOutOfRange {
		start, listErr := partition.ListOffset(-1, replica.HighWatermark, replica.TimestampEarliest)
		if listErr != nil {
			return nil, nil, -1, asKafka(listErr)
		}
		return nil, nil, start.Offset, nil
	}
	if result.Err != nil {
		return nil, nil, -1, asKafka(result.Err)
	}
	if result.Slice == nil {
		return nil, nil, -1, nil
	}
	defer result.Slice.Release()
	buf = make([]byte, result.Slice.Len())
	if readErr := result.Slice.ReadInto(buf); readErr != nil {
		return nil, nil, -1, kerr.KafkaStorageError
	}
	for rest := buf; len(rest) > 0; {
		batch, after, splitErr := record.Split(rest)
		if splitErr != nil {
			buf = buf[:len(buf)-len(rest)] // a piece of a batch
			break
		}
		batches, rest = append(batches, share.Range{First: batch.BaseOffset(), Last: batch.LastOffset()}), after
	}
	return buf, batches, -1, nil
}

// batchesOf are the batches that hold the records from first to last.
func batchesOf(buf []byte, first, last int64) []byte {
	from, to := 0, 0
	for rest := buf; len(rest) > 0; {
		batch, after, err := record.Split(rest)
		if err != nil || batch.BaseOffset() > last {
			break
		}
		if batch.LastOffset() < first {
			from = len(buf) - len(after)
		}
		to, rest = len(buf)-len(after), after
	}
	return buf[from:max(from, to)]
}

// answer tells what came of the partitions: of those of which there is nothing to tell, nothing.
func (r *shareFetchRun) answer(resp *kmsg.ShareFetchResponse, parts []sharePart) {
	topics := map[metadata.UUID]int{}
	add := func(part sharePart) {
		fetched, acked := r.results[part], r.acked[part]
		one := kmsg.NewShareFetchResponseTopicPartition()
		one.Partition, one.Records = part.index, []byte{} // clients take no null
		if acked != nil {
			one.AcknowledgeErrorCode, one.AcknowledgeErrorMessage = acked.Code, &acked.Description
			one.CurrentLeader.LeaderID, one.CurrentLeader.LeaderEpoch = r.leaderOf(part, acked)
		}
		if fetched != nil {
			if fetched.err != nil {
				one.ErrorCode, one.ErrorMessage = fetched.err.Code, &fetched.err.Description
				one.CurrentLeader.LeaderID, one.CurrentLeader.LeaderEpoch = r.leaderOf(part, fetched.err)
			}
			if fetched.records != nil {
				one.Records = fetched.records
			}
			for _, a := range fetched.acquired {
				batch := kmsg.NewShareFetchResponseTopicPartitionAcquiredRecord()
				batch.FirstOffset, batch.LastOffset, batch.DeliveryCount = a.First, a.Last, a.Deliveries
				one.AcquiredRecords = append(one.AcquiredRecords, batch)
			}
		}
		at, there := topics[part.topic]
		if !there {
			at = len(resp.Topics)
			topics[part.topic] = at
			t := kmsg.NewShareFetchResponseTopic()
			t.TopicID = part.topic
			resp.Topics = append(resp.Topics, t)
		}
		resp.Topics[at].Partitions = append(resp.Topics[at].Partitions, one)
	}
	for _, part := range r.order {
		add(part)
	}
	for _, part := range parts {
		fetched := r.results[part]
		if _, told := r.acked[part]; told || fetched == nil {
			continue
		}
		if fetched.err != nil || len(fetched.acquired) > 0 || r.req.ShareSessionEpoch == shareEpochFirst {
			add(part)
		}
	}
	r.endpoints(resp)
}

// endpoints tells where the leaders are that the answer names.
func (r *shareFetchRun) endpoints(resp *kmsg.ShareFetchResponse) {
	seen := map[int32]bool{}
	for _, topic := range resp.Topics {
		for _, part := range topic.Partitions {
			id := part.CurrentLeader.LeaderID
			node := r.img.Brokers[id]
			moved := part.ErrorCode == kerr.NotLeaderForPartition.Code || part.AcknowledgeErrorCode == kerr.NotLeaderForPartition.Code
			if node == nil || seen[id] || !moved {
				continue
			}
			seen[id] = true
			one := kmsg.NewShareFetchResponseNodeEndpoint()
			one.NodeID, one.Host, one.Port = node.ID, node.Host, node.Port
			resp.NodeEndpoints = append(resp.NodeEndpoints, one)
		}
	}
}
