package replica

import (
	"testing"
	"testing/synctest"
	"time"

	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
)

// What is acknowledged with flush.messages=1 survives the loss of power everywhere at once; without it nothing needs to.
func TestPowerLossEverywhere(t *testing.T) {
	for _, test := range []struct {
		name          string
		flushMessages int64
		acks          int16
		survive       int
	}{
		{"durable, acks=all", 1, -1, 10},
		{"durable, acks=1", 1, 1, 10},
		{"page cache", 1 << 40, -1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			testCluster(t, 3, func(c *cluster) {
				c.settings.Log.FlushMessages = test.flushMessages
				c.create(topicID, 1, 2, 3)
				for range 10 {
					c.produce(1, test.acks, "v", 1).want(t, nil)
				}
				acked := map[int32]int{1: test.survive}
				if test.acks == -1 {
					acked[2], acked[3] = test.survive, test.survive
				}
				for id := range c.nodes {
					c.nodes[id].crash(true)
				}
				for id := range c.nodes {
					c.nodes[id].start()
				}
				c.settle()
				for id, want := range acked {
					if got := c.partition(id).Log().EndOffset(); got != int64(want) {
						t.Errorf("node %d: log ends at %d, want %d", id, got, want)
					}
				}
			})
		})
	}
}

// A follower's fetch vouches for what it has: it must be durable before.
func TestFollowerSyncsBeforeItVouches(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.settings.Log.FlushMessages = 1
		c.create(topicID, 1, 2)
		release := make(chan struct{})
		c.nodes[2].disk.SetHook(func(op memenv.Op) error {
			if op.Kind == memenv.OpSync {
				<-release
			}
			return nil
		})
		a := c.produce(1, -1, "a", 1)
		a.wantNone(t)
		if got := c.partition(2).Log().EndOffset(); got != 1 {
			t.Fatalf("the follower's log ends at %d", got)
		}
		close(release)
		a.want(t, nil)
	})
}

// One fsync serves all that wait: while the first runs, the rest gathers.
func TestGroupCommit(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		c.settings.Log.FlushMessages = 1
		c.create(topicID, 1)
		c.produce(1, -1, "first", 1).want(t, nil)
		syncs := 0
		c.nodes[1].disk.SetHook(func(op memenv.Op) error {
			if op.Kind == memenv.OpSync {
				syncs++
				time.Sleep(10 * time.Millisecond)
			}
			return nil
		})
		var answers []*answer
		for range 100 {
			answers = append(answers, c.produce(1, -1, "v", 1))
		}
		answers[99].wantNone(t)
		time.Sleep(20 * time.Millisecond)
		for _, a := range answers {
			a.want(t, nil)
		}
		if syncs > 2 {
			t.Errorf("%d fsyncs for a hundred appends", syncs)
		}
	})
}

func TestFlushByTimeAndCount(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		c.settings.Log.FlushMessages, c.settings.Log.FlushMs = 5, 1000
		c.create(topicID, 1)
		log := c.partition(1).Log()
		c.produce(1, -1, "a", 2).want(t, nil)
		if got := log.SyncedOffset(); got != 0 {
			t.Errorf("synced up to %d before its time", got)
		}
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		if got := log.SyncedOffset(); got != 2 {
			t.Errorf("synced up to %d after flush.ms", got)
		}
		c.produce(1, -1, "b", 5).want(t, nil)
		if got := log.SyncedOffset(); got != 7 {
			t.Errorf("synced up to %d after flush.messages", got)
		}
	})
}

// What the high watermark was is remembered over restarts.
func TestHighWatermarkIsCheckpointed(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 3).want(t, nil)
		time.Sleep(6 * time.Second)
		c.update(func(p *metadata.Partition) { p.Leader = metadata.NoLeader })
		c.nodes[1].crash(false)
		c.nodes[2].stop()
		for id := range c.nodes {
			c.nodes[id].start()
		}
		c.settle()
		for id := range c.nodes {
			if hw := c.partition(id).HighWatermark(); hw != 3 {
				t.Errorf("node %d: high watermark %d", id, hw)
			}
		}
	})
}
