package replica

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
)

// opCounts counts the operations of a disk by their kind.
type opCounts struct {
	mu    sync.Mutex
	ops   map[memenv.Kind]int
	syncs map[string]int // of files, by what their names end in
}

func countOps(disk *memenv.Disk) *opCounts {
	c := &opCounts{}
	c.take()
	disk.SetHook(func(op memenv.Op) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ops[op.Kind]++
		return nil
	})
	return c
}

// take returns the counts since it was called last.
func (c *opCounts) take() map[memenv.Kind]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.ops
	c.ops = map[memenv.Kind]int{}
	return was
}

func TestCostOfAThousandPartitions(t *testing.T) {
	const partitions = 1_000
	testCluster(t, 1, func(c *cluster) {
		n := c.nodes[1]
		counts := countOps(n.disk)
		show := func(what string) { fmt.Fprintln(os.Stderr, what, counts.take(), runtime.NumGoroutine()) }
		c.change(func(img *metadata.Image) {
			topic := &metadata.Topic{ID: topicID, Name: "t"}
			for range partitions {
				topic.Partitions = append(topic.Partitions, &metadata.Partition{Replicas: []int32{1}, ISR: []int32{1}, Leader: 1, LastKnownLeader: -1})
			}
			img.Topics, img.TopicsByID = copyMap(img.Topics), copyMap(img.TopicsByID)
			img.Topics["t"], img.TopicsByID[topicID] = topic, topic
		})
		synctest.Wait()
		show("create")
		for i := range partitions {
			p, err := n.manager.Partition(topicID, int32(i))
			if err != nil {
				t.Fatal(err)
			}
			p.Append(batch("v", 1), -1, func(AppendResult) {})
		}
		synctest.Wait()
		show("write")
		time.Sleep(time.Minute)
		show("minute")
		n.stop()
		show("stop")
		n.start()
		c.settle()
		show("start")
		_ = strings.Join
	})
}
