package replica

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

func TestISRShrinksAndGrows(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		c.create(topicID, 1, 2, 3)
		c.produce(1, -1, "a", 1).want(t, nil)
		c.stall(3)
		a := c.produce(1, -1, "b", 1)
		time.Sleep(29 * time.Second)
		a.wantNone(t)
		time.Sleep(17 * time.Second)
		a.want(t, nil)
		c.wantISR(1, 2)
		c.produce(1, -1, "c", 1).want(t, nil)
		c.unstall(3)
		time.Sleep(2 * time.Second)
		c.wantISR(1, 2, 3)
		c.wantSame(1, 2, 3)
	})
}

// stall stops a node's fetching.
func (c *cluster) stall(id int32) {
	n := c.nodes[id]
	n.manager.fetchers.mu.Lock()
	defer n.manager.fetchers.mu.Unlock()
	for _, f := range n.manager.fetchers.bySource {
		f.cancel()
	}
	clear(n.manager.fetchers.bySource)
	clear(n.manager.fetchers.assigned)
}

// unstall lets it fetch again.
func (c *cluster) unstall(id int32) {
	p := c.partition(id)
	p.mu.Lock()
	defer p.unlock()
	p.manager.fetchers.assign(p, p.leaderID)
}

func (c *cluster) wantISR(want ...int32) {
	c.t.Helper()
	got := slices.Sorted(slices.Values(c.registration().ISR))
	if !slices.Equal(got, want) {
		c.t.Fatalf("ISR is %v, want %v", got, want)
	}
}

func TestIdlePartitionKeepsItsISR(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 1).want(t, nil)
		c.stall(2)
		time.Sleep(10 * time.Minute)
		c.wantISR(1, 2)
		if c.alters != 0 {
			t.Errorf("%d AlterPartitions", c.alters)
		}
	})
}

func TestMinISR(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		c.settings.MinInsyncReplicas = 2
		c.create(topicID, 1, 2, 3)
		c.produce(1, -1, "a", 1).want(t, nil)
		c.stall(2)
		c.stall(3)
		waiting := c.produce(1, -1, "b", 1)
		time.Sleep(46 * time.Second)
		waiting.want(t, kerr.NotEnoughReplicasAfterAppend)
		c.wantISR(1)
		c.produce(1, -1, "refused", 1).want(t, kerr.NotEnoughReplicas)
		c.produce(1, 1, "taken", 1).want(t, nil)
		time.Sleep(time.Minute)
		if hw := c.partition(1).HighWatermark(); hw != 1 {
			t.Errorf("high watermark is %d with too small an ISR, want 1", hw)
		}
		c.unstall(2)
		time.Sleep(time.Second)
		c.wantISR(1, 2)
		if hw := c.partition(1).HighWatermark(); hw != 3 {
			t.Errorf("high watermark is %d, want 3", hw)
		}
		c.produce(1, -1, "c", 1).want(t, nil)
	})
}

func TestMinISRIsAtMostTheReplicas(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		c.settings.MinInsyncReplicas = 2
		c.create(topicID, 1)
		c.produce(1, -1, "a", 1).want(t, nil)
	})
}

// While a proposal to add a follower is unanswered, the controller may have accepted it: the high watermark must wait for it.
func TestPendingMemberHoldsTheHighWatermark(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		c.create(topicID, 1, 2, 3)
		c.refuse = func(*kmsg.AlterPartitionRequest) int16 { return kerr.RequestTimedOut.Code }
		c.elect(1, 1, 2)
		c.produce(1, -1, "a", 1).want(t, nil)
		c.wantISR(1, 2)
		c.stall(3)
		a := c.produce(1, -1, "b", 1)
		time.Sleep(10 * time.Minute)
		a.wantNone(t)
		c.mu.Lock()
		c.refuse = nil
		c.mu.Unlock()
		time.Sleep(time.Minute)
		a.want(t, nil)
		c.wantISR(1, 2)
	})
}

func TestIneligibleReplicaIsProposedAgain(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.elect(1, 1)
		c.mu.Lock()
		before := c.image
		c.mu.Unlock()
		if len(before.TopicsByID[topicID].Partitions[0].ISR) != 2 {
			t.Fatal("the follower didn't join")
		}
		c.mu.Lock()
		refusals := 0
		c.refuse = func(*kmsg.AlterPartitionRequest) int16 {
			if refusals++; refusals <= 2 {
				return kerr.IneligibleReplica.Code
			}
			return 0
		}
		c.mu.Unlock()
		c.elect(1, 1)
		time.Sleep(2 * time.Second)
		c.wantISR(1, 2)
		if refusals != 3 {
			t.Errorf("%d proposals", refusals)
		}
	})
}

func TestStaleChangeIsOvertakenByMetadata(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		c.create(topicID, 1, 2, 3)
		c.refuse = func(*kmsg.AlterPartitionRequest) int16 { return kerr.InvalidUpdateVersion.Code }
		c.elect(1, 1, 2)
		time.Sleep(time.Second)
		c.wantISR(1, 2)
		c.mu.Lock()
		c.refuse = nil
		c.mu.Unlock()
		time.Sleep(time.Second)
		c.wantISR(1, 2)
		c.update(func(p *metadata.Partition) {})
		time.Sleep(time.Second)
		c.wantISR(1, 2, 3)
	})
}

func TestFencedFollowerDoesNotJoin(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		fenced := metadata.Broker{ID: 2, Epoch: c.nodes[2].BrokerEpoch(), Host: "node2", Port: 9092, Fenced: true}
		c.broker(fenced)
		c.elect(1, 1)
		c.produce(1, -1, "a", 1).want(t, nil)
		time.Sleep(5 * time.Second)
		c.wantISR(1)
		if c.alters != 0 {
			t.Errorf("%d proposals for a fenced node", c.alters)
		}
		fenced.Fenced = false
		c.broker(fenced)
		synctest.Wait()
		c.wantISR(1, 2)
	})
}

func TestStaleProcessDoesNotCount(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.broker(metadata.Broker{ID: 2, Epoch: 99, Host: "node2", Port: 9092})
		c.elect(1, 1)
		time.Sleep(5 * time.Second)
		c.wantISR(1)
	})
}

// A change of min.insync.replicas takes effect at once.
func TestMinISRChangesLive(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.nodes[1].server.setCut(true)
		c.elect(1, 1)
		c.settings.MinInsyncReplicas = 2
		c.change(func(img *metadata.Image) {
			img.Configs = map[metadata.ConfigResource]map[string]string{{Type: metadata.ResourceTopic, Name: "t"}: {"min.insync.replicas": "2"}}
		})
		c.produce(1, -1, "a", 1).want(t, kerr.NotEnoughReplicas)
		c.settings.MinInsyncReplicas = 1
		c.change(func(img *metadata.Image) { img.Configs = nil })
		c.produce(1, -1, "a", 1).want(t, nil)
	})
}
