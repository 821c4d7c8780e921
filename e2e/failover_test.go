//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// acknowledgements counts them and keeps the longest time without one after the kill.
type acknowledgements struct {
	mu       sync.Mutex
	count    int
	failures []error
	last     time.Time // of the newest acknowledgement, or of the kill
	killed   bool
	gap      time.Duration
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
	if a.killed {
		a.gap = max(a.gap, now.Sub(a.last))
	}
	a.last = now
}

func (a *acknowledgements) kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.killed, a.last = true, time.Now()
}

// TestLeaderKilled kills the leader of the only partition while the input is written, restarts it, and demands every
// acknowledged line once and in order.
func TestLeaderKilled(t *testing.T) {
	in, c := testInput(t), startCluster(t)
	for _, controllerToo := range []bool{false, true} {
		name := "leader"
		if controllerToo {
			name = "leader-and-controller"
		}
		t.Run(name, func(t *testing.T) { killLeader(t, in, c, name) })
	}
}

func killLeader(t *testing.T, in *input, c *cluster, name string) {
	topic := createTopic(t, c, "killed-"+name, 1)
	admin := kadm.NewClient(client(t, c))
	victim := leaderOf(t, admin, topic)
	if name == "leader-and-controller" {
		metadata, err := admin.Metadata(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		victim = metadata.Controller
		moveLeader(t, admin, topic, victim)
	}
	acked := &acknowledgements{}
	writeWithKill(t, in, c, topic, victim, acked)
	t.Logf("node %d killed; longest gap between acknowledgements after it %v; %d acknowledged, %d failed, leader now %d",
		victim, acked.gap, acked.count, len(acked.failures), leaderOf(t, admin, topic))
	if acked.count != len(in.index) || len(acked.failures) > 0 {
		t.Fatalf("%d of %d lines acknowledged: %v", acked.count, len(in.index), acked.failures)
	}
	c.up(t)
	collected := newCollector(in)
	franzConsume(t, c, topic, collected)
}

// writeWithKill writes the whole input and kills victim half way.
func writeWithKill(t *testing.T, in *input, c *cluster, topic string, victim int32, acked *acknowledgements) {
	t.Helper()
	cl := client(t, c, kgo.DefaultProduceTopic(topic), kgo.MaxBufferedRecords(20000))
	file, err := os.Open(in.path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 1<<20), 16<<20)
	for count := 0; lines.Scan(); count++ {
		if count == len(in.index)/2 {
			acked.kill()
			c.kill(t, victim)
		}
		cl.Produce(t.Context(), kgo.StringRecord(lines.Text()), func(_ *kgo.Record, err error) { acked.add(err) })
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := cl.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func leaderOf(t *testing.T, admin *kadm.Client, topic string) int32 {
	t.Helper()
	metadata, err := admin.Metadata(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return metadata.Topics[topic].Partitions[0].Leader
}

// moveLeader creates the topic anew until node leads it: placement is the cluster's to choose.
func moveLeader(t *testing.T, admin *kadm.Client, topic string, node int32) {
	t.Helper()
	if leaderOf(t, admin, topic) == node {
		return
	}
	if _, err := admin.DeleteTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := admin.CreateTopic(t.Context(), 1, 3, nil, topic); err != nil {
			t.Fatal(err)
		}
		if leaderOf(t, admin, topic) == node {
			return
		}
		if _, err := admin.DeleteTopic(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("no topic came to be led by node %d", node)
}
