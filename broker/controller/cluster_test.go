package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
)

// cluster is a set of nodes in one process, on a network and disks in memory.
type cluster struct {
	t           *testing.T
	net         *memenv.Net
	controllers map[int32]string
	nodes       map[int32]*testNode
}

type testNode struct {
	*Controller
	disk *memenv.Disk
	net  *killableNet
	// previousEpoch is what the disk said of the process before.
	previousEpoch int64
}

func address(id int32) string { return fmt.Sprintf("node%d:9093", id) }

func newCluster(t *testing.T, voters ...int32) *cluster {
	c := &cluster{t: t, net: memenv.NewNet(), controllers: map[int32]string{}, nodes: map[int32]*testNode{}}
	for _, id := range voters {
		c.controllers[id] = address(id)
	}
	t.Cleanup(func() {
		for _, n := range c.nodes {
			n.Close(false)
		}
	})
	return c
}

// start opens a node on a disk; a nil disk is an empty one.
func (c *cluster) start(id int32, disk *memenv.Disk, change ...func(*Config)) *testNode {
	c.t.Helper()
	if disk == nil {
		disk = memenv.NewDisk()
	}
	network := &killableNet{Net: c.net}
	cfg := Config{
		NodeID: id, Net: network, Disk: disk, Dir: "data", Listen: address(id), Controllers: c.controllers,
		Host: fmt.Sprintf("node%d", id), Port: 9092,
		Logger: testLogger(id),
		OnFailure: func(err error) {
			if !errors.Is(err, memenv.ErrDead) { // a killed node's goroutines may still run into its disk
				c.t.Errorf("node %d failed: %v", id, err)
			}
		},
	}
	for _, fn := range change {
		fn(&cfg)
	}
	n, err := Open(cfg)
	if err != nil {
		c.t.Fatalf("node %d: %v", id, err)
	}
	c.nodes[id] = &testNode{Controller: n, disk: disk, net: network, previousEpoch: n.state.BrokerEpoch}
	n.Start()
	return c.nodes[id]
}

// testLogger writes to standard error when ODRADEK_TEST_LOG is set.
func testLogger(id int32) *slog.Logger {
	if os.Getenv("ODRADEK_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", id)
}

// kill ends a node as kill -9 does: its sockets are closed, its disk stays as it is, nothing of it runs on.
func (c *cluster) kill(id int32) *memenv.Disk {
	n := c.nodes[id]
	delete(c.nodes, id)
	disk := n.disk.Kill()
	n.net.kill()
	n.Close(false)
	return disk
}

// wait polls until ok, which says what is missing, returns "".
func (c *cluster) wait(limit time.Duration, ok func() string) {
	c.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		missing := ok()
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("after %v: %s", limit, missing)
		}
		time.Sleep(time.Millisecond)
	}
}

// waitAlive waits until every node sees all of them unfenced.
func (c *cluster) waitAlive(limit time.Duration) {
	c.t.Helper()
	c.wait(limit, func() string {
		for id, n := range c.nodes {
			for other, on := range c.nodes {
				b := n.Image().Brokers[other]
				if b == nil || b.Fenced || b.Epoch != on.BrokerEpoch() {
					return fmt.Sprintf("node %d sees node %d as %+v", id, other, b)
				}
			}
		}
		return ""
	})
}

func (c *cluster) leader() int32 {
	for _, n := range c.nodes {
		if id, ok := n.Leader(); ok && c.nodes[id] != nil {
			return id
		}
	}
	return -1
}

func (c *cluster) any() *testNode {
	for _, n := range c.nodes {
		return n
	}
	return nil
}

func createTopic(t *testing.T, n *testNode, name string, partitions int32, factor int16) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, factor
	req.Topics = append(req.Topics, topic)
	resp, err := n.Request(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	if code := resp.(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode; code != 0 {
		t.Fatalf("create topic: code %d %v", code, *resp.(*kmsg.CreateTopicsResponse).Topics[0].ErrorMessage)
	}
	if n.Image().Topics[name] == nil {
		t.Fatal("the local image lacks the topic after the request")
	}
}

func TestClusterOfOneFormsAtOnce(t *testing.T) {
	c := newCluster(t)
	began := time.Now()
	n := c.start(1, nil)
	c.waitAlive(5 * time.Second)
	took := time.Since(began)
	t.Logf("unfenced after %v", took)
	if took > 400*time.Millisecond {
		t.Errorf("took %v: it must not wait for an election timeout", took)
	}
	createTopic(t, n, "t", 3, 1)
	if content, err := env.ReadFile(n.disk, path.Join("data", metaPropertiesName), 1<<10); err != nil || n.Image().ClusterID == "" {
		t.Fatal(string(content), err)
	}

	// Again on the same disk: the same cluster, the same topic, another epoch.
	image := n.Image()
	disk := c.kill(1)
	began = time.Now()
	n = c.start(1, disk)
	c.waitAlive(5 * time.Second)
	t.Logf("again after %v", time.Since(began))
	if n.Image().ClusterID != image.ClusterID || n.Image().Topics["t"] == nil || n.Image().Brokers[1].Epoch <= image.Brokers[1].Epoch {
		t.Fatalf("%+v, before %+v", n.Image(), image)
	}
	c.wait(time.Second, func() string {
		for i, p := range n.Image().Topics["t"].Partitions {
			if p.Leader != 1 {
				return fmt.Sprintf("partition %d: %+v", i, p)
			}
		}
		return ""
	})
}

func TestThreeNodes(t *testing.T) {
	c := newCluster(t, 1, 2, 3)
	began := time.Now()
	for _, id := range []int32{1, 2, 3} {
		c.start(id, nil)
	}
	c.waitAlive(10 * time.Second)
	t.Logf("formed in %v", time.Since(began))
	createTopic(t, c.nodes[1], "a", 6, 3)
	createTopic(t, c.nodes[2], "b", 6, 3)
	createTopic(t, c.nodes[3], "c", 6, 3)

	for round := range 3 {
		old := c.leader()
		began = time.Now()
		disk := c.kill(old)
		c.wait(5*time.Second, func() string {
			for id, n := range c.nodes {
				for name, topic := range n.Image().Topics {
					for i, p := range topic.Partitions {
						if p.Leader == old || p.Leader < 0 {
							return fmt.Sprintf("node %d: %s-%d is led by %d", id, name, i, p.Leader)
						}
					}
				}
			}
			return ""
		})
		took := time.Since(began)
		t.Logf("round %d: all leaderships moved %v after the kill of %d", round, took, old)
		if took > 400*time.Millisecond {
			t.Errorf("took %v: a death is heard, no timeout must pass", took)
		}
		createTopic(t, c.any(), fmt.Sprintf("after-%d", round), 3, 2)
		c.start(old, disk)
		c.waitAlive(10 * time.Second)
		c.growISRs()
	}
	c.sameImages()
}

// growISRs does what the leaders of partitions do when the followers caught up.
func (c *cluster) growISRs() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	image := c.any().Image()
	for name, topic := range image.Topics {
		for i, p := range topic.Partitions {
			req := kmsg.NewPtrAlterPartitionRequest()
			req.BrokerID, req.BrokerEpoch = p.Leader, image.Brokers[p.Leader].Epoch
			rt, rp := kmsg.NewAlterPartitionRequestTopic(), kmsg.NewAlterPartitionRequestTopicPartition()
			rt.TopicID = topic.ID
			rp.Partition, rp.LeaderEpoch, rp.PartitionEpoch = int32(i), p.LeaderEpoch, p.PartitionEpoch
			for _, id := range p.Replicas {
				member := kmsg.NewAlterPartitionRequestTopicPartitionNewEpochISR()
				member.BrokerID, member.BrokerEpoch = id, image.Brokers[id].Epoch
				rp.NewEpochISR = append(rp.NewEpochISR, member)
			}
			rt.Partitions = append(rt.Partitions, rp)
			req.Topics = append(req.Topics, rt)
			resp, err := c.nodes[p.Leader].Request(ctx, req)
			if err != nil {
				c.t.Fatal(err)
			}
			if got := resp.(*kmsg.AlterPartitionResponse).Topics[0].Partitions[0]; got.ErrorCode != 0 || len(got.ISR) != len(p.Replicas) {
				c.t.Fatalf("%s-%d: %+v", name, i, got)
			}
		}
	}
}

// sameImages waits until all nodes hold the same metadata.
func (c *cluster) sameImages() {
	c.t.Helper()
	c.wait(5*time.Second, func() string {
		var first []byte
		for id, n := range c.nodes {
			encoded := metadata.AppendSnapshot(nil, n.Image())
			if first == nil {
				first = encoded
			} else if string(first) != string(encoded) {
				return fmt.Sprintf("node %d has another image", id)
			}
		}
		return ""
	})
}

func TestNodeWithoutItsDiskJoinsAsSomebodyElse(t *testing.T) {
	for _, lost := range []int32{1, 3} {
		t.Run(fmt.Sprintf("node %d", lost), func(t *testing.T) {
			c := newCluster(t, 1, 2, 3)
			for _, id := range []int32{1, 2, 3} {
				c.start(id, nil)
			}
			c.waitAlive(10 * time.Second)
			createTopic(t, c.nodes[2], "t", 4, 3)
			old := c.nodes[lost].DirectoryID()
			cluster := c.nodes[2].Image().ClusterID
			c.kill(lost)
			n := c.start(lost, nil)
			c.waitAlive(20 * time.Second)
			if n.DirectoryID() == old || n.Image().ClusterID != cluster {
				t.Fatalf("cluster %s, want %s", n.Image().ClusterID, cluster)
			}
			for i, p := range n.Image().Topics["t"].Partitions {
				if p.Leader == lost || len(p.ISR) != 2 || len(p.ELR) != 0 {
					t.Errorf("partition %d: %+v", i, p)
				}
			}
			// It gets its vote back, and the old member is gone.
			c.wait(5*time.Second, func() string {
				members := n.Quorum().Members
				if len(members) != 3 {
					return fmt.Sprint(members)
				}
				for _, m := range members {
					if !m.Voter || m.DirectoryID == old.String() || m.NodeID < 0 {
						return fmt.Sprint(members)
					}
				}
				return ""
			})
			c.sameImages()
		})
	}
}

func TestNodeBeyondTheControllersJoinsWithoutVote(t *testing.T) {
	c := newCluster(t, 1, 2, 3)
	c.start(4, nil) // first of all: it waits for the cluster
	for _, id := range []int32{3, 2, 1} {
		c.start(id, nil)
	}
	c.waitAlive(10 * time.Second)
	createTopic(t, c.nodes[4], "t", 4, 4)
	members := c.nodes[4].Quorum().Members
	if len(members) != 4 {
		t.Fatal(members)
	}
	checkDescribedQuorum(t, c.nodes[4])
	for _, m := range members {
		if m.Voter != (m.NodeID != 4) {
			t.Errorf("%+v", m)
		}
	}
	c.sameImages()
}

// TestShutdownBeforeRegistration stops a voter whose peers never came: it has nothing to hand over and nobody to ask.
func TestShutdownBeforeRegistration(t *testing.T) {
	n := newCluster(t, 1, 2, 3).start(1, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := n.Shutdown(ctx); !errors.Is(err, errNotRegistered) {
		t.Errorf("%v, want %v", err, errNotRegistered)
	}
}

func TestControlledShutdown(t *testing.T) {
	c := newCluster(t, 1, 2, 3)
	for _, id := range []int32{1, 2, 3} {
		c.start(id, nil)
	}
	c.waitAlive(10 * time.Second)
	createTopic(t, c.nodes[1], "t", 6, 3)
	id := c.leader()
	n := c.nodes[id]
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	began := time.Now()
	if err := n.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("shut down in %v", time.Since(began))
	if n.raft.State().String() == "Leader" {
		t.Error("still leads the quorum")
	}
	if err := n.Close(true); err != nil {
		t.Fatal(err)
	}
	delete(c.nodes, id)
	c.wait(5*time.Second, func() string {
		for _, other := range c.nodes {
			for i, p := range other.Image().Topics["t"].Partitions {
				if p.Leader == id || p.Leader < 0 || len(p.ISR) != 2 {
					return fmt.Sprintf("partition %d: %+v", i, p)
				}
			}
		}
		return ""
	})
	epoch := c.any().Image().Brokers[id].Epoch
	// The machine loses its power: what was closed cleanly is still all there.
	again := c.start(id, n.disk.PowerLoss(memenv.Loss{}))
	if again.previousEpoch != epoch {
		t.Errorf("remembers epoch %d, had %d", again.previousEpoch, epoch)
	}
	c.waitAlive(10 * time.Second)
}

func TestPowerLossForgetsTheEpoch(t *testing.T) {
	c := newCluster(t)
	n := c.start(1, nil)
	c.waitAlive(5 * time.Second)
	createTopic(t, n, "t", 1, 1)
	disk := n.disk.PowerLoss(memenv.Loss{})
	n.net.kill()
	n.Close(false)
	again := c.start(1, disk)
	if again.previousEpoch != -1 {
		t.Errorf("remembers epoch %d", again.previousEpoch)
	}
	c.waitAlive(5 * time.Second)
	// The only replica leads again: it is the last known leader.
	c.wait(time.Second, func() string {
		if p := again.Image().Topics["t"].Partition(0); p == nil || p.Leader != 1 || len(p.ISR) != 1 {
			return fmt.Sprintf("%+v", p)
		}
		return ""
	})
}

// TestSilenceEndsTheSession: a node that lives and says nothing is fenced when its session ends, and not before; when it speaks
// again it is taken back.
func TestSilenceEndsTheSession(t *testing.T) {
	short := func(c *Config) { c.SessionTimeout, c.HeartbeatInterval = 200*time.Millisecond, 40*time.Millisecond }
	c := newCluster(t, 1, 2, 3)
	for _, id := range []int32{1, 2, 3} {
		c.start(id, nil, short)
	}
	c.waitAlive(10 * time.Second)
	silent := (c.leader())%3 + 1
	c.nodes[silent].stopLiving()
	began := time.Now()
	c.wait(5*time.Second, func() string {
		if c.nodes[c.leader()].Image().Alive(silent) {
			return "still alive"
		}
		return ""
	})
	if took := time.Since(began); took < 120*time.Millisecond {
		t.Errorf("fenced after %v, before its session ended", took)
	}
	c.nodes[silent].liveDone, c.nodes[silent].formDone = make(chan struct{}), make(chan struct{})
	c.nodes[silent].Start()
	c.waitAlive(5 * time.Second)
}

// TestReadinessHoldsBackTheUnfencing: a node whose logs are not open stays fenced, and is unfenced when they are.
func TestReadinessHoldsBackTheUnfencing(t *testing.T) {
	c := newCluster(t)
	ready := make(chan struct{})
	n := c.start(1, nil, func(c *Config) { c.Ready = ready })
	c.wait(5*time.Second, func() string {
		if n.BrokerEpoch() < 0 || n.Image().Brokers[1] == nil {
			return "not registered"
		}
		return ""
	})
	time.Sleep(20 * time.Millisecond)
	if n.Image().Alive(1) {
		t.Error("unfenced before it was ready")
	}
	close(ready)
	c.waitAlive(time.Second)
}

// checkDescribedQuorum asks a node that is not the active controller of the quorum.
func checkDescribedQuorum(t *testing.T, n *testNode) {
	t.Helper()
	req := kmsg.NewPtrDescribeQuorumRequest()
	req.SetVersion(2)
	topic := kmsg.NewDescribeQuorumRequestTopic()
	topic.Topic, topic.Partitions = "__cluster_metadata", append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	req.Topics = append(req.Topics, topic)
	answer, err := n.Request(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	resp := answer.(*kmsg.DescribeQuorumResponse)
	p := resp.Topics[0].Partitions[0]
	leader, _ := n.Leader()
	if p.ErrorCode != 0 || p.LeaderID != leader || p.LeaderEpoch < 1 || p.HighWatermark < 1 || len(p.CurrentVoters) != 3 || len(p.Observers) != 1 || len(resp.Nodes) != 3 {
		t.Fatalf("%+v", resp)
	}
	for _, state := range append(p.CurrentVoters, p.Observers...) {
		if state.ReplicaDirectoryID == [16]byte{} || state.LogEndOffset > p.HighWatermark || state.ReplicaID == leader && state.LogEndOffset != p.HighWatermark {
			t.Errorf("%+v of %d", state, p.HighWatermark)
		}
	}
}
