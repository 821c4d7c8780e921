package broker

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/config"
)

// quickConsumers are the times of consumer groups in tests.
var quickConsumers = []config.Property{
	{Key: "group.consumer.heartbeat.interval.ms", Value: "100"}, {Key: "group.consumer.session.timeout.ms", Value: "3000"},
	{Key: "group.consumer.assignment.interval.ms", Value: "100"}, {Key: "min.insync.replicas", Value: "1"},
}

// consumerMember starts a member of a group of KIP-848 and reads on a goroutine, until it is closed.
func (c *testCluster) consumerMember(group string, opts ...kgo.Opt) (*kgo.Client, chan struct{}, *consumed) {
	client := c.client(append([]kgo.Opt{kgo.ConsumerGroup(group), kgo.ServerSideBalancer(), kgo.Balancers(kgo.RangeBalancer()), kgo.DisableAutoCommit(),
		kgo.FetchMaxWait(100 * time.Millisecond), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}, opts...)...)
	done, read := make(chan struct{}), &consumed{times: map[string]int{}}
	go func() {
		defer close(done)
		read.consume(client)
	}()
	return client, done, read
}

// consumerGroup describes a group of KIP-848, nil while nobody can.
func (c *testCluster) consumerGroup(ctx context.Context, client *kgo.Client, group string) *kmsg.ConsumerGroupDescribeResponseGroup {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = []string{group}
	resp, err := req.RequestWith(ctx, client)
	if err != nil || len(resp.Groups) != 1 || resp.Groups[0].ErrorCode != 0 {
		return nil
	}
	return &resp.Groups[0]
}

// shared says whether a group of n members is stable and its members have so many partitions together, none of them twice.
func (c *testCluster) shared(ctx context.Context, client *kgo.Client, group string, n, partitions int) bool {
	g := c.consumerGroup(ctx, client, group)
	if g == nil || g.State != "Stable" || len(g.Members) != n {
		return false
	}
	seen := map[string]map[int32]bool{}
	for _, m := range g.Members {
		for _, topic := range m.Assignment.TopicPartitions {
			if seen[topic.Topic] == nil {
				seen[topic.Topic] = map[int32]bool{}
			}
			for _, p := range topic.Partitions {
				if seen[topic.Topic][p] {
					c.t.Errorf("%s/%d has two owners", topic.Topic, p)
				}
				seen[topic.Topic][p] = true
				partitions--
			}
		}
	}
	return partitions == 0
}

// TestConsumerGroup takes a group of KIP-848 through its life, with the coordinator stopped in the middle of it: all is read, nothing that
// was committed again, new partitions and topics are found.
func TestConsumerGroup(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := startCluster(t, 3, quickConsumers...)
	producer := c.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	admin := kadm.NewClient(producer)
	if _, err := admin.CreateTopic(ctx, 4, 3, nil, "t"); err != nil {
		t.Fatal(err)
	}
	produce(ctx, t, producer, "t", 4, 5)
	topics := []kgo.Opt{kgo.ConsumeRegex(), kgo.ConsumeTopics("^t.*")}
	first, firstDone, read := c.consumerMember("g", topics...)
	eventually(t, "all records are read", func() bool { return read.count() == 20 })
	second, secondDone, readBySecond := c.consumerMember("g", topics...)
	eventually(t, "two members share the partitions", func() bool { return c.shared(ctx, producer, "g", 2, 4) })
	produce(ctx, t, producer, "t", 4, 5)
	eventually(t, "both read", func() bool { return read.count()+readBySecond.count() >= 40 && readBySecond.count() > 0 })
	if _, err := admin.CreateTopic(ctx, 2, 3, nil, "t2"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a new topic is shared out", func() bool { return c.shared(ctx, producer, "g", 2, 6) })

	was := admin.FindGroupCoordinators(ctx, "g")["g"].NodeID
	c.brokers[int(was)].Close()
	delete(c.brokers, int(was))
	produce(ctx, t, producer, "t", 4, 5)
	eventually(t, "the group goes on at another node", func() bool {
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		return read.count()+readBySecond.count() >= 60 && c.shared(attempt, c.client(), "g", 2, 6)
	})
	first.Close()
	<-firstDone
	eventually(t, "one member has all", func() bool { return c.shared(ctx, c.client(), "g", 1, 6) })
	eventually(t, "all is committed", func() bool { return committed(ctx, kadm.NewClient(c.client()), "g") == 60 })
	second.Close()
	<-secondDone
	eventually(t, "the group is empty", func() bool {
		g := c.consumerGroup(ctx, c.client(), "g")
		return g != nil && g.State == "Empty"
	})
	third, thirdDone, readByThird := c.consumerMember("g", topics...)
	produce(ctx, t, producer, "t", 4, 1)
	eventually(t, "the new records are read", func() bool { return readByThird.count() == 4 })
	third.Close()
	<-thirdDone
}

// TestGroupMigrates has the members of a group change from the classic protocol to that of KIP-848 and back, one by one, as a rolling restart of
// clients does: all is read, and whenever the group is at rest its partitions have one owner each.
func TestGroupMigrates(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := startCluster(t, 1, append(quickConsumers, config.Property{Key: "group.consumer.min.heartbeat.interval.ms", Value: "50"})...)
	producer := c.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	admin := kadm.NewClient(producer)
	if _, err := admin.CreateTopic(ctx, 4, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	classic := func() (*kgo.Client, chan struct{}, *consumed) {
		client := c.client(kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.DisableAutoCommit(), kgo.FetchMaxWait(100*time.Millisecond),
			kgo.HeartbeatInterval(100*time.Millisecond), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		done, read := make(chan struct{}), &consumed{times: map[string]int{}}
		go func() {
			defer close(done)
			read.consume(client)
		}()
		return client, done, read
	}
	kind := func() string {
		resp, err := kmsg.NewPtrListGroupsRequest().RequestWith(ctx, producer)
		if err != nil || len(resp.Groups) != 1 {
			return ""
		}
		return resp.Groups[0].GroupType
	}
	produce(ctx, t, producer, "t", 4, 5)
	first, firstDone, read := classic()
	eventually(t, "all is read", func() bool { return read.count() == 20 && kind() == "classic" })
	second, secondDone, readBySecond := c.consumerMember("g", kgo.ConsumeTopics("t"))
	eventually(t, "members of both protocols share the partitions", func() bool { return c.shared(ctx, producer, "g", 2, 4) })
	produce(ctx, t, producer, "t", 4, 5)
	eventually(t, "both read", func() bool { return read.count()+readBySecond.count() >= 40 && readBySecond.count() > 0 })
	first.Close()
	<-firstDone
	eventually(t, "the new one has all", func() bool { return c.shared(ctx, producer, "g", 1, 4) })
	third, thirdDone, readByThird := classic()
	eventually(t, "they share again", func() bool { return c.shared(ctx, producer, "g", 2, 4) })
	second.Close()
	<-secondDone
	eventually(t, "the group is a classic one", func() bool { return kind() == "classic" })
	produce(ctx, t, producer, "t", 4, 5)
	eventually(t, "all is read to the end", func() bool { return read.count()+readBySecond.count()+readByThird.count() >= 60 })
	third.Close()
	<-thirdDone
}
