package broker

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"odradek/broker/config"
)

// readFrom counts the records that a client was given, by the node that gave them.
type readFrom struct {
	mu     sync.Mutex
	byNode map[int32]int
}

var _ kgo.HookFetchBatchRead = (*readFrom)(nil)

func (r *readFrom) OnFetchBatchRead(from kgo.BrokerMetadata, _ string, _ int32, batch kgo.FetchBatchMetrics) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byNode[from.NodeID] += batch.NumRecords
}

// TestConsumerReadsOnItsRack: a consumer on a follower's rack is given everything by that follower, and soon: it doesn't wait for
// the leader's next answer to the follower to say that a record is committed. When the follower is gone it reads elsewhere.
func TestConsumerReadsOnItsRack(t *testing.T) {
	const wait = 20 * time.Second // of a follower's fetch: longer than the test may take
	c := startCluster(t, 3,
		config.Property{Key: "replica.selector.class", Value: "org.apache.kafka.common.replica.RackAwareReplicaSelector"},
		config.Property{Key: "replica.fetch.wait.max.ms", Value: "20000"})
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	producer := c.client(kgo.DefaultProduceTopic("t"))
	create(ctx, t, producer, "t", []int32{1, 2, 3})

	from := &readFrom{byNode: map[int32]int{}}
	consumer := c.client(kgo.ConsumeTopics("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.Rack("rack2"), kgo.WithHooks(from))
	read := func(n int) {
		t.Helper()
		for n > 0 {
			fetches := consumer.PollFetches(ctx)
			if err := fetches.Err(); err != nil {
				t.Fatalf("%d records to come: %v", n, err)
			}
			n -= fetches.NumRecords()
		}
	}
	produce(ctx, t, producer, "t", 1, 20)
	read(20)
	for range 20 {
		produce(ctx, t, producer, "t", 1, 1)
		read(1)
	}
	from.mu.Lock()
	if from.byNode[2] != 40 || from.byNode[1]+from.byNode[3] != 0 {
		t.Errorf("records by node: %v, want all 40 from node 2", from.byNode)
	}
	from.mu.Unlock()

	c.brokers[2].Close()
	delete(c.brokers, 2)
	produce(ctx, t, producer, "t", 1, 5)
	read(5)
	from.mu.Lock()
	defer from.mu.Unlock()
	if from.byNode[1] != 5 {
		t.Errorf("records by node: %v, want the last 5 from node 1", from.byNode)
	}
}
