package replica

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"odradek/broker/metadata"
)

// joining writes 8 MB with replicas on nodes 1 and 2, and makes node 3 a replica when nobody counts that any more.
func (c *cluster) joining() {
	c.create(topicID, 1, 2)
	for range 16 {
		c.produce(1, -1, strings.Repeat("x", 5000), 100).want(c.t, nil)
	}
	time.Sleep(30 * time.Second)
	c.update(func(p *metadata.Partition) { p.Replicas = []int32{1, 2, 3} })
}

// joined waits until node 3 has everything, and returns how long that took.
func (c *cluster) joined() time.Duration {
	c.t.Helper()
	start := time.Now()
	for len(c.registration().ISR) < 3 {
		if time.Since(start) > time.Hour {
			c.t.Fatal("never")
		}
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
	}
	return time.Since(start)
}

// TestThrottledReplication: a replica that catches up gets what the limit lets through, on the side that names it; others, and those in
// sync, get what they ask for.
func TestThrottledReplication(t *testing.T) {
	const rate, none = 400_000, math.MaxInt64
	for _, test := range []struct {
		name             string
		leader, follower ReplicaList
		limits           func(m *Manager)
		least, most      time.Duration
	}{
		{"nothing is named", "", "", func(m *Manager) { m.SetLimits(rate, rate, rate) }, 0, 2 * time.Second},
		{"without a limit", "*", "*", func(m *Manager) { m.SetLimits(none, none, rate) }, 0, 2 * time.Second},
		{"by its leader", "0:1", "", func(m *Manager) { m.SetLimits(rate, none, none) }, 15 * time.Second, 25 * time.Second},
		{"by its leader, all replicas", "*", "", func(m *Manager) { m.SetLimits(rate, none, none) }, 15 * time.Second, 25 * time.Second},
		{"by the follower", "", "0:3", func(m *Manager) { m.SetLimits(none, rate, none) }, 15 * time.Second, 25 * time.Second},
		{"others are named", "0:2,0:3,1:1", "0:1,0:2,7:3", func(m *Manager) { m.SetLimits(rate, rate, none) }, 0, 2 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			testCluster(t, 3, func(c *cluster) {
				c.settings.LeaderThrottled, c.settings.FollowerThrottled = test.leader, test.follower
				for _, n := range c.nodes {
					test.limits(n.manager)
				}
				c.joining()
				if took := c.joined(); took < test.least || took > test.most {
					t.Errorf("took %v, want %v to %v", took, test.least, test.most)
				}
				c.wantSame(1, 2, 3)
				// Who is in sync is not held back, however much has been copied.
				start := time.Now()
				c.produce(1, -1, "last", 1)
				for c.partition(1).HighWatermark() < c.partition(1).Log().EndOffset() {
					time.Sleep(10 * time.Millisecond)
				}
				if took := time.Since(start); took > 100*time.Millisecond {
					t.Errorf("a record was committed after %v", took)
				}
			})
		})
	}
}

// TestThrottleIsLifted: a follower that is held back by a limit of nothing goes on soon after the limit is gone.
func TestThrottleIsLifted(t *testing.T) {
	for _, side := range []string{"leader", "follower"} {
		t.Run(side, func(t *testing.T) {
			testCluster(t, 3, func(c *cluster) {
				c.settings.LeaderThrottled, c.settings.FollowerThrottled = "*", "*"
				limit := func(bytes int64) {
					for _, n := range c.nodes {
						if side == "leader" {
							n.manager.SetLimits(bytes, math.MaxInt64, math.MaxInt64)
						} else {
							n.manager.SetLimits(math.MaxInt64, bytes, math.MaxInt64)
						}
					}
				}
				limit(1)
				c.joining()
				time.Sleep(time.Minute)
				if isr := c.registration().ISR; !slices.Equal(isr, []int32{1, 2}) {
					t.Fatalf("in sync are %v", isr)
				}
				limit(math.MaxInt64)
				if took := c.joined(); took > 3*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestThrottledMove(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		c.withDirs(threeDirs...)
		c.topics(1)
		for i := range 16 {
			c.writeTo(1, 0, -1, fmt.Sprint(strings.Repeat("x", 5000), i), 100).want(t, nil)
		}
		c.nodes[1].manager.SetLimits(math.MaxInt64, math.MaxInt64, 400_000)
		if err := c.nodes[1].move(0, "c"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(12 * time.Second)
		synctest.Wait()
		c.wantLayout(1, "a: t0 | b: | c: t0")
		time.Sleep(13 * time.Second)
		synctest.Wait()
		c.wantLayout(1, "a: | b: | c: t0")
	})
}

func TestReplicaList(t *testing.T) {
	for list, want := range map[ReplicaList]bool{
		"": false, "*": true, "none": false, "3:1": true, "1:3": false, "2:1,3:1": true, "3:10": false, "03:01": true, "3": false, "3:": false, ":1": false, ":": false,
	} {
		if list.has(3, 1) != want {
			t.Errorf("%q has 3:1: %v, want %v", list, !want, want)
		}
	}
}
