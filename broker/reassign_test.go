package broker

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/config"
	"odradek/broker/metadata"
)

// TestReassignment moves a partition from one pair of nodes to another under load: reads and writes go on, the new replicas have
// all records, and the log is gone from the old ones.
func TestReassignment(t *testing.T) {
	c := startCluster(t, 4, config.Property{Key: "min.insync.replicas", Value: "1"}, config.Property{Key: "auto.create.topics.enable", Value: "false"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := c.client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ConsumeTopics("t"))
	admin := kadm.NewClient(client)
	create(ctx, t, client, "t", []int32{1, 2})
	produce(ctx, t, client, "t", 1, 50)

	writing := make(chan struct{})
	written := make(chan int)
	go func() {
		n := 50
		for {
			select {
			case <-writing:
				written <- n
				return
			default:
			}
			if err := client.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: fmt.Append(nil, n)}).FirstErr(); err != nil {
				t.Errorf("produce: %v", err)
				written <- n
				return
			}
			n++
		}
	}()
	move(ctx, t, admin, []int32{3, 4})
	eventually(t, "moved", func() bool { return c.partition("t").Replicas[0] == 3 && !c.partition("t").Reassigning() })
	if p := c.partition("t"); !slices.Equal(p.Replicas, []int32{3, 4}) || len(p.ISR) != 2 || p.Leader != 3 && p.Leader != 4 {
		t.Errorf("after the move: %+v", p)
	}
	if n := moving(ctx, t, client); n != 0 {
		t.Errorf("%d topics still listed", n)
	}
	close(writing)
	total := <-written

	// More replicas than before, and fewer than that: everything is still there when only the last one leads.
	move(ctx, t, admin, []int32{4, 1, 2})
	eventually(t, "grown", func() bool { p := c.partition("t"); return len(p.Replicas) == 3 && len(p.ISR) == 3 && !p.Reassigning() })
	move(ctx, t, admin, []int32{2})
	eventually(t, "shrunk", func() bool { p := c.partition("t"); return p.Leader == 2 && len(p.Replicas) == 1 })
	seen := 0
	for seen < total {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%v after %d records of %d", err, seen, total)
		}
		seen += fetches.NumRecords()
	}
	if seen != total {
		t.Errorf("%d records, wrote %d", seen, total)
	}
	eventually(t, "the logs are gone elsewhere", func() bool {
		for id, b := range c.brokers {
			if _, err := b.replicas.Partition(c.image().Topics["t"].ID, 0); (err == nil) != (id == 2) {
				return false
			}
		}
		return true
	})
}

// TestReassignmentOutlivesController moves a partition to a node that is down, kills the active controller, and brings the node
// back: the move goes on under the next controller. Another one is taken back meanwhile, and a topic deleted on its way.
func TestReassignmentOutlivesController(t *testing.T) {
	c := startCluster(t, 3, config.Property{Key: "min.insync.replicas", Value: "1"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := c.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	admin := kadm.NewClient(client)
	leader, ok := c.brokers[1].controller.Leader()
	if !ok {
		t.Fatal("no controller")
	}
	away, stays := leader, leader%3+1
	for _, name := range []string{"t", "deleted", "back"} {
		create(ctx, t, client, name, []int32{stays})
	}
	produce(ctx, t, client, "t", 1, 20)
	if err := c.brokers[int(away)].Close(); err != nil { // the active controller, and the target of the move
		t.Fatal(err)
	}
	delete(c.brokers, int(away))
	eventually(t, "fenced", func() bool { return !c.image().Alive(away) })
	for _, name := range []string{"t", "deleted", "back"} {
		moveTopic(ctx, t, admin, name, []int32{away})
	}
	eventually(t, "on its way", func() bool {
		p := c.partition("t")
		return slices.Equal(p.Replicas, []int32{away, stays}) && slices.Equal(p.Adding, []int32{away}) && slices.Equal(p.Removing, []int32{stays}) && p.Leader == stays
	})
	if n := moving(ctx, t, client); n != 3 {
		t.Errorf("%d topics are listed", n)
	}
	if _, err := admin.DeleteTopic(ctx, "deleted"); err != nil {
		t.Error(err)
	}
	var req kadm.AlterPartitionAssignmentsReq
	req.CancelAssign("back", 0)
	if resp, err := admin.AlterPartitionAssignments(ctx, req); err != nil || resp.Error() != nil {
		t.Errorf("cancel: %v %v", resp, err)
	}
	eventually(t, "taken back", func() bool {
		p := c.partition("back")
		return slices.Equal(p.Replicas, []int32{stays}) && !p.Reassigning()
	})
	produce(ctx, t, client, "t", 1, 20)
	c.start(int(away), []config.Property{{Key: "min.insync.replicas", Value: "1"}})
	eventually(t, "moved", func() bool {
		p := c.partition("t")
		return p.Leader == away && slices.Equal(p.Replicas, []int32{away}) && !p.Reassigning()
	})
	ends, err := admin.ListEndOffsets(ctx, "t")
	if end, _ := ends.Lookup("t", 0); err != nil || end.Offset != 40 {
		t.Errorf("the log ends at %d: %v", end.Offset, err)
	}
}

// image is some node's.
func (c *testCluster) image() *metadata.Image {
	for _, id := range []int{1, 2, 3, 4} {
		if b := c.brokers[id]; b != nil {
			return b.controller.Image()
		}
	}
	return nil
}

// partition is a topic's first; an empty one where the node doesn't know it yet.
func (c *testCluster) partition(topic string) *metadata.Partition {
	if p := c.image().Topics[topic].Partition(0); p != nil {
		return p
	}
	return &metadata.Partition{}
}

// create makes a topic of one partition on given replicas.
func create(ctx context.Context, t *testing.T, client *kgo.Client, topic string, replicas []int32) {
	t.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	rt, a := kmsg.NewCreateTopicsRequestTopic(), kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
	a.Replicas = replicas
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor, rt.ReplicaAssignment = topic, -1, -1, append(rt.ReplicaAssignment, a)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatalf("create %s: %v", topic, err)
	}
}

// moving is how many topics have partitions on their way.
func moving(ctx context.Context, t *testing.T, client *kgo.Client) int {
	t.Helper()
	resp, err := kmsg.NewPtrListPartitionReassignmentsRequest().RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(resp.Topics)
}

func move(ctx context.Context, t *testing.T, admin *kadm.Client, replicas []int32) {
	t.Helper()
	moveTopic(ctx, t, admin, "t", replicas)
}

func moveTopic(ctx context.Context, t *testing.T, admin *kadm.Client, topic string, replicas []int32) {
	t.Helper()
	var req kadm.AlterPartitionAssignmentsReq
	req.Assign(topic, 0, replicas)
	resp, err := admin.AlterPartitionAssignments(ctx, req)
	if err == nil {
		err = resp.Error()
	}
	if err != nil {
		t.Fatalf("move %s to %v: %v", topic, replicas, err)
	}
}
