package replica

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/metadata"
)

func TestNearest(t *testing.T) {
	now := time.Now()
	follower := func(id int32, end, start int64, caughtUp time.Duration) *progress {
		return &progress{id: id, logEndOffset: end, logStartOffset: start, caughtUpAt: now.Add(-caughtUp)}
	}
	for _, test := range []struct {
		name      string
		near      []int32
		followers []*progress
		isr       []int32
		offset    int64
		want      int32
	}{
		{"nobody is near", nil, []*progress{follower(2, 10, 0, 0)}, []int32{1, 2}, 5, -1},
		{"the leader is, too", []int32{1, 2}, []*progress{follower(2, 10, 0, 0)}, []int32{1, 2}, 5, -1},
		{"one is", []int32{3}, []*progress{follower(2, 10, 0, 0), follower(3, 10, 0, 0)}, []int32{1, 2, 3}, 5, 3},
		{"it is not in sync", []int32{2}, []*progress{follower(2, 10, 0, 0)}, []int32{1}, 5, -1},
		{"it is at its end", []int32{2}, []*progress{follower(2, 10, 0, 0)}, []int32{1, 2}, 10, 2},
		{"it lacks the offset", []int32{2}, []*progress{follower(2, 10, 0, 0)}, []int32{1, 2}, 11, -1},
		{"it was not heard of yet", []int32{2}, []*progress{newProgress(2)}, []int32{1, 2}, 0, -1},
		{"it deleted the offset", []int32{2}, []*progress{follower(2, 10, 6, 0)}, []int32{1, 2}, 5, -1},
		{"who has most", []int32{2, 3}, []*progress{follower(2, 12, 0, time.Second), follower(3, 10, 0, 0)}, []int32{1, 2, 3}, 5, 2},
		{"who was caught up last", []int32{2, 3}, []*progress{follower(2, 10, 0, time.Second), follower(3, 10, 0, 0)}, []int32{1, 2, 3}, 5, 3},
		{"the highest id", []int32{2, 3, 4}, []*progress{follower(2, 10, 0, 0), follower(4, 10, 0, 0), follower(3, 10, 0, 0)}, []int32{1, 2, 3, 4}, 5, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := &leaderState{self: 1, followers: test.followers, isr: isrState{committed: test.isr}}
			if got := l.nearest(test.offset, func(id int32) bool { return slices.Contains(test.near, id) }); got != test.want {
				t.Errorf("sent to %d, want %d", got, test.want)
			}
		})
	}
}

// TestConsumerIsSentToItsRack: the leader sends a consumer to the follower on its rack, which gives it what is committed as far as
// the follower knows, and no more.
func TestConsumerIsSentToItsRack(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		for id, n := range c.nodes {
			n.manager.cfg.RackAwareReads = true
			c.broker(metadata.Broker{ID: id, Epoch: n.epoch.Load(), Host: fmt.Sprintf("node%d", id), Port: 9092, Rack: fmt.Sprintf("r%d", id)})
		}
		c.create(topicID, 1, 2, 3)
		c.produce(1, -1, "a", 2).want(t, nil)
		time.Sleep(2 * time.Second) // until the followers have heard of the high watermark
		ask := func(node int32, offset int64, rack string) FetchResult {
			t.Helper()
			req := consumer(offset)
			req.Rack, req.AllowFollower = rack, true
			result := c.partition(node).Fetch(req)
			if result.Slice != nil {
				result.Slice.Release()
			}
			return result
		}
		if got := ask(1, 0, "r2"); got.PreferredReadReplica != 2 || got.Slice != nil || got.HighWatermark != 2 || got.LogStartOffset != 0 {
			t.Errorf("the leader says %+v", got)
		}
		for _, rack := range []string{"", "r1", "elsewhere"} {
			if got := ask(1, 0, rack); got.PreferredReadReplica != -1 || got.Slice == nil {
				t.Errorf("rack %q: %+v", rack, got)
			}
		}
		if got := ask(2, 0, "r3"); got.PreferredReadReplica != -1 || got.Slice == nil {
			t.Errorf("a follower sends on: %+v", got)
		}
		// What node 3 doesn't have is not committed: node 2 has it and keeps it to itself.
		c.nodes[3].stop()
		c.produce(1, 1, "b", 1).want(t, nil)
		c.settle()
		if end := c.partition(2).Log().EndOffset(); end != 3 {
			t.Fatalf("node 2 ends at %d", end)
		}
		if got := ask(2, 2, "r2"); got.Err != nil || got.Slice != nil || got.HighWatermark != 2 {
			t.Errorf("above the high watermark: %+v", got)
		}
		if got := ask(2, 4, "r2"); got.Err != error(kerr.OffsetOutOfRange) {
			t.Errorf("past the follower's end: %+v", got)
		}
	})
}
