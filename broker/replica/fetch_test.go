package replica

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/metadata"
	"odradek/broker/wire"
)

// consumer asks for everything that a consumer may ask for without knowing an epoch.
func consumer(offset int64) FetchRequest {
	return FetchRequest{
		Offset: offset, CurrentLeaderEpoch: -1, LastFetchedEpoch: -1, LogStartOffset: -1, MaxBytes: 1 << 20, AtLeastOne: true,
		Isolation: HighWatermark, ReplicaID: -1, ReplicaEpoch: -1,
	}
}

func TestFetchChecks(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		// Epoch 0 has offsets 0 and 1, epoch 2 has 2 to 4; the log starts at 1. Node 3 is not a replica.
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 2).want(t, nil)
		c.elect(1, 1, 2)
		c.elect(1, 1, 2)
		c.produce(1, -1, "b", 3).want(t, nil)
		if err := c.partition(1).Log().AdvanceStart(1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // for the follower to hear of the high watermark
		c.stall(2)
		c.produce(1, 1, "uncommitted", 1).want(t, nil)
		c.settle()
		for _, test := range []struct {
			name     string
			node     int32
			change   func(r *FetchRequest)
			err      error
			diverges *wire.EpochEndOffset
			bytes    bool
			leader   int32
		}{
			{name: "consumer", node: 1, change: func(r *FetchRequest) {}, bytes: true, leader: -1},
			{name: "at the high watermark", node: 1, change: func(r *FetchRequest) { r.Offset = 5 }, leader: -1},
			{name: "between high watermark and end", node: 1, change: func(r *FetchRequest) { r.Offset = 6 }, leader: -1},
			{name: "past the end", node: 1, change: func(r *FetchRequest) { r.Offset = 7 }, err: kerr.OffsetOutOfRange, leader: -1},
			{name: "before the start", node: 1, change: func(r *FetchRequest) { r.Offset = 0 }, err: kerr.OffsetOutOfRange, leader: -1},
			{name: "right epoch", node: 1, change: func(r *FetchRequest) { r.CurrentLeaderEpoch = 2 }, bytes: true, leader: -1},
			{name: "old epoch", node: 1, change: func(r *FetchRequest) { r.CurrentLeaderEpoch = 1 }, err: kerr.FencedLeaderEpoch, leader: 1},
			{name: "epoch of the future", node: 1, change: func(r *FetchRequest) { r.CurrentLeaderEpoch = 3 }, err: kerr.UnknownLeaderEpoch, leader: -1},
			{name: "from a follower", node: 2, change: func(r *FetchRequest) {}, err: kerr.NotLeaderForPartition, leader: 1},
			{name: "from a follower, allowed", node: 2, change: func(r *FetchRequest) { r.AllowFollower = true; r.Offset = 2 }, bytes: true, leader: -1},
			{name: "from a follower, old epoch", node: 2, change: func(r *FetchRequest) { r.AllowFollower, r.CurrentLeaderEpoch = true, 1 }, err: kerr.FencedLeaderEpoch, leader: 1},
			{name: "last epoch agrees", node: 1, change: func(r *FetchRequest) { r.Offset, r.LastFetchedEpoch = 2, 0 }, bytes: true, leader: -1},
			{name: "last epoch ended before", node: 1, change: func(r *FetchRequest) { r.Offset, r.LastFetchedEpoch = 4, 0 }, diverges: &wire.EpochEndOffset{Epoch: 0, EndOffset: 2}, leader: -1},
			{name: "last epoch is not known here", node: 1, change: func(r *FetchRequest) { r.Offset, r.LastFetchedEpoch = 2, 1 }, diverges: &wire.EpochEndOffset{Epoch: 0, EndOffset: 2}, leader: -1},
			{name: "last epoch is of the future", node: 1, change: func(r *FetchRequest) { r.Offset, r.LastFetchedEpoch = 3, 9 }, err: kerr.OffsetOutOfRange, leader: -1},
			{name: "past the end, diverging", node: 1, change: func(r *FetchRequest) { r.Offset, r.LastFetchedEpoch = 9, 2 }, diverges: &wire.EpochEndOffset{Epoch: 2, EndOffset: 6}, leader: -1},
			{name: "before the start, diverging", node: 1, change: func(r *FetchRequest) { r.Offset, r.LastFetchedEpoch = 0, 0 }, err: kerr.OffsetOutOfRange, leader: -1},
			{name: "replica", node: 1, change: func(r *FetchRequest) { r.ReplicaID, r.ReplicaEpoch, r.Isolation, r.Offset = 2, 2, LogEnd, 5 }, bytes: true, leader: -1},
			{name: "replica that is none", node: 1, change: func(r *FetchRequest) { r.ReplicaID = 3 }, err: kerr.UnknownLeaderEpoch, leader: -1},
			{name: "replica of a process that is gone", node: 1, change: func(r *FetchRequest) { r.ReplicaID, r.ReplicaEpoch = 2, 1 }, err: kerr.NotLeaderForPartition, leader: 1},
			{name: "replica at a follower", node: 2, change: func(r *FetchRequest) { r.ReplicaID, r.AllowFollower = 1, true }, err: kerr.NotLeaderForPartition, leader: 1},
		} {
			req := consumer(1)
			test.change(&req)
			got := c.partition(test.node).Fetch(req)
			if !errors.Is(got.Err, test.err) || got.Err == nil && test.err != nil {
				t.Errorf("%s: error %v, want %v", test.name, got.Err, test.err)
			}
			if (got.Slice != nil) != test.bytes {
				t.Errorf("%s: records %v, want %v", test.name, got.Slice != nil, test.bytes)
			}
			if got.Slice != nil {
				got.Slice.Release()
			}
			if (got.DivergingEpoch == nil) != (test.diverges == nil) || test.diverges != nil && *got.DivergingEpoch != *test.diverges {
				t.Errorf("%s: diverging %v, want %v", test.name, got.DivergingEpoch, test.diverges)
			}
			if got.CurrentLeaderID != test.leader {
				t.Errorf("%s: leader hint %d, want %d", test.name, got.CurrentLeaderID, test.leader)
			}
		}
	})
}

// What is not committed is not given to consumers, also by a leader whose followers are behind.
func TestConsumersReadUpToTheHighWatermark(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "committed", 1).want(t, nil)
		c.stall(2)
		c.produce(1, 1, "not", 1).want(t, nil)
		got := c.partition(1).Fetch(consumer(0))
		committed := c.contents(1)[:len(batch("committed", 1))]
		if got.Slice == nil || got.Slice.Len() != len(committed) || got.HighWatermark != 1 || got.LastStableOffset != 1 {
			t.Errorf("got %+v", got)
		}
		got.Slice.Release()
	})
}

// A leader begins with the high watermark that it knew, and serves no more until its followers have confirmed it.
func TestNewLeaderServesWhatIsConfirmed(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 3).want(t, nil)
		before := c.partition(2).HighWatermark()
		if before == 3 {
			t.Fatal("the follower knows already")
		}
		c.nodes[2].server.setCut(true)
		c.elect(2, 1, 2)
		p := c.partition(2)
		if got := p.HighWatermark(); got != before {
			t.Errorf("high watermark is %d, was %d", got, before)
		}
		if _, err := p.ListOffset(-1, HighWatermark, TimestampLatest); !errors.Is(err, kerr.OffsetNotAvailable) {
			t.Errorf("latest offset: %v", err)
		}
		if _, err := p.ListOffset(-1, HighWatermark, time.Now().UnixMilli()-1000); !errors.Is(err, kerr.OffsetNotAvailable) {
			t.Errorf("offset by time: %v", err)
		}
		if got, err := p.ListOffset(-1, LogEnd, TimestampLatest); err != nil || got.Offset != 3 {
			t.Errorf("a follower is told %+v, %v", got, err)
		}
		c.nodes[2].server.setCut(false)
		time.Sleep(2 * time.Second)
		if got, err := p.ListOffset(-1, HighWatermark, TimestampLatest); err != nil || got.Offset != 3 {
			t.Errorf("latest offset: %+v, %v", got, err)
		}
	})
}

func TestListOffset(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		c.create(topicID, 1)
		began := time.Now().UnixMilli()
		c.produce(1, -1, "a", 2).want(t, nil)
		time.Sleep(time.Second)
		c.elect(1, 1)
		later := time.Now().UnixMilli()
		c.produce(1, -1, "b", 2).want(t, nil)
		p := c.partition(1)
		for _, test := range []struct {
			name      string
			timestamp int64
			want      OffsetAtTime
		}{
			{"latest", TimestampLatest, OffsetAtTime{4, -1, 1}},
			{"earliest", TimestampEarliest, OffsetAtTime{0, -1, 0}},
			{"earliest local", TimestampEarliestLocal, OffsetAtTime{0, -1, 0}},
			{"latest tiered", TimestampLatestTiered, noOffset},
			{"earliest pending upload", TimestampEarliestPendingUpload, noOffset},
			{"greatest timestamp", TimestampMax, OffsetAtTime{2, later, 1}},
			{"long ago", began - 5000, OffsetAtTime{0, began, 0}},
			{"between", began + 1, OffsetAtTime{2, later, 1}},
			{"in the future", later + 1, noOffset},
		} {
			if got, err := p.ListOffset(1, HighWatermark, test.timestamp); err != nil || got != test.want {
				t.Errorf("%s: %+v, %v, want %+v", test.name, got, err, test.want)
			}
		}
		if _, err := p.ListOffset(0, HighWatermark, TimestampLatest); !errors.Is(err, kerr.FencedLeaderEpoch) {
			t.Errorf("old epoch: %v", err)
		}
		if got, err := p.OffsetForLeaderEpoch(1, 0); err != nil || got != (wire.EpochEndOffset{Epoch: 0, EndOffset: 2}) {
			t.Errorf("end of epoch 0: %+v, %v", got, err)
		}
		if got, err := p.OffsetForLeaderEpoch(-1, 7); err != nil || got != (wire.EpochEndOffset{Epoch: -1, EndOffset: -1}) {
			t.Errorf("end of epoch 7: %+v, %v", got, err)
		}
		if _, err := p.OffsetForLeaderEpoch(2, 0); !errors.Is(err, kerr.UnknownLeaderEpoch) {
			t.Errorf("epoch of the future: %v", err)
		}
	})
}

func TestWatch(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		p := c.partition(1)
		woken := func(w *Waiter) bool {
			select {
			case <-w.C:
				return true
			default:
				return false
			}
		}
		c.stall(2)
		end, mark := NewWaiter(), NewWaiter()
		atEnd, atMark := p.Watch(end, LogEnd, 0), p.Watch(mark, HighWatermark, 0)
		if woken(end) || woken(mark) {
			t.Fatal("woken for nothing")
		}
		c.produce(1, 1, "a", 1).want(t, nil)
		if !woken(end) || !atEnd.Fired() || woken(mark) || atMark.Fired() {
			t.Fatal("an append wakes those who read the end, and them only")
		}
		c.unstall(2)
		time.Sleep(time.Second)
		if !woken(mark) || !atMark.Fired() {
			t.Fatal("the high watermark moved and nobody was woken")
		}
		if p.Watch(mark, HighWatermark, 0); !woken(mark) {
			t.Error("not woken for what is there")
		}
		ended := p.Watch(mark, HighWatermark, 1)
		ended.Unwatch()
		ended.Unwatch()
		c.produce(1, -1, "b", 1).want(t, nil)
		if woken(mark) {
			t.Error("woken after the watch ended")
		}
		p.Watch(mark, HighWatermark, 100)
		c.update(func(p *metadata.Partition) { p.Leader, p.LeaderEpoch = 2, p.LeaderEpoch+1 })
		if !woken(mark) {
			t.Error("a change of leader wakes nobody")
		}
	})
}
