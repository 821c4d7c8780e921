package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"odradek/broker/config"
)

var fewTransactionPartitions = []config.Property{
	{Key: "transaction.state.log.num.partitions", Value: "3"}, {Key: "transaction.state.log.min.isr", Value: "1"},
}

// createTopic makes a topic with a replica on every node.
func (c *testCluster) createTopic(ctx context.Context, topic string, partitions int32) {
	c.t.Helper()
	admin := kadm.NewClient(c.client())
	eventually(c.t, "topic "+topic, func() bool {
		resp, err := admin.CreateTopic(ctx, partitions, int16(len(c.brokers)), map[string]*string{"min.insync.replicas": kadm.StringPtr("1")}, topic)
		return err == nil && (resp.Err == nil || errors.Is(resp.Err, kerr.TopicAlreadyExists))
	})
}

// read is what a topic holds for a reader of that isolation, by value, once its end stays where it is.
func (c *testCluster) read(ctx context.Context, topic string, isolation kgo.IsolationLevel) map[string]int {
	c.t.Helper()
	client := c.client(kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(isolation), kgo.FetchMaxWait(50*time.Millisecond))
	defer client.Close()
	times := map[string]int{}
	for quiet := 0; quiet < 10; {
		poll, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		fetches := client.PollFetches(poll)
		cancel()
		quiet++
		fetches.EachRecord(func(r *kgo.Record) {
			times[string(r.Value)]++
			quiet = 0
		})
	}
	return times
}

// TestTransactions: of what producers of both versions of transactions write, readers of committed records see what was committed.
func TestTransactions(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := startCluster(t, 3, fewTransactionPartitions...)
	c.createTopic(ctx, "t", 6)
	want := map[string]int{}
	for _, version := range []string{"v1", "v2"} {
		opts := []kgo.Opt{kgo.TransactionalID("id-" + version), kgo.DefaultProduceTopic("t"), kgo.RecordPartitioner(kgo.RoundRobinPartitioner())}
		if version == "v1" {
			opts = append(opts, kgo.MaxVersions(kversion.V3_8_0()))
		}
		client := c.client(opts...)
		for i := range 20 {
			if err := client.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			for j := range 10 {
				value := fmt.Sprintf("%s/%d/%d", version, i, j)
				client.Produce(ctx, &kgo.Record{Value: []byte(value)}, func(_ *kgo.Record, err error) {
					if err != nil {
						t.Errorf("%s: %v", value, err)
					}
				})
				if i%3 != 0 {
					want[value] = 1
				}
			}
			if err := client.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			if err := client.EndTransaction(ctx, kgo.TransactionEndTry(i%3 != 0)); err != nil {
				t.Fatalf("%s, transaction %d: %v", version, i, err)
			}
		}
	}
	wantSame(t, c.read(ctx, "t", kgo.ReadCommitted()), want)
	if all := c.read(ctx, "t", kgo.ReadUncommitted()); len(all) != 400 {
		t.Errorf("%d records for readers of all, want 400", len(all))
	}
}

func wantSame(t *testing.T, got, want map[string]int) {
	t.Helper()
	for value, n := range want {
		if got[value] != n {
			t.Errorf("%s is there %d times, want %d", value, got[value], n)
		}
	}
	for value, n := range got {
		if want[value] == 0 {
			t.Errorf("%s is there %d times and should not be", value, n)
		}
	}
}

// TestExactlyOnceCopy: what members of a group copy from topic to topic in transactions is there once, though nodes and members
// go meanwhile.
func TestExactlyOnceCopy(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c := startCluster(t, 3, fewTransactionPartitions...)
	c.createTopic(ctx, "from", 4)
	c.createTopic(ctx, "to", 4)
	const perPartition = 100
	writer := c.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	produce(ctx, t, writer, "from", 4, perPartition)
	want := map[string]int{}
	for p := range 4 {
		for i := range perPartition {
			want[fmt.Sprintf("%d/%d", p, i)] = 1
		}
	}
	var copiers []*copier
	for i := range 3 {
		copiers = append(copiers, c.copy(ctx, i))
	}
	eventually(t, "some were copied", func() bool {
		return copiers[0].committed.Load()+copiers[1].committed.Load()+copiers[2].committed.Load() > 20
	})
	copiers[0].stop()
	if err := c.brokers[2].Close(); err != nil {
		t.Error(err)
	}
	delete(c.brokers, 2)
	copied := func() int {
		var n int64
		for _, each := range copiers {
			n += each.committed.Load()
		}
		return int(n)
	}
	eventually(t, "all were copied", func() bool { return copied() >= len(want) })
	for _, each := range copiers[1:] {
		each.stop()
	}
	wantSame(t, c.read(ctx, "to", kgo.ReadCommitted()), want)
}

// copier copies records in transactions until it is stopped.
type copier struct {
	cancel    context.CancelFunc
	done      chan struct{}
	committed atomic.Int64
}

func (c *copier) stop() {
	c.cancel()
	<-c.done
}

func (c *testCluster) copy(ctx context.Context, i int) *copier {
	c.t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	one := &copier{cancel: cancel, done: make(chan struct{})}
	seeds := []string{"node1:9092", "node3:9092"}
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(seeds...),
		kgo.Dialer(func(ctx context.Context, _, address string) (net.Conn, error) { return c.network.Dial(ctx, address) }),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }), kgo.MetadataMinAge(20*time.Millisecond),
		kgo.TransactionalID(fmt.Sprint("copier-", i)), kgo.ConsumerGroup("copiers"), kgo.ConsumeTopics("from"),
		kgo.DefaultProduceTopic("to"), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.SessionTimeout(6*time.Second), kgo.HeartbeatInterval(200*time.Millisecond), kgo.FetchMaxWait(50*time.Millisecond),
	)
	if err != nil {
		c.t.Fatal(err)
	}
	go func() {
		defer close(one.done)
		defer session.Close()
		for ctx.Err() == nil {
			fetches := session.PollRecords(ctx, 7)
			if fetches.NumRecords() == 0 {
				continue
			}
			if err := session.Begin(); err != nil {
				c.t.Error(err)
				return
			}
			failed := kgo.AbortingFirstErrPromise(session.Client())
			fetches.EachRecord(func(r *kgo.Record) {
				session.Produce(ctx, &kgo.Record{Key: r.Key, Value: r.Value}, failed.Promise())
			})
			committed, err := session.End(context.Background(), failed.Err() == nil)
			if err != nil {
				c.t.Logf("copier %d: %v", i, err)
				return
			}
			if committed {
				one.committed.Add(int64(fetches.NumRecords()))
			}
		}
	}()
	return one
}
