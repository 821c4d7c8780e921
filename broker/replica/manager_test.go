package replica

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
)

func (c *cluster) dirs(id int32) []string {
	c.t.Helper()
	names, err := c.nodes[id].disk.List("data")
	if err != nil {
		c.t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == checkpointFile })
}

func TestTopicOfTheSameNameStartsEmpty(t *testing.T) {
	other := metadata.UUID{9}
	for name, stopped := range map[string]bool{"while running": false, "while stopped": true} {
		t.Run(name, func(t *testing.T) {
			testCluster(t, 1, func(c *cluster) {
				c.create(topicID, 1)
				c.produce(1, -1, "old", 5).want(t, nil)
				time.Sleep(10 * time.Second)
				if stopped {
					c.nodes[1].stop()
				}
				c.delete(topicID)
				c.create(other, 1)
				if stopped {
					c.nodes[1].start()
					c.settle()
				}
				p, err := c.nodes[1].manager.Partition(other, 0)
				if err != nil {
					t.Fatal(err)
				}
				if log := p.Log(); log == nil || log.EndOffset() != 0 || p.HighWatermark() != 0 {
					t.Errorf("the new topic's log is not empty")
				}
				if got := c.dirs(1); !slices.Equal(got, []string{"t-0"}) {
					t.Errorf("directories: %v", got)
				}
			})
		})
	}
}

func TestDeletedTopic(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 1).want(t, nil)
		c.stall(2)
		a := c.produce(1, -1, "b", 1)
		p := c.partition(1)
		c.delete(topicID)
		a.want(t, kerr.NotLeaderForPartition)
		if got := p.Fetch(consumer(0)); !errors.Is(got.Err, kerr.NotLeaderForPartition) {
			t.Errorf("fetch after deletion: %v", got.Err)
		}
		for id := range c.nodes {
			if got := c.dirs(id); len(got) != 0 {
				t.Errorf("node %d keeps %v", id, got)
			}
		}
		if _, err := c.nodes[1].manager.Partition(topicID, 0); !errors.Is(err, kerr.UnknownTopicID) {
			t.Errorf("deleted partition: %v", err)
		}
	})
}

// Directories are deleted only by metadata that is known to be complete: what a node replays at its start is the past.
func TestStraysGoWithCompleteMetadataOnly(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		c.create(topicID, 1)
		c.produce(1, -1, "a", 1).want(t, nil)
		full := c.image
		n := c.nodes[1]
		n.stop()
		if err := n.disk.MkdirAll("data/deleted-7"); err != nil {
			t.Fatal(err)
		}
		complete := false
		m, err := NewManager(ManagerConfig{
			NodeID: 1, Disk: n.disk, Dirs: []LogDir{{Path: "data"}}, Net: c.net, Controller: n,
			TopicSettings: func(*metadata.Image, string) TopicSettings { return c.settings },
			Complete:      func(*metadata.Image) bool { return complete },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		m.Apply(&metadata.Image{}, &metadata.Delta{Full: true})
		m.Apply(full, metadata.Diff(&metadata.Image{}, full))
		synctest.Wait()
		if got := c.dirs(1); !slices.Equal(got, []string{"deleted-7", "t-0"}) {
			t.Fatalf("incomplete metadata left %v", got)
		}
		if _, err := m.Partition(topicID, 0); !errors.Is(err, kerr.NotLeaderForPartition) {
			t.Errorf("a role was taken by incomplete metadata: %v", err)
		}
		select {
		case <-m.Ready():
			t.Error("ready before metadata is complete")
		default:
		}
		complete = true
		m.Apply(full, &metadata.Delta{})
		<-m.Ready()
		synctest.Wait()
		if got := c.dirs(1); !slices.Equal(got, []string{"t-0"}) {
			t.Errorf("complete metadata left %v", got)
		}
		p, err := m.Partition(topicID, 0)
		if err != nil || p.Log().EndOffset() != 1 {
			t.Errorf("the log is gone: %v", err)
		}
	})
}

func TestReassignment(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 5).want(t, nil)
		c.update(func(p *metadata.Partition) { p.Replicas = []int32{1, 2, 3} })
		time.Sleep(time.Second)
		c.wantISR(1, 2, 3)
		c.wantSame(1, 2, 3)
		c.update(func(p *metadata.Partition) {
			p.Replicas, p.ISR, p.Leader, p.LeaderEpoch = []int32{2, 3}, []int32{2, 3}, 3, p.LeaderEpoch+1
		})
		c.settle()
		c.produce(3, -1, "b", 1).want(t, nil)
		c.wantSame(2, 3)
		if got := c.dirs(1); len(got) != 0 {
			t.Errorf("node 1 keeps %v", got)
		}
		if _, err := c.nodes[1].manager.Partition(topicID, 0); !errors.Is(err, kerr.NotLeaderForPartition) {
			t.Errorf("a partition that moved away: %v", err)
		}
	})
}

func TestPartitionErrors(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1)
		for _, test := range []struct {
			name  string
			node  int32
			id    metadata.UUID
			index int32
			want  error
		}{
			{"hosted", 1, topicID, 0, nil},
			{"unknown topic", 1, metadata.UUID{7}, 0, kerr.UnknownTopicID},
			{"no such index", 1, topicID, 1, kerr.UnknownTopicOrPartition},
			{"negative index", 1, topicID, -1, kerr.UnknownTopicOrPartition},
			{"elsewhere", 2, topicID, 0, kerr.NotLeaderForPartition},
		} {
			if _, err := c.nodes[test.node].manager.Partition(test.id, test.index); err != test.want && !errors.Is(err, test.want) {
				t.Errorf("%s: %v, want %v", test.name, err, test.want)
			}
		}
		if _, err := c.nodes[1].manager.PartitionByName("u", 0); !errors.Is(err, kerr.UnknownTopicOrPartition) {
			t.Errorf("unknown name: %v", err)
		}
	})
}

// A log that can't be opened is tried again: a full disk may have room later.
func TestFailedOpenIsTriedAgain(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		disk := c.nodes[1].disk
		disk.SetHook(func(op memenv.Op) error {
			if op.Kind.Changes() {
				return env.ErrNoSpace
			}
			return nil
		})
		c.create(topicID, 1)
		c.produce(1, -1, "a", 1).want(t, kerr.KafkaStorageError)
		time.Sleep(5 * time.Second)
		c.produce(1, -1, "a", 1).want(t, kerr.KafkaStorageError)
		disk.SetHook(nil)
		time.Sleep(10 * time.Second)
		c.produce(1, -1, "a", 1).want(t, nil)
	})
}

func TestManyPartitions(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		const topics, each = 20, 10
		c.change(func(img *metadata.Image) {
			img.Topics, img.TopicsByID = map[string]*metadata.Topic{}, map[metadata.UUID]*metadata.Topic{}
			for n := range topics {
				topic := &metadata.Topic{ID: metadata.UUID{1, byte(n)}, Name: fmt.Sprint("t", n)}
				for i := range int32(each) {
					replicas := []int32{1 + i%3, 1 + (i+1)%3, 1 + (i+2)%3}
					topic.Partitions = append(topic.Partitions, &metadata.Partition{Replicas: replicas, ISR: replicas, Leader: replicas[0]})
				}
				img.Topics[topic.Name], img.TopicsByID[topic.ID] = topic, topic
			}
		})
		c.settle()
		var answered atomic.Int32
		for n := range topics {
			for i := range int32(each) {
				p, err := c.nodes[1+i%3].manager.Partition(metadata.UUID{1, byte(n)}, i)
				if err != nil {
					t.Fatal(err)
				}
				p.Append(batch("v", 1), -1, func(r AppendResult) {
					if r.Err != nil {
						t.Error(r.Err)
					}
					answered.Add(1)
				})
			}
		}
		c.settle()
		if answered.Load() != topics*each {
			t.Fatalf("%d of %d appends answered", answered.Load(), topics*each)
		}
		c.change(func(img *metadata.Image) { img.Topics, img.TopicsByID = nil, nil })
		c.settle()
		for id := range c.nodes {
			if got := c.dirs(id); len(got) != 0 {
				t.Errorf("node %d keeps %d directories", id, len(got))
			}
		}
	})
}

func TestPartitionMetadataFormat(t *testing.T) {
	id := metadata.UUID{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255}
	const golden = "version: 0\ntopic_id: AAECAwQFBgcICQoLDA0O_w\n" // as Kafka's PartitionMetadataFile writes it
	if got := string(formatPartitionMetadata(id)); got != golden {
		t.Errorf("wrote %q", got)
	}
	if back, err := parsePartitionMetadata([]byte(golden)); err != nil || back != id {
		t.Errorf("read back %v, %v", back, err)
	}
	for name, content := range map[string]string{
		"empty": "", "other version": "version: 1\ntopic_id: AAECAwQFBgcICQoLDA0O_w\n", "no id": "version: 0\n",
		"short id": "version: 0\ntopic_id: AAEC\n", "bad id": "version: 0\ntopic_id: !!!\n",
	} {
		if _, err := parsePartitionMetadata([]byte(content)); !errors.Is(err, errPartitionMetadata) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzPartitionMetadata(f *testing.F) {
	f.Add([]byte("version: 0\ntopic_id: AAECAwQFBgcICQoLDA0O_w\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		id, err := parsePartitionMetadata(content)
		if err != nil {
			return
		}
		if back, err := parsePartitionMetadata(formatPartitionMetadata(id)); err != nil || back != id {
			t.Errorf("%v became %v, %v", id, back, err)
		}
	})
}

func TestPartitionDir(t *testing.T) {
	for _, test := range []struct {
		name  string
		topic string
		index int32
		ok    bool
	}{
		{"t-0", "t", 0, true}, {"a-b.c_d-12", "a-b.c_d", 12, true}, {"t", "", 0, false}, {"-1", "", 0, false}, {"t-", "", 0, false},
		{"t-x", "", 0, false}, {"t-01", "", 0, false}, {"t-4294967296", "", 0, false}, {"t-0.deleted", "", 0, false}, {"t--1", "t-", 1, true},
	} {
		topic, index, ok := partitionDir(test.name)
		if ok != test.ok || ok && (topic != test.topic || index != test.index) {
			t.Errorf("%s: %q %d %v", test.name, topic, index, ok)
		}
	}
}
