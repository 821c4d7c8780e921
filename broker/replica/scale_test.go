package replica

import (
	"maps"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
)

// opCounts counts the operations of a disk by their kind.
type opCounts struct {
	mu  sync.Mutex
	ops map[memenv.Kind]int
}

func countOps(disk *memenv.Disk) *opCounts {
	c := &opCounts{ops: map[memenv.Kind]int{}}
	disk.SetHook(func(op memenv.Op) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ops[op.Kind]++
		return nil
	})
	return c
}

// wantPer compares the counts since the last call with so many a partition, and a few that are not any partition's.
func (c *opCounts) wantPer(t *testing.T, what string, partitions int, want map[memenv.Kind]int) {
	t.Helper()
	const others = 20
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, kind := range slices.Sorted(maps.Keys(c.ops)) {
		if got := c.ops[kind]; got > want[kind]*partitions+others {
			t.Errorf("%s: %d times %s for %d partitions, more than %d each", what, got, kind, partitions, want[kind])
		}
	}
	clear(c.ops)
}

// createPartitions makes a topic "t" with so many partitions on node 1.
func (c *cluster) createPartitions(n int) {
	c.change(func(img *metadata.Image) {
		topic := &metadata.Topic{ID: topicID, Name: "t"}
		for range n {
			topic.Partitions = append(topic.Partitions, &metadata.Partition{Replicas: []int32{1}, ISR: []int32{1}, Leader: 1, LastKnownLeader: -1})
		}
		img.Topics, img.TopicsByID = copyMap(img.Topics), copyMap(img.TopicsByID)
		img.Topics["t"], img.TopicsByID[topicID] = topic, topic
	})
	synctest.Wait()
}

// TestCostOfAThousandPartitions counts what each partition costs in the life of a node. A partition has no goroutine and no timer
// of its own, and nothing that all have in common is done once for each.
func TestCostOfAThousandPartitions(t *testing.T) {
	const partitions = 1_000
	testCluster(t, 1, func(c *cluster) {
		n := c.nodes[1]
		goroutines := runtime.NumGoroutine()
		counts := countOps(n.disk)
		c.createPartitions(partitions)
		counts.wantPer(t, "create", partitions, map[memenv.Kind]int{
			memenv.OpStat: 1, memenv.OpMkdirAll: 1, memenv.OpList: 1,
			memenv.OpOpen:  3, // whose it is, which is not there; whose it is; the segment
			memenv.OpWrite: 1,
		})
		for i := range partitions {
			p, err := n.manager.Partition(topicID, int32(i))
			if err != nil {
				t.Fatal(err)
			}
			p.Append(batch("v", 1), -1, func(AppendResult) {})
		}
		counts.wantPer(t, "write", partitions, map[memenv.Kind]int{memenv.OpWrite: 1})
		time.Sleep(time.Minute)
		synctest.Wait()
		if now := runtime.NumGoroutine(); now > goroutines+10 {
			t.Errorf("%d goroutines with %d partitions, %d without", now, partitions, goroutines)
		}
		counts.wantPer(t, "a minute", partitions, nil)
		n.stop()
		counts.wantPer(t, "stop", partitions, map[memenv.Kind]int{
			memenv.OpSync: 4, // whose it is, the segment, the epochs, the recovery point
			memenv.OpOpen: 3, memenv.OpWrite: 2, memenv.OpRename: 2,
			memenv.OpSyncDir: 3, // the partition's twice; that above it, at most
		})
		n.start()
		synctest.Wait()
		counts.wantPer(t, "start", partitions, map[memenv.Kind]int{
			memenv.OpList: 1, memenv.OpStat: 1, // whether an fsync has failed
			memenv.OpOpen: 4, memenv.OpRead: 4, // whose it is, the recovery point, the epochs, the segment
		})
		n.stop()
		counts.wantPer(t, "stop with nothing new", partitions, nil)
		n.start()
	})
}
