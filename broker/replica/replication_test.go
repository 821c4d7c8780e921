package replica

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

func TestReplicatesAndAcknowledges(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		c.create(topicID, 1, 2, 3)
		for i := range 20 {
			a := c.produce(1, -1, fmt.Sprint("v", i), 3)
			a.want(t, nil)
			if r := a.get(); r.FirstOffset != int64(3*i) || r.LastOffset != int64(3*i+2) {
				t.Fatalf("append %d went to %d..%d", i, r.FirstOffset, r.LastOffset)
			}
		}
		c.wantSame(1, 2, 3)
		time.Sleep(time.Second)
		c.settle()
		for id := range c.nodes {
			if hw := c.partition(id).HighWatermark(); hw != 60 {
				t.Errorf("node %d: high watermark %d", id, hw)
			}
		}
	})
}

func TestAcks(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		c.create(topicID, 1, 2, 3)
		c.nodes[1].server.setCut(true)
		c.produce(1, 1, "one", 1).want(t, nil)
		c.produce(1, 0, "none", 1).want(t, nil)
		all := c.produce(1, -1, "all", 1)
		all.wantNone(t)
		all.pending.Expire()
		all.want(t, kerr.RequestTimedOut)
		late := c.produce(1, -1, "late", 1)
		late.wantNone(t)
		c.nodes[1].server.setCut(false)
		time.Sleep(2 * time.Second)
		late.want(t, nil)
		late.pending.Expire()
		c.produce(2, 1, "follower", 1).want(t, kerr.NotLeaderForPartition)
	})
}

func TestWrongLeaderIsToldTheRightOne(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		a := c.produce(2, 1, "x", 1)
		a.want(t, kerr.NotLeaderForPartition)
		if r := a.get(); r.CurrentLeaderID != 1 || r.CurrentLeaderEpoch != 0 {
			t.Errorf("hint is %d in epoch %d", r.CurrentLeaderID, r.CurrentLeaderEpoch)
		}
	})
}

// KIP-101, first scenario: a follower whose high watermark is behind must not cut what was acknowledged when it restarts
// and then leads.
func TestRestartKeepsWhatIsAboveTheHighWatermark(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 1).want(t, nil)
		c.produce(1, -1, "b", 1).want(t, nil)
		c.nodes[2].crash(false)
		c.nodes[1].server.setCut(true)
		c.nodes[2].start()
		c.settle()
		c.elect(2, 2)
		if got := c.partition(2).Log().EndOffset(); got != 2 {
			t.Fatalf("the new leader's log ends at %d: acknowledged records are gone", got)
		}
	})
}

// KIP-101, second scenario: the tails differ at the same length, so that lengths alone don't tell.
func TestDivergentTailsConverge(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		c.create(topicID, 1, 2, 3)
		c.produce(1, -1, "common", 2).want(t, nil)
		c.nodes[1].server.setCut(true)
		c.produce(1, 1, "lost", 3).want(t, nil)
		c.nodes[1].deaf.Store(true)
		c.elect(2, 2, 3)
		c.produce(1, 1, "zombie", 1).want(t, nil)
		c.produce(2, -1, "kept", 4).want(t, nil)
		c.listen(1)
		c.nodes[1].server.setCut(false)
		c.settle()
		time.Sleep(time.Second)
		c.wantSame(2, 1, 3)
		if got := len(c.values(1)); got != 6 {
			t.Errorf("%d records, want 6", got)
		}
	})
}

// KIP-279: two quick elections, so that the old leader knows an epoch that the new one never heard of.
func TestFastElectionsConverge(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "common", 1).want(t, nil)
		// 1 leads epoch 1 alone and writes; 2 leads epoch 2 alone and writes; 1 leads 3, writes, and so on.
		for round := range 4 {
			leader, other := int32(1+round%2), int32(2-round%2)
			c.nodes[leader].server.setCut(true)
			c.nodes[other].deaf.Store(true)
			c.elect(leader, leader)
			c.produce(leader, -1, fmt.Sprint("epoch", round), 1+round).want(t, nil)
			c.nodes[other].deaf.Store(false)
			c.nodes[leader].deaf.Store(true)
			c.elect(other, other)
			c.nodes[leader].deaf.Store(false)
		}
		c.nodes[1].server.setCut(false)
		c.nodes[2].server.setCut(false)
		c.listen(1)
		c.listen(2)
		c.elect(1, 1)
		time.Sleep(2 * time.Second)
		c.settle()
		c.wantSame(1, 2)
	})
}

// An epoch in which a leader wrote nothing leaves a mark without records at the end of its log.
func TestEmptyEpochConverges(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "common", 1).want(t, nil)
		c.nodes[2].deaf.Store(true)
		c.nodes[1].server.setCut(true)
		c.elect(1, 1)
		c.nodes[1].deaf.Store(true)
		c.nodes[2].deaf.Store(false)
		c.elect(2, 2)
		c.produce(2, 1, "kept", 2).want(t, nil)
		c.listen(1)
		time.Sleep(2 * time.Second)
		c.settle()
		c.wantSame(2, 1)
		if reg := c.registration(); len(reg.ISR) != 2 {
			t.Errorf("ISR is %v", reg.ISR)
		}
	})
}

func TestZombieLeaderAcknowledgesNothing(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		c.create(topicID, 1, 2, 3)
		c.nodes[1].deaf.Store(true)
		c.elect(2, 2, 3)
		a := c.produce(1, -1, "zombie", 1)
		time.Sleep(time.Minute)
		a.wantNone(t)
		c.listen(1)
		a.want(t, kerr.NotLeaderForPartition)
		time.Sleep(time.Second)
		c.wantSame(2, 1, 3)
	})
}

func TestFollowerBelowTheLeadersStartStartsOver(t *testing.T) { testStartsOver(t, 2, 8) }

// TestFollowerStartsOverAmidABatch: DeleteRecords may end amid a batch, which a follower that starts over there has to take whole.
func TestFollowerStartsOverAmidABatch(t *testing.T) { testStartsOver(t, 4, 10) }

// testStartsOver has a follower that ends at 3 come back to a leader that starts at start; from 8 on it has a batch of so many records.
func testStartsOver(t *testing.T, records int, start int64) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "old", 3).want(t, nil)
		c.nodes[1].server.setCut(true)
		c.elect(1, 1)
		c.produce(1, -1, "gone", 5).want(t, nil)
		c.produce(1, -1, "there", records).want(t, nil)
		if err := c.partition(1).Log().AdvanceStart(start); err != nil {
			t.Fatal(err)
		}
		c.nodes[1].server.setCut(false)
		time.Sleep(2 * time.Second)
		c.settle()
		if got := c.partition(2).Log().StartOffset(); got != start {
			t.Errorf("follower starts at %d", got)
		}
		c.wantSame(1, 2)
		if reg := c.registration(); len(reg.ISR) != 2 {
			t.Errorf("ISR is %v", reg.ISR)
		}
	})
}

func TestFollowerTakesOverTheLogStart(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 3).want(t, nil)
		if err := c.partition(1).Log().AdvanceStart(2); err != nil {
			t.Fatal(err)
		}
		c.produce(1, -1, "b", 1).want(t, nil)
		time.Sleep(time.Second)
		c.settle()
		if got := c.partition(2).Log().StartOffset(); got != 2 {
			t.Errorf("follower starts at %d", got)
		}
	})
}

func TestWithoutSessions(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		for _, n := range c.nodes {
			n.server.sessionless = true
		}
		c.create(topicID, 1, 2, 3)
		for i := range 5 {
			c.produce(1, -1, fmt.Sprint(i), 1).want(t, nil)
		}
		c.wantSame(1, 2, 3)
	})
}

func TestLostSessionIsMadeAnew(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 1).want(t, nil)
		s := c.nodes[1].server
		s.mu.Lock()
		clear(s.sessions)
		s.mu.Unlock()
		time.Sleep(time.Second)
		c.produce(1, -1, "b", 1).want(t, nil)
	})
}

func TestIdleClusterCostsLittle(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 1).want(t, nil)
		time.Sleep(time.Second)
		s := c.nodes[1].server
		s.mu.Lock()
		fetches, asked := s.fetches, s.asked
		s.mu.Unlock()
		time.Sleep(10 * time.Second)
		c.settle()
		s.mu.Lock()
		defer s.mu.Unlock()
		if got := s.fetches - fetches; got > 21 {
			t.Errorf("%d fetches in ten idle seconds", got)
		}
		if got := s.asked - asked; got != 0 {
			t.Errorf("partitions were named %d times in an idle session", got)
		}
	})
}

// A partition that comes while a long poll waits must not wait for its end.
func TestNewPartitionIsFetchedAtOnce(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 1).want(t, nil)
		time.Sleep(10*time.Second + 100*time.Millisecond)
		c.elect(1, 1, 2)
		began := time.Now()
		a := c.produce(1, -1, "b", 1)
		for a.get() == nil {
			time.Sleep(time.Millisecond)
			synctest.Wait()
		}
		a.want(t, nil)
		if took := time.Since(began); took > 50*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestFullDiskRefusesAndHeals(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 1).want(t, nil)
		follower, leader := c.nodes[2].disk, c.nodes[1].disk
		leader.SetCapacity(leader.Used())
		c.produce(1, -1, string(make([]byte, 100_000)), 1).want(t, kerr.KafkaStorageError)
		leader.SetCapacity(1 << 30)
		c.produce(1, -1, "b", 1).want(t, nil)

		follower.SetCapacity(follower.Used())
		a := c.produce(1, -1, string(make([]byte, 100_000)), 1)
		time.Sleep(5 * time.Second)
		a.wantNone(t)
		follower.SetCapacity(1 << 30)
		time.Sleep(2 * time.Second)
		a.want(t, nil)
		c.wantSame(1, 2)
		if errs := errors.Join(append(c.nodes[1].failures, c.nodes[2].failures...)...); errs != nil {
			t.Errorf("a replica went offline: %v", errs)
		}
	})
}
