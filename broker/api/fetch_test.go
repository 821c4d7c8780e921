package api

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/commitlog"
	"odradek/broker/replica"
	"odradek/broker/wire"
)

// fakeSlice is records that count how often they are let go of.
type fakeSlice struct {
	bytes    []byte
	released int
}

func (s *fakeSlice) Len() int                  { return len(s.bytes) }
func (s *fakeSlice) ReadInto(buf []byte) error { copy(buf, s.bytes); return nil }
func (s *fakeSlice) Release()                  { s.released++ }

func fetchOf(replicaID int32, topic string, partitions ...int32) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.ReplicaState.ID = replicaID, replicaID
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 1000, 1, 1000
	t := kmsg.NewFetchRequestTopic()
	t.Topic = topic
	if topic == "a" {
		t.TopicID = idA
	}
	for _, index := range partitions {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = index, 10, 600
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	return req
}

// read is a result with that many bytes of records.
func read(size int) replica.FetchResult {
	result := failedFetch(nil)
	result.HighWatermark, result.LastStableOffset, result.LogStartOffset = 20, 19, 3
	if size > 0 {
		result.Slice = &fakeSlice{bytes: make([]byte, size)}
	}
	return result
}

func TestFetchInEachVersion(t *testing.T) {
	for version := int16(4); version <= 18; version++ {
		h := newHouse(t)
		h.a[0].fetchResult, h.a[1].fetchResult = read(500), read(0)
		slice := h.a[0].fetchResult.Slice.(*fakeSlice)
		req := fetchOf(-1, "a", 0, 1, 9)
		req.Topics[0].Partitions[0].CurrentLeaderEpoch, req.Topics[0].Partitions[0].LastFetchedEpoch = 7, 6
		resp := do[*kmsg.FetchResponse](h, version, req)
		parts := resp.Topics[0].Partitions
		if len(parts) != 3 || len(parts[0].RecordBatches) != 500 || parts[0].HighWatermark != 20 || parts[0].LastStableOffset != 19 {
			t.Fatalf("v%d: %+v", version, parts)
		}
		if version >= 5 && parts[0].LogStartOffset != 3 {
			t.Errorf("v%d: log start offset %d", version, parts[0].LogStartOffset)
		}
		if parts[2].ErrorCode != kerr.UnknownTopicOrPartition.Code {
			t.Errorf("v%d: unknown partition is %+v", version, parts[2])
		}
		if slice.released != 1 {
			t.Errorf("v%d: records released %d times", version, slice.released)
		}
		first, second := h.a[0].fetched[0], h.a[1].fetched[0]
		if first.Offset != 10 || first.MaxBytes != 600 || !first.AtLeastOne || first.ReplicaID != -1 || first.Isolation != replica.HighWatermark {
			t.Errorf("v%d: asked for %+v", version, first)
		}
		if second.MaxBytes != 500 || second.AtLeastOne {
			t.Errorf("v%d: the second partition is asked for %+v, with 500 bytes of 1000 left", version, second)
		}
		if first.AllowFollower != (version >= 11) {
			t.Errorf("v%d: allow followers %v", version, first.AllowFollower)
		}
	}
}

func TestFetchTellsOfAbortedTransactions(t *testing.T) {
	for isolation := range int8(2) {
		h := newHouse(t)
		h.a[0].fetchResult = read(5)
		if isolation == 1 {
			h.a[0].fetchResult.AbortedTxns = []commitlog.AbortedTxn{{ProducerID: 3, FirstOffset: 11, LastOffset: 15}, {ProducerID: 4, FirstOffset: 12, LastOffset: 14}}
		}
		req := fetchOf(-1, "a", 0)
		req.IsolationLevel = isolation
		part := do[*kmsg.FetchResponse](h, 12, req).Topics[0].Partitions[0]
		switch got := part.AbortedTransactions; {
		case isolation == 0 && got != nil:
			t.Errorf("told of %+v without asking", got)
		case isolation == 1 && (len(got) != 2 || got[0].ProducerID != 3 || got[0].FirstOffset != 11 || got[1].ProducerID != 4):
			t.Errorf("told of %+v", got)
		}
	}
}

func TestFetchReadsAsWhoAsks(t *testing.T) {
	for _, test := range []struct {
		name      string
		version   int16
		change    func(*kmsg.FetchRequest)
		isolation replica.Isolation
		id        int32
		epoch     int64
	}{
		{"consumer", 12, func(*kmsg.FetchRequest) {}, replica.HighWatermark, -1, -1},
		{"consumer of committed records", 12, func(r *kmsg.FetchRequest) { r.IsolationLevel = 1 }, replica.Committed, -1, -1},
		{"follower", 12, func(r *kmsg.FetchRequest) { r.ReplicaID = 2 }, replica.LogEnd, 2, -1},
		{"follower by its state", 15, func(r *kmsg.FetchRequest) { r.ReplicaState.ID, r.ReplicaState.Epoch = 2, 44 }, replica.LogEnd, 2, 44},
	} {
		h := newHouse(t)
		h.a[0].fetchResult = read(5)
		req := fetchOf(-1, "a", 0)
		test.change(req)
		do[*kmsg.FetchResponse](h, test.version, req)
		if got := h.a[0].fetched[0]; got.Isolation != test.isolation || got.ReplicaID != test.id || got.ReplicaEpoch != test.epoch {
			t.Errorf("%s: reads as %+v", test.name, got)
		}
	}
}

func TestFetchWaitsForData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		little := read(3)
		h.a[0].fetchResult, h.a[1].fetchResult = little, read(0)
		req := fetchOf(-1, "a", 0, 1)
		req.MinBytes = 8
		start := time.Now()
		go func() {
			time.Sleep(300 * time.Millisecond)
			h.a[0].set(read(3))
			h.a[1].wake(read(2)) // five bytes: not enough
			time.Sleep(300 * time.Millisecond)
			h.a[0].set(read(3))
			h.a[1].wake(read(6))
		}()
		resp := do[*kmsg.FetchResponse](h, 12, req)
		if took := time.Since(start); took != 600*time.Millisecond {
			t.Errorf("answered after %v", took)
		}
		if parts := resp.Topics[0].Partitions; len(parts[0].RecordBatches) != 3 || len(parts[1].RecordBatches) != 6 {
			t.Errorf("%+v", parts)
		}
		if released := little.Slice.(*fakeSlice).released; released != 1 {
			t.Errorf("what was read at first is released %d times", released)
		}
	})
}

func TestFetchEndsItsWait(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(*house, *kmsg.FetchRequest)
		want    time.Duration
	}{
		{"by time", func(*house, *kmsg.FetchRequest) {}, time.Second},
		{"no time to wait", func(_ *house, r *kmsg.FetchRequest) { r.MaxWaitMillis = 0 }, 0},
		{"no bytes asked for", func(_ *house, r *kmsg.FetchRequest) { r.MinBytes = 0 }, 0},
		{"an error", func(h *house, _ *kmsg.FetchRequest) { h.a[0].fetchResult = failedFetch(kerr.OffsetOutOfRange) }, 0},
		{"a log that diverges", func(h *house, _ *kmsg.FetchRequest) {
			h.a[0].fetchResult.DivergingEpoch = &wire.EpochEndOffset{Epoch: 3, EndOffset: 9}
		}, 0},
		{"a partition of another node", func(_ *house, r *kmsg.FetchRequest) {
			r.Topics[0].Partitions = append(r.Topics[0].Partitions, kmsg.FetchRequestTopicPartition{Partition: 2})
		}, 0},
		{"nothing that exists", func(_ *house, r *kmsg.FetchRequest) { r.Topics[0].Topic = "none" }, 0},
		{"something that does not exist", func(_ *house, r *kmsg.FetchRequest) {
			r.Topics[0].Partitions = append(r.Topics[0].Partitions, kmsg.FetchRequestTopicPartition{Partition: 9})
		}, time.Second},
		{"nothing", func(_ *house, r *kmsg.FetchRequest) { r.Topics = nil }, 0},
		{"a follower with a little", func(h *house, r *kmsg.FetchRequest) {
			r.ReplicaID, r.MinBytes = 2, 100
			h.a[0].fetchResult = read(1)
		}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				h.a[0].fetchResult = read(0)
				req := fetchOf(-1, "a", 0)
				test.prepare(h, req)
				start := time.Now()
				do[*kmsg.FetchResponse](h, 12, req)
				if took := time.Since(start); took != test.want {
					t.Errorf("answered after %v, want %v", took, test.want)
				}
			})
		})
	}
}

func TestFetchEndsWithItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.a[0].fetchResult = read(0)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		start := time.Now()
		h.begin(ctx, 12, fetchOf(-1, "a", 0))
		if took := time.Since(start); took != 10*time.Millisecond {
			t.Errorf("went on for %v", took)
		}
	})
}

func TestFetchTellsTheLeader(t *testing.T) {
	for version := int16(11); version <= 18; version++ {
		h := newHouse(t)
		resp := do[*kmsg.FetchResponse](h, version, fetchOf(-1, "a", 2))
		p := resp.Topics[0].Partitions[0]
		if p.ErrorCode != kerr.NotLeaderForPartition.Code {
			t.Fatalf("v%d: %+v", version, p)
		}
		if version >= 12 && (p.CurrentLeader.LeaderID != 2 || p.CurrentLeader.LeaderEpoch != 7) {
			t.Errorf("v%d: leader %+v", version, p.CurrentLeader)
		}
		if version >= 16 && (len(resp.Brokers) != 1 || resp.Brokers[0].Host != "two") {
			t.Errorf("v%d: addresses %+v", version, resp.Brokers)
		}
	}
}

// TestAllocationsDoNotGrowWithRecords compares a fetch and a produce of few bytes with one of many.
func TestAllocationsDoNotGrowWithRecords(t *testing.T) {
	h := newHouse(t)
	h.a[0].appendResult = appended(1)
	measure := func(size int) float64 {
		slice := &fakeSlice{bytes: make([]byte, size)}
		fetched, produced := fetchOf(-1, "a", 0), produceTo("a", 0)
		produced.Topics[0].Partitions[0].Records = aBatch(func(b []byte) { b[59], b[60] = byte(size>>8), byte(size)|1 })
		return testing.AllocsPerRun(100, func() {
			h.a[0].fetchResult = read(0)
			h.a[0].fetchResult.Slice = slice
			h.a[0].fetched, h.a[0].appended = h.a[0].fetched[:0], h.a[0].appended[:0]
			<-h.begin(context.Background(), 12, fetched).bytes
			<-h.begin(context.Background(), 9, produced).bytes
		})
	}
	// The test's own copy of the answer is one allocation, whatever its size.
	if few, many := measure(100), measure(60_000); many > few+2 {
		t.Errorf("%v allocations for few records, %v for many", few, many)
	}
}

func BenchmarkFetch(b *testing.B) {
	for _, partitions := range []int{1, 100} {
		b.Run(fmt.Sprint(partitions), func(b *testing.B) {
			h := newHouse(b)
			slice := &fakeSlice{bytes: make([]byte, 1000)}
			req := fetchOf(-1, "a")
			req.MaxBytes = 1 << 30
			for range partitions {
				p := kmsg.NewFetchRequestTopicPartition()
				p.PartitionMaxBytes = 1 << 20
				req.Topics[0].Partitions = append(req.Topics[0].Partitions, p)
			}
			b.ReportAllocs()
			for b.Loop() {
				h.a[0].fetchResult = read(0)
				h.a[0].fetchResult.Slice = slice
				h.a[0].fetched = h.a[0].fetched[:0]
				<-h.begin(context.Background(), 12, req).bytes
			}
		})
	}
}

// TestFetchSendsOn: where a consumer is to read is told at once, with no records, and in a session every time.
func TestFetchSendsOn(t *testing.T) {
	h := newHouse(t)
	elsewhere := read(0)
	elsewhere.PreferredReadReplica = 2
	h.a[0].fetchResult = elsewhere
	req := sessionRequest(0, 0, 0)
	req.Rack, req.MaxWaitMillis = "r2", 1<<30
	for epoch := range int32(3) {
		resp := do[*kmsg.FetchResponse](h, 12, req)
		if len(resp.Topics) != 1 || resp.Topics[0].Partitions[0].PreferredReadReplica != 2 || h.a[0].fetched[epoch].Rack != "r2" {
			t.Fatalf("%+v, asked for %+v", resp, h.a[0].fetched[epoch])
		}
		req.SessionID, req.SessionEpoch, req.Topics = resp.SessionID, epoch+1, nil
	}
}

// TestFollowersHearOfHighWatermark: at once where consumers read from them, else with what comes next.
func TestFollowersHearOfHighWatermark(t *testing.T) {
	const at, longest = 300 * time.Millisecond, time.Second
	for _, test := range []struct {
		settings      []string
		first, second time.Duration // after which it is told of a mark that moves at that time, and of one that moved before it asked
	}{
		{[]string{"replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector"}, at, 0},
		{[]string{"replica.selector.class=org.apache.kafka.common.replica.LeaderSelector"}, longest, longest},
		{nil, longest, longest},
	} {
		t.Run(fmt.Sprint(test.settings), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, test.settings...)
				h.a[0].fetchResult = read(0)
				req := fetchOf(2, "a", 0)
				req.SessionEpoch, req.Topics[0].Partitions[0].LogStartOffset = 0, 3
				req.SessionID, req.Topics = do[*kmsg.FetchResponse](h, 17, req).SessionID, nil
				ask := func(epoch int32, mark int64, want time.Duration) {
					t.Helper()
					req.SessionEpoch = epoch
					start := time.Now()
					resp := do[*kmsg.FetchResponse](h, 17, req)
					if took := time.Since(start); took != want || len(resp.Topics) != 1 || resp.Topics[0].Partitions[0].HighWatermark != mark {
						t.Errorf("told after %v, want %v: %+v", took, want, resp)
					}
				}
				moved := read(0)
				moved.HighWatermark = 21
				time.AfterFunc(at, func() { h.a[0].wake(moved) })
				ask(1, 21, test.first)
				moved.HighWatermark = 22
				h.a[0].set(moved)
				ask(2, 22, test.second)
			})
		})
	}
}

// TestThrottledFollowerWaits: what a throttled follower may not have does not wake its fetch, which ends when its time is over.
func TestThrottledFollowerWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		throttled := read(0)
		throttled.Throttled = true
		h.a[0].fetchResult, h.a[1].fetchResult = throttled, read(0)
		start := time.Now()
		req := fetchOf(2, "a", 0, 1)
		for i := range req.Topics[0].Partitions {
			req.Topics[0].Partitions[i].LogStartOffset = 3
		}
		time.AfterFunc(time.Millisecond, func() {
			if n, others := len(h.a[0].waiters), len(h.a[1].waiters); n != 0 || others != 1 {
				t.Errorf("%d waiters for the throttled partition, %d for the other", n, others)
			}
		})
		do[*kmsg.FetchResponse](h, 17, req)
		if took := time.Since(start); took != time.Second {
			t.Errorf("answered after %v", took)
		}
	})
}
