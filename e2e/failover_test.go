//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// gapMax is how long after the kill of a leader writers may have to wait for the next acknowledgement.
const gapMax = 2 * time.Second

// clientPatience is how soon a client asks again who leads. By default franz-go asks every five seconds at most, which would
// be all that a test measures.
const clientPatience = 100 * time.Millisecond

// TestLeaderKilled kills the leader of the only partition by kill -9 while the input is written and read, restarts it while
// both go on, and demands every line acknowledged, and read once and in order: by the reader that lived through it, and again
// from the node that was killed. Once the victim only leads the partition, once it is the active controller too.
func TestLeaderKilled(t *testing.T) {
	in, c := testInput(t), startCluster(t)
	admin := kadm.NewClient(client(t, c))
	for _, name := range []string{"leader", "leader-and-controller"} {
		t.Run(name, func(t *testing.T) {
			victim := activeController(t, admin)
			if name == "leader" {
				victim = victim%clusterNodes + 1
			}
			killLeader(t, in, c, admin, createTopicLedBy(t, c, "killed-"+name, victim), victim)
		})
	}
}

func killLeader(t *testing.T, in *input, c *cluster, admin *kadm.Client, topic string, victim int32) {
	read := make(chan error, 1)
	go func() { read <- franzConsume(t, c, topic, newCollector(in)) }()
	acked := writeThroughKill(t, in, c, topic, victim)
	leader := leaderOf(t, admin, topic)
	t.Logf("node %d killed, leader now %d: longest wait for an acknowledgement %v, ended %v after the kill; %d of %d acknowledged, %d failed",
		victim, leader, acked.gap.Round(time.Millisecond), acked.gapEnd.Round(time.Millisecond), acked.count, len(in.index), len(acked.failures))
	if acked.count != len(in.index) || len(acked.failures) > 0 {
		t.Errorf("%d of %d lines acknowledged: %v", acked.count, len(in.index), acked.failures)
	}
	if acked.gap > gapMax {
		t.Errorf("no acknowledgement for %v after the kill; %v is allowed", acked.gap, gapMax)
	}
	if leader == victim {
		t.Errorf("node %d was killed and leads", victim)
	}
	if err := <-read; err != nil {
		t.Errorf("the reader that lived through it: %v", err)
	}
	giveBack(t, admin, topic, victim)
	if err := franzConsume(t, c, topic, newCollector(in)); err != nil {
		t.Errorf("read from the node that was killed: %v", err)
	}
}

// TestLeaderKilledUnderKcat does it with the other client: kcat ends without an error only when all is acknowledged.
func TestLeaderKilledUnderKcat(t *testing.T) {
	in, c := testInput(t), startCluster(t)
	admin := kadm.NewClient(client(t, c))
	victim := activeController(t, admin)
	topic := createTopicLedBy(t, c, "killed-kcat", victim)
	written := make(chan error, 1)
	go func() { written <- kcatProduce(c, in, topic, "none") }()
	for endOf(t, admin, topic) < int64(len(in.index)/4) {
		select {
		case err := <-written:
			t.Fatalf("kcat ended before the kill: %v", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	c.kill(t, victim)
	t.Logf("node %d killed after %d of %d lines", victim, endOf(t, admin, topic), len(in.index))
	if err := c.up(); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	giveBack(t, admin, topic, victim)
	collected := newCollector(in)
	kcatConsume(t, c, topic, 0, collected)
	if collected.left != 0 {
		t.Errorf("%d of %d lines did not come back", collected.left, len(in.index))
	}
}

// endOf is the offset after the last one that consumers may read.
func endOf(t *testing.T, admin *kadm.Client, topic string) int64 {
	t.Helper()
	offsets, err := admin.ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return offsets[topic][0].Offset
}

// acknowledgements counts them, and measures the waits after the kill.
type acknowledgements struct {
	mu           sync.Mutex
	count        int
	failures     []error
	killed, last time.Time     // last is of the newest acknowledgement, or of the kill
	gap, gapEnd  time.Duration // the longest wait after the kill, and how long after the kill it ended
}

func (a *acknowledgements) add(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.failures = append(a.failures, err)
		return
	}
	a.count++
	now := time.Now()
	if !a.killed.IsZero() {
		if gap := now.Sub(a.last); gap > a.gap {
			a.gap, a.gapEnd = gap, now.Sub(a.killed)
		}
	}
	a.last = now
}

func (a *acknowledgements) kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.killed = time.Now()
	a.last = a.killed
}

// writeThroughKill writes the whole input, kills victim half way and starts it again at three quarters.
func writeThroughKill(t *testing.T, in *input, c *cluster, topic string, victim int32) *acknowledgements {
	t.Helper()
	acked := &acknowledgements{}
	cl := client(t, c, kgo.DefaultProduceTopic(topic), kgo.MaxBufferedRecords(20000))
	file, err := os.Open(in.path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 1<<20), 16<<20)
	restarted := make(chan error, 1)
	for count := 0; lines.Scan(); count++ {
		switch count {
		case len(in.index) / 2:
			acked.kill()
			c.kill(t, victim)
		case len(in.index) * 3 / 4:
			go func() { restarted <- c.up() }()
		}
		cl.Produce(t.Context(), kgo.StringRecord(lines.Text()), func(_ *kgo.Record, err error) { acked.add(err) })
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := errors.Join(cl.Flush(ctx), <-restarted); err != nil {
		t.Fatal(err)
	}
	return acked
}

func activeController(t *testing.T, admin *kadm.Client) int32 {
	t.Helper()
	metadata, err := admin.BrokerMetadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return metadata.Controller
}

func partitionOf(t *testing.T, admin *kadm.Client, topic string) kadm.PartitionDetail {
	t.Helper()
	metadata, err := admin.Metadata(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return metadata.Topics[topic].Partitions[0]
}

func leaderOf(t *testing.T, admin *kadm.Client, topic string) int32 {
	t.Helper()
	return partitionOf(t, admin, topic).Leader
}

// createTopicLedBy creates a topic of one partition whose preferred leader is node.
func createTopicLedBy(t *testing.T, c *cluster, name string, node int32) string {
	t.Helper()
	replicas := []int32{node}
	for other := range int32(clusterNodes) {
		if other+1 != node {
			replicas = append(replicas, other+1)
		}
	}
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, -1, -1
	topic.ReplicaAssignment = []kmsg.CreateTopicsRequestTopicReplicaAssignment{{Partition: 0, Replicas: replicas}}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis, req.Topics = 10000, append(req.Topics, topic)
	resp, err := req.RequestWith(t.Context(), client(t, c))
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// giveBack waits until the node is in sync again and has it elected.
func giveBack(t *testing.T, admin *kadm.Client, topic string, node int32) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !slices.Contains(partitionOf(t, admin, topic).ISR, node) {
		if time.Now().After(deadline) {
			t.Fatalf("node %d is not in sync again: %+v", node, partitionOf(t, admin, topic))
		}
		time.Sleep(100 * time.Millisecond)
	}
	results, err := admin.ElectLeaders(t.Context(), kadm.ElectPreferredReplica, kadm.TopicsSet{topic: {0: {}}})
	if err == nil {
		err = results[topic][0].Err
	}
	if err != nil {
		t.Fatal(err)
	}
	for leaderOf(t, admin, topic) != node {
		if time.Now().After(deadline) {
			t.Fatalf("node %d was elected and does not lead", node)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
