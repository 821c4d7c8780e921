package replica

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/commitlog/cleaner"
	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
	"odradek/broker/record"
)

// deleting asks for a deletion and keeps its answer.
func (c *cluster) deleting(offset int64) (pending *PendingAppend, answer func() *DeleteResult) {
	results := make(chan DeleteResult, 2)
	pending = c.partition(1).DeleteRecords(offset, func(r DeleteResult) { results <- r })
	return pending, func() *DeleteResult {
		select {
		case r := <-results:
			return &r
		default:
			return nil
		}
	}
}

func (c *cluster) deletable() {
	c.settings.Retention.Delete = true
	c.settings.Retention.Limits = cleaner.Retention{Ms: -1, Bytes: -1}
}

func TestDeleteRecordsWaitsForTheReplicas(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		c.deletable()
		c.create(topicID, 1, 2, 3)
		c.produce(1, -1, "a", 5).want(t, nil)
		_, answer := c.deleting(3)
		time.Sleep(2 * time.Second)
		if r := answer(); r == nil || r.Err != nil || r.LowWatermark != 3 {
			c.t.Fatalf("answer %+v", r)
		}
		for id := int32(1); id <= 3; id++ {
			if start := c.partition(id).Log().StartOffset(); start != 3 {
				t.Errorf("node %d starts at %d", id, start)
			}
		}
		if r := c.partition(1).Fetch(FetchRequest{Offset: 2, CurrentLeaderEpoch: -1, LastFetchedEpoch: -1, ReplicaID: -1, MaxBytes: 100}); r.Err != kerr.OffsetOutOfRange {
			t.Errorf("a read before the start: %v", r.Err)
		}

		c.nodes[3].stop()
		pending, answer := c.deleting(DeleteToHighWatermark)
		time.Sleep(2 * time.Second)
		if r := answer(); r != nil {
			c.t.Fatalf("answered %+v though a replica that is alive has not followed", r)
		}
		_, second := c.deleting(5)
		pending.Expire()
		if r := answer(); r == nil || r.Err != kerr.RequestTimedOut || r.LowWatermark != 3 {
			t.Errorf("expired: %+v", r)
		}
		c.broker(metadata.Broker{ID: 3, Epoch: c.nodes[3].epoch.Load(), Fenced: true})
		c.settle()
		if r := second(); r == nil || r.Err != nil || r.LowWatermark != 5 {
			t.Errorf("once the dead replica is fenced: %+v", r)
		}
		pending.Expire()
		if r := answer(); r != nil {
			t.Errorf("answered twice: %+v", r)
		}
	})
}

// TestDeleteRecordsWaitsForWhoMayBeElected: a replica that is down may lead without having followed, from the ELR.
func TestDeleteRecordsWaitsForWhoMayBeElected(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.deletable()
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 5).want(t, nil)
		c.nodes[2].stop()
		c.broker(metadata.Broker{ID: 2, Epoch: c.nodes[2].epoch.Load(), Fenced: true})
		eligible := func(ids ...int32) {
			c.update(func(p *metadata.Partition) { p.ISR, p.ELR = []int32{1}, ids })
			c.settle()
		}
		eligible(2)
		_, answer := c.deleting(3)
		time.Sleep(2 * time.Second)
		if r := answer(); r != nil {
			t.Fatalf("answered %+v though node 2 may be elected", r)
		}
		eligible()
		if r := answer(); r == nil || r.Err != nil || r.LowWatermark != 3 {
			t.Errorf("when node 2 may not be elected: %+v", r)
		}
	})
}

func TestDeleteRecordsRefuses(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 5).want(t, nil)
		want := func(offset int64, want error) {
			t.Helper()
			_, answer := c.deleting(offset)
			if r := answer(); r == nil || r.Err != want || r.LowWatermark != -1 {
				t.Errorf("to %d: %+v, want %v", offset, r, want)
			}
		}
		want(1, kerr.PolicyViolation)
		c.deletable()
		for _, p := range c.nodes[1].manager.Partitions() {
			p.setSettings(c.settings)
		}
		want(6, kerr.OffsetOutOfRange)
		want(-2, kerr.OffsetOutOfRange)
		c.nodes[2].stop()
		pending, answer := c.deleting(2)
		c.update(func(p *metadata.Partition) { p.Leader, p.LeaderEpoch = 2, p.LeaderEpoch+1 })
		c.settle()
		if r := answer(); r == nil || r.Err != kerr.NotLeaderForPartition {
			t.Errorf("when another leads: %+v", r)
		}
		pending.Expire()
		want(2, kerr.NotLeaderForPartition)
	})
}

// TestRetention: records go when they are too old, first at the leader, then at its followers, with their files.
func TestRetention(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.deletable()
		c.settings.Log.SegmentBytes = int64(len(batch("a", 1)))
		c.settings.Retention.Limits.Ms = 600_000
		c.settings.Log.FileDeleteDelayMs = 1_000
		c.create(topicID, 1, 2)
		for i := range 4 {
			c.produce(1, -1, fmt.Sprint(i), 1).want(t, nil)
		}
		files := func(id int32) (n int) {
			names, err := c.nodes[id].disk.List(c.partition(id).dir)
			if err != nil {
				c.t.Fatal(err)
			}
			for _, name := range names {
				if len(name) > 4 && (name[len(name)-4:] == ".log" || name[len(name)-8:] == ".deleted") {
					n++
				}
			}
			return n
		}
		time.Sleep(8 * time.Minute)
		c.produce(1, -1, "n", 1)
		if start, n := c.partition(1).Log().StartOffset(), files(1); start != 0 || n != 5 {
			c.t.Fatalf("too early: start %d, %d files", start, n)
		}
		time.Sleep(10 * time.Minute)
		for id := int32(1); id <= 2; id++ {
			if start, n := c.partition(id).Log().StartOffset(), files(id); start != 4 || n > 2 {
				t.Errorf("node %d: start %d, %d files", id, start, n)
			}
		}
		time.Sleep(20 * time.Minute)
		for id := int32(1); id <= 2; id++ {
			if start, n := c.partition(id).Log().StartOffset(), files(id); start != 5 || n != 1 {
				t.Errorf("node %d, when all is old: start %d, %d files", id, start, n)
			}
		}
		c.produce(1, -1, "l", 1)
		c.settle()
		c.wantSame(1, 2)
	})
}

// write appends a batch of one record and waits until it is committed.
func (c *cluster) write(key, value string) {
	c.t.Helper()
	b := record.NewBuilder()
	r := record.Record{Timestamp: time.Now().UnixMilli(), Key: []byte(key)}
	if value != "" {
		r.Value = []byte(value)
	}
	b.Append(r)
	built, err := b.Build()
	if err != nil {
		c.t.Fatal(err)
	}
	done := make(chan AppendResult, 1)
	c.partition(1).Append(built, -1, func(r AppendResult) { done <- r })
	if r := <-done; r.Err != nil {
		c.t.Fatal(r.Err)
	}
}

// table reads a replica as who wants the last value of each key, and counts the records that are there.
func (c *cluster) table(id int32) (table map[string]string, records int) {
	table = map[string]string{}
	err := c.partition(id).Log().EachBatch(c.partition(id).Log().StartOffset(), func(b record.Batch) bool {
		for r, err := range b.Records(1 << 20) {
			if err != nil {
				c.t.Fatal(err)
			}
			records++
			table[string(r.Key)] = string(r.Value)
		}
		return true
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return table, records
}

// TestCompaction: every replica compacts its log; what is left tells the same; it is not done again after a restart; and a
// replica that starts with nothing gets all of it, gaps and all.
func TestCompaction(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		c.settings.Log.Compacted = true
		c.settings.Log.SegmentBytes = 500
		c.settings.Retention.Compaction = cleaner.Policy{DirtyRatioMin: 0.5, LagMsMax: math.MaxInt64, DeleteRetentionMs: 1 << 40}
		c.create(topicID, 1, 2, 3)
		want := map[string]string{}
		for i := range 60 {
			key, value := fmt.Sprint("k", i%4), fmt.Sprint("v", i)
			want[key] = value
			c.write(key, value)
		}
		if _, n := c.table(1); n != 60 {
			c.t.Fatalf("%d records before any round", n)
		}
		time.Sleep(40 * time.Second)
		check := func(id int32) {
			t.Helper()
			table, n := c.table(id)
			if n >= 30 || fmt.Sprint(table) != fmt.Sprint(want) {
				t.Errorf("node %d has %d records: %v, want %v", id, n, table, want)
			}
			if end := c.partition(id).Log().EndOffset(); end != c.partition(1).Log().EndOffset() {
				t.Errorf("node %d ends at %d", id, end)
			}
		}
		for id := int32(1); id <= 3; id++ {
			check(id)
		}
		clean := c.partition(2).firstDirty
		c.nodes[2].crash(true)
		c.nodes[2].start()
		c.nodes[3].stop()
		c.nodes[3].disk = memenv.NewDisk()
		c.nodes[3].start()
		time.Sleep(5 * time.Second)
		c.settle()
		check(2)
		check(3)
		if got := c.partition(2).firstDirty; got != clean || clean == 0 {
			t.Errorf("clean to %d after a restart, was %d", got, clean)
		}
		want["after"] = "all"
		c.write("after", "all")
		c.settle()
		check(2)
		check(3)
	})
}

// TestCleanerIsSetWhileItRuns: it ends, and begins again where there is something to do.
func TestCleanerIsSetWhileItRuns(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		c.settings.Log.Compacted = true
		c.settings.Log.SegmentBytes = 500
		c.settings.Retention.Compaction = cleaner.Policy{DirtyRatioMin: 0.5, LagMsMax: math.MaxInt64, DeleteRetentionMs: 1 << 40}
		c.create(topicID, 1)
		c.nodes[1].manager.SetCleaner(CleanerConfig{Disabled: true})
		for i := range 60 {
			c.write(fmt.Sprint("k", i%4), fmt.Sprint("v", i))
		}
		time.Sleep(time.Minute)
		if _, n := c.table(1); n != 60 {
			t.Fatalf("%d records are left of 60 though nothing is to be compacted", n)
		}
		c.nodes[1].manager.SetCleaner(CleanerConfig{Threads: 2, Backoff: time.Second})
		time.Sleep(5 * time.Second)
		if _, n := c.table(1); n >= 30 {
			t.Errorf("%d records are left of 60", n)
		}
	})
}

// TestKeylessRecordsAreRefused says which they are.
func TestKeylessRecordsAreRefused(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		c.settings.Log.Compacted = true
		c.create(topicID, 1)
		a := c.produce(1, -1, "a", 2)
		a.want(t, kerr.InvalidRecord)
		if r := a.get(); r.InvalidRecords == nil || !slices.Equal(r.InvalidRecords.Indexes, []int32{0, 1}) || !errors.Is(r.InvalidRecords, record.ErrInvalid) {
			t.Errorf("%+v", r)
		}
	})
}

func TestThrottle(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		th := throttle{bytesPerSecond: 1_000}
		began := time.Now()
		for range 100 {
			if err := th.wait(context.Background(), 50); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 4800*time.Millisecond || took > 5*time.Second {
			t.Errorf("5000 bytes took %v", took)
		}
	})
}

// TestCompactionIsThrottled: all threads together read and write no more than log.cleaner.io.max.bytes.per.second, and a limit that changes
// holds from then on; who is told to end does not wait for his turn.
func TestCompactionIsThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var limit throttle
		took := func(bytes, workers int) time.Duration {
			began := time.Now()
			var all sync.WaitGroup
			for range workers {
				all.Go(func() {
					for range 100 {
						if err := limit.wait(t.Context(), bytes/100/workers); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			return time.Since(began)
		}
		limit.limit(math.MaxFloat64)
		if d := took(1<<30, 2); d != 0 {
			t.Errorf("without a limit %v", d)
		}
		limit.limit(1_000_000)
		if d := took(10_000_000, 2); d < 9*time.Second || d > 10*time.Second {
			t.Errorf("10 MB at 1 MB/s took %v", d)
		}
		time.Sleep(time.Minute) // which is no credit
		limit.limit(5_000_000)
		if d := took(10_000_000, 1); d < 1800*time.Millisecond || d > 2*time.Second {
			t.Errorf("10 MB at 5 MB/s took %v", d)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := limit.wait(ctx, 1<<30); !errors.Is(err, context.Canceled) {
			t.Errorf("ended by %v", err)
		}
	})
}
