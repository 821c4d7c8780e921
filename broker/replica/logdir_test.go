package replica

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
)

var threeDirs = []LogDir{{Path: "a", ID: metadata.UUID{0xa}, Vital: true}, {Path: "b", ID: metadata.UUID{0xb}}, {Path: "c", ID: metadata.UUID{0xc}}}

// withDirs has the nodes start again with these directories.
func (c *cluster) withDirs(dirs ...LogDir) {
	c.logDirs = dirs
	for id := int32(1); id <= int32(len(c.nodes)); id++ {
		c.nodes[id].stop()
		c.nodes[id].start()
	}
}

// topics makes topics t0, t1, … of one partition each, on all nodes.
func (c *cluster) topics(n int) {
	c.change(func(img *metadata.Image) {
		img.Topics, img.TopicsByID = copyMap(img.Topics), copyMap(img.TopicsByID)
		for range n {
			i := len(img.Topics)
			replicas := []int32{}
			for id := int32(1); id <= int32(len(c.nodes)); id++ {
				replicas = append(replicas, id)
			}
			topic := &metadata.Topic{ID: metadata.UUID{0xff, byte(i)}, Name: fmt.Sprintf("t%d", i), Partitions: []*metadata.Partition{{
				Replicas: replicas, ISR: replicas, Leader: 1, LastKnownLeader: -1,
			}}}
			img.Topics[topic.Name], img.TopicsByID[topic.ID] = topic, topic
		}
	})
	c.settle()
}

func (c *cluster) of(id int32, topic int) *Partition {
	c.t.Helper()
	p, err := c.nodes[id].manager.PartitionByName(fmt.Sprintf("t%d", topic), 0)
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

// layout says which replicas a node has where: "a: t0 t3 | b: t1 | c failed".
func (c *cluster) layout(id int32) string {
	var parts []string
	for _, d := range c.nodes[id].manager.Dirs() {
		part := d.Path + ":"
		if d.Failed {
			part = d.Path + " failed"
		}
		for _, r := range d.Replicas {
			part += " " + r.Topic
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " | ")
}

func (c *cluster) wantLayout(id int32, want string) {
	c.t.Helper()
	if got := c.layout(id); got != want {
		c.t.Errorf("node %d has %s\nwant %s", id, got, want)
	}
}

// break lets everything fail that a node does in a directory.
func (n *node) breakDir(dir string) {
	n.disk.SetHook(func(op memenv.Op) error {
		if strings.HasPrefix(op.Name, dir+"/") {
			return errIO
		}
		return nil
	})
}

func TestNewReplicasGoWhereTheFewestAre(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		c.withDirs(threeDirs...)
		c.topics(5)
		c.wantLayout(1, "a: t0 t3 | b: t1 t4 | c: t2")
		c.delete(metadata.UUID{0xff, 1})
		c.delete(metadata.UUID{0xff, 4})
		c.settle()
		c.change(func(img *metadata.Image) {}) // nothing is where it was looked for before
		c.wantLayout(1, "a: t0 t3 | b: | c: t2")
		// They are found again where they are, whatever the numbers.
		c.withDirs(threeDirs[2], threeDirs[1], threeDirs[0])
		c.settle()
		c.wantLayout(1, "c: t2 | b: | a: t0 t3")
		if _, err := c.nodes[1].disk.Stat("b/t1-0"); err == nil {
			t.Error("a deleted replica is still there")
		}
	})
}

// A directory that fails takes its replicas offline, and only them.
func TestFailedDirectoryWhileRunning(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.settings.Log.FlushMessages = 1
		c.withDirs(threeDirs...)
		c.topics(3)
		c.nodes[1].breakDir("b")
		var answer error
		done := make(chan struct{})
		c.of(1, 1).Append(batch("x", 1), -1, func(r AppendResult) { answer = r.Err; close(done) })
		<-done
		if !errors.Is(answer, kerr.KafkaStorageError) {
			t.Fatalf("answered %v", answer)
		}
		time.Sleep(time.Minute)
		c.settle()
		c.wantLayout(1, "a: t0 | b failed | c: t2")
		for topic, leader := range []int32{1, 2, 1} {
			reg := c.image.Topics[fmt.Sprintf("t%d", topic)].Partitions[0]
			if reg.Leader != leader || len(reg.ISR) != map[int32]int{1: 2, 2: 1}[leader] {
				t.Errorf("t%d: %+v", topic, reg)
			}
		}
		if len(c.nodes[1].failures) > 0 {
			t.Errorf("the node is to end: %v", c.nodes[1].failures)
		}
		// What is new goes elsewhere.
		c.topics(1)
		c.wantLayout(1, "a: t0 t3 | b failed | c: t2")
		// The disk was replaced by one that works, with what was there: the replicas come back.
		c.nodes[1].disk.SetHook(nil)
		c.nodes[1].stop()
		c.nodes[1].start()
		time.Sleep(10 * time.Second)
		c.settle()
		c.wantLayout(1, "a: t0 t3 | b: t1 | c: t2")
		if reg := c.image.Topics["t1"].Partitions[0]; len(reg.ISR) != 2 {
			t.Errorf("t1: %+v", reg)
		}
	})
}

// A node that starts with a failed directory does not make anew, and empty, what was in it.
func TestFailedDirectoryAtTheStart(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.withDirs(threeDirs...)
		c.topics(3)
		c.of(1, 1).Append(batch("x", 1), -1, func(AppendResult) {})
		c.settle()
		failed := []LogDir{threeDirs[0], threeDirs[1], threeDirs[2]}
		failed[1].Err = errIO
		c.withDirs(failed...)
		time.Sleep(10 * time.Second)
		c.settle()
		c.wantLayout(1, "a: t0 | b failed | c: t2")
		if p := c.of(1, 1); p.Log() != nil {
			t.Error("a lost replica was opened")
		}
		if c.losses == 0 {
			t.Error("the controller was not told")
		}
		c.topics(1)
		c.wantLayout(1, "a: t0 t3 | b failed | c: t2")
		if len(c.nodes[1].failures) > 0 {
			t.Errorf("the node is to end: %v", c.nodes[1].failures)
		}
	})
}

// Without the vital directory, or without any, the node is to end.
func TestVitalDirectoryEndsTheNode(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		c.settings.Log.FlushMessages = 1
		c.withDirs(threeDirs...)
		c.topics(2)
		c.nodes[1].breakDir("a")
		c.of(1, 0).Append(batch("x", 1), -1, func(AppendResult) {})
		c.settle()
		if len(c.nodes[1].failures) != 1 {
			t.Errorf("failures %v", c.nodes[1].failures)
		}
		c.nodes[1].disk.SetHook(nil)
		two := []LogDir{threeDirs[1], threeDirs[2]} // the quorum's is elsewhere
		c.nodes[1].failures = nil
		c.withDirs(two...)
		c.topics(1)
		for i, topic := range []int{1, 2} {
			c.nodes[1].breakDir(c.of(1, topic).home.path)
			c.of(1, topic).Append(batch("x", 1), -1, func(AppendResult) {})
			c.settle()
			if len(c.nodes[1].failures) != i {
				t.Errorf("after %d directories: %v", i+1, c.nodes[1].failures)
			}
		}
		c.nodes[1].disk.SetHook(nil)
	})
}

// A failed directory that the controller can't be told of ends the node in a while: others count on replicas that are lost.
func TestUntoldFailureEndsTheNode(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.settings.Log.FlushMessages = 1
		c.withDirs(threeDirs...)
		c.topics(2)
		c.unreachable.Store(true)
		c.nodes[1].breakDir("b")
		c.of(1, 1).Append(batch("x", 1), -1, func(AppendResult) {})
		time.Sleep(20 * time.Second)
		if len(c.nodes[1].failures) > 0 {
			t.Fatalf("after 20 s: %v", c.nodes[1].failures)
		}
		time.Sleep(20 * time.Second)
		if len(c.nodes[1].failures) == 0 {
			t.Error("the node goes on")
		}
		c.nodes[1].disk.SetHook(nil)
	})
}
