package broker

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"odradek/broker/config"
	"odradek/broker/env"
	"odradek/broker/env/memenv"
)

// testCluster is brokers in memory, on one network, each with a disk of its own.
type testCluster struct {
	t       *testing.T
	network *memenv.Net
	voters  string
	brokers map[int]*Broker
}

// startCluster starts n brokers and waits until they can lead.
func startCluster(t *testing.T, n int, settings ...config.Property) *testCluster {
	c := &testCluster{t: t, network: memenv.NewNet(), brokers: map[int]*Broker{}}
	var voters []string
	for id := 1; id <= n; id++ {
		voters = append(voters, fmt.Sprintf("%d@node%d:9093", id, id))
	}
	c.voters = strings.Join(voters, ",")
	for id := 1; id <= n; id++ {
		c.start(id, settings)
	}
	for id, b := range c.brokers {
		select {
		case <-b.Ready():
		case <-time.After(30 * time.Second):
			t.Fatalf("node %d is not ready", id)
		}
	}
	return c
}

func (c *testCluster) start(id int, settings []config.Property) {
	c.t.Helper()
	properties := []config.Property{
		{Key: "node.id", Value: strconv.Itoa(id)}, {Key: "log.dirs", Value: "data"}, {Key: "broker.rack", Value: fmt.Sprintf("rack%d", id)},
		{Key: "listeners", Value: fmt.Sprintf("PLAINTEXT://node%d:9092,CONTROLLER://node%d:9093", id, id)},
		{Key: "controller.quorum.voters", Value: c.voters},
		{Key: "group.initial.rebalance.delay.ms", Value: "0"}, {Key: "offsets.topic.num.partitions", Value: "4"},
		{Key: "broker.session.timeout.ms", Value: "2000"}, {Key: "broker.heartbeat.interval.ms", Value: "200"},
	}
	static, _, err := config.Load(append(properties, settings...))
	if err != nil {
		c.t.Fatal(err)
	}
	b, err := Start(Options{
		Env:    env.Env{Net: c.network, Disk: memenv.NewDisk()},
		Static: static, Logger: slog.New(slog.DiscardHandler), PanicIsFatal: true,
		OnFailure: func(err error) { c.t.Errorf("node %d failed: %v", id, err) },
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.brokers[id] = b
	c.t.Cleanup(func() { b.Close() })
}

// client is a franz-go client of the cluster.
func (c *testCluster) client(opts ...kgo.Opt) *kgo.Client {
	c.t.Helper()
	seeds := []string{}
	for id := range c.brokers {
		seeds = append(seeds, fmt.Sprintf("node%d:9092", id))
	}
	opts = append([]kgo.Opt{
		kgo.SeedBrokers(seeds...),
		kgo.Dialer(func(ctx context.Context, _, address string) (net.Conn, error) { return c.network.Dial(ctx, address) }),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
		kgo.MetadataMinAge(20 * time.Millisecond),
	}, opts...)
	client, err := kgo.NewClient(opts...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(client.Close)
	return client
}

// produce writes one record to each of partitions, n times.
func produce(ctx context.Context, t *testing.T, client *kgo.Client, topic string, partitions, n int) {
	t.Helper()
	for i := range n {
		for p := range partitions {
			r := &kgo.Record{Topic: topic, Partition: int32(p), Value: fmt.Appendf(nil, "%d/%d", p, i)}
			if err := client.ProduceSync(ctx, r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// consumed is what a group was given, by partition and offset.
type consumed struct {
	mu    sync.Mutex
	times map[string]int
}

func (c *consumed) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.times)
}

// consume polls until the client is closed.
func (c *consumed) consume(client *kgo.Client) {
	for {
		fetches := client.PollFetches(context.Background())
		if fetches.IsClientClosed() {
			return
		}
		fetches.EachRecord(func(r *kgo.Record) {
			c.mu.Lock()
			c.times[fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset)]++
			c.mu.Unlock()
		})
		if err := client.CommitUncommittedOffsets(context.Background()); err != nil {
			continue // a rebalance: whoever has the partition now reads it again
		}
	}
}

func eventually(t *testing.T, what string, isTrue func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !isTrue(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// assigned is how many members the group has, and how many partitions of the topic they have together.
func assigned(ctx context.Context, admin *kadm.Client, group, topic string) (state string, members, partitions int) {
	described, err := admin.DescribeGroups(ctx, group)
	if err != nil {
		return "", 0, 0
	}
	g := described[group]
	seen := map[int32]int{}
	for _, m := range g.Members {
		if a, ok := m.Assigned.AsConsumer(); ok {
			for _, each := range a.Topics {
				for _, p := range each.Partitions {
					seen[p]++
				}
			}
		}
	}
	for _, times := range seen {
		if times > 1 {
			return "a partition has two owners", len(g.Members), len(seen)
		}
	}
	return g.State, len(g.Members), len(seen)
}

func TestGroupOfOneBroker(t *testing.T) {
	for name, balancer := range map[string]kgo.GroupBalancer{"eager": kgo.RangeBalancer(), "cooperative": kgo.CooperativeStickyBalancer()} {
		t.Run(name, func(t *testing.T) { testGroup(t, startCluster(t, 1), 1, balancer) })
	}
}

// testGroup takes a group through its life: one member, two, one again, none, and a new one that goes on where it left off.
func testGroup(t *testing.T, c *testCluster, replicas int16, balancer kgo.GroupBalancer) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	producer := c.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	admin := kadm.NewClient(producer)
	if _, err := admin.CreateTopic(ctx, 4, replicas, nil, "t"); err != nil {
		t.Fatal(err)
	}
	member := func() (*kgo.Client, chan struct{}, *consumed) {
		return c.member("g", "t", balancer)
	}
	produce(ctx, t, producer, "t", 4, 5)
	first, firstDone, read := member()
	eventually(t, "all records are read", func() bool { return read.count() == 20 })
	second, secondDone, readBySecond := member()
	eventually(t, "two members share the partitions", func() bool {
		state, members, partitions := assigned(ctx, admin, "g", "t")
		return state == "Stable" && members == 2 && partitions == 4
	})
	produce(ctx, t, producer, "t", 4, 5)
	eventually(t, "both read", func() bool { return read.count()+readBySecond.count() >= 40 && readBySecond.count() > 0 })
	first.Close()
	<-firstDone
	eventually(t, "one member has all partitions", func() bool {
		state, members, partitions := assigned(ctx, admin, "g", "t")
		return state == "Stable" && members == 1 && partitions == 4
	})
	eventually(t, "all is committed", func() bool { return committed(ctx, admin, "g") == 40 })
	second.Close()
	<-secondDone
	eventually(t, "the group is empty", func() bool { state, _, _ := assigned(ctx, admin, "g", "t"); return state == "Empty" })
	produce(ctx, t, producer, "t", 4, 1)
	third, thirdDone, readByThird := member()
	eventually(t, "the new records are read", func() bool { return readByThird.count() == 4 })
	for what := range readByThird.times {
		if !strings.HasSuffix(what, "/10") {
			t.Errorf("%s was read again after it was committed", what)
		}
	}
	third.Close()
	<-thirdDone
}

// member starts a member of a group and reads on a goroutine, until it is closed.
func (c *testCluster) member(group, topic string, balancer kgo.GroupBalancer) (*kgo.Client, chan struct{}, *consumed) {
	client := c.client(kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.Balancers(balancer), kgo.DisableAutoCommit(),
		kgo.HeartbeatInterval(100*time.Millisecond), kgo.SessionTimeout(6*time.Second), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	done, read := make(chan struct{}), &consumed{times: map[string]int{}}
	go func() {
		defer close(done)
		read.consume(client)
	}()
	return client, done, read
}

// committed is the sum of a group's offsets.
func committed(ctx context.Context, admin *kadm.Client, group string) (sum int64) {
	offsets, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return -1
	}
	offsets.Each(func(o kadm.OffsetResponse) { sum += o.At })
	return sum
}

// TestCoordinatorFailover stops the coordinator under a group that reads and commits: nothing that was committed is lost, and the
// group goes on.
func TestCoordinatorFailover(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := startCluster(t, 3, config.Property{Key: "min.insync.replicas", Value: "2"})
	producer := c.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	admin := kadm.NewClient(producer)
	if _, err := admin.CreateTopic(ctx, 4, 3, nil, "t"); err != nil {
		t.Fatal(err)
	}
	produce(ctx, t, producer, "t", 4, 5)
	member, done, read := c.member("g", "t", kgo.CooperativeStickyBalancer())
	eventually(t, "all is committed", func() bool { return committed(ctx, admin, "g") == 20 })

	coordinators := admin.FindGroupCoordinators(ctx, "g")
	was := coordinators["g"].NodeID
	c.brokers[int(was)].Close()
	// A new client for each question: franz-go asks a dead coordinator for ever when the request is one that it splits, and
	// may be told of the dead one for as long as nobody has noticed.
	eventually(t, "the offsets are there after the failover", func() bool {
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		admin = kadm.NewClient(c.client())
		return committed(attempt, admin, "g") == 20
	})
	if now := admin.FindGroupCoordinators(ctx, "g")["g"].NodeID; now == was {
		t.Errorf("node %d still coordinates", now)
	}
	produce(ctx, t, producer, "t", 4, 5)
	eventually(t, "the group goes on", func() bool { return read.count() == 40 && committed(ctx, admin, "g") == 40 })
	if state, members, partitions := assigned(ctx, admin, "g", "t"); state != "Stable" || members != 1 || partitions != 4 {
		t.Errorf("the group is %s with %d members and %d partitions", state, members, partitions)
	}
	member.Close()
	<-done
}

func TestAdministrationOfGroups(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := startCluster(t, 1)
	client := c.client()
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(ctx, 2, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	for _, group := range []string{"a", "b", "c"} {
		var offsets kadm.Offsets
		offsets.Add(kadm.Offset{Topic: "t", Partition: 0, At: 7, LeaderEpoch: 3, Metadata: "m"})
		offsets.Add(kadm.Offset{Topic: "t", Partition: 1, At: 9, LeaderEpoch: -1})
		if err := admin.CommitAllOffsets(ctx, group, offsets); err != nil {
			t.Fatal(err)
		}
	}
	got, err := admin.FetchOffsets(ctx, "a")
	if o, _ := got.Lookup("t", 0); err != nil || o.At != 7 || o.LeaderEpoch != 3 || o.Metadata != "m" {
		t.Errorf("committed %+v, %v", got, err)
	}
	listed, err := admin.ListGroups(ctx)
	if names := listed.Groups(); err != nil || strings.Join(names, " ") != "a b c" {
		t.Errorf("listed %v, %v", names, err)
	}
	deleted, err := admin.DeleteGroups(ctx, "a", "absent")
	if err != nil || deleted["a"].Err != nil || deleted["absent"].Err == nil {
		t.Errorf("deleted %+v, %v", deleted, err)
	}
	if sum := committed(ctx, admin, "a"); sum != 0 {
		t.Errorf("a deleted group's offsets add up to %d", sum)
	}
	if _, err := admin.DeleteOffsets(ctx, "b", kadm.TopicsSet{"t": {1: {}}}); err != nil {
		t.Error(err)
	}
	if sum := committed(ctx, admin, "b"); sum != 7 {
		t.Errorf("after one of two offsets was deleted, the rest adds up to %d", sum)
	}
	if _, err := admin.DeleteTopic(ctx, "t"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the offsets go with their topic", func() bool { return committed(ctx, admin, "c") == 0 })
}
