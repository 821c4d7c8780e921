package brokertest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/brokertest"
)

// inBubble runs a test in which time passes only when everybody waits for it.
func inBubble(t *testing.T, fn func(t *testing.T)) { synctest.Test(t, fn) }

func start(t *testing.T, choices ...brokertest.Option) *brokertest.Cluster {
	t.Helper()
	return brokertest.Start(t, append([]brokertest.Option{brokertest.InMemory()}, choices...)...)
}

func newClient(t *testing.T, c *brokertest.Cluster, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(c.Bootstrap()...), kgo.Dialer(c.Dial), kgo.DefaultProduceTopic("t"), kgo.AlwaysRetryEOF(),
		kgo.MetadataMinAge(50 * time.Millisecond),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func produce(t *testing.T, client *kgo.Client, values ...string) {
	t.Helper()
	for _, value := range values {
		if err := client.ProduceSync(t.Context(), kgo.StringRecord(value)).FirstErr(); err != nil {
			t.Fatalf("produce of %q: %v", value, err)
		}
	}
}

// contents reads the topic's only partition from the start, up to its end.
func contents(t *testing.T, c *brokertest.Cluster) string {
	t.Helper()
	client := newClient(t, c, kgo.ConsumeTopics("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
	defer client.Close()
	end := kmsg.NewListOffsetsRequest()
	topic, partition := kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
	topic.Topic, partition.Timestamp = "t", -1
	topic.Partitions = append(topic.Partitions, partition)
	end.Topics = append(end.Topics, topic)
	shards := client.RequestSharded(t.Context(), &end)
	if shards[0].Err != nil {
		t.Fatal(shards[0].Err)
	}
	until := shards[0].Resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].Offset
	var values []string
	for int64(len(values)) < until {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		for _, r := range fetches.Records() {
			values = append(values, string(r.Value))
		}
	}
	return strings.Join(values, " ")
}

func TestKilledAndStartedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := start(t, brokertest.Topic("t", 1))
		client := newClient(t, c)
		address := c.Node(1).Address()
		produce(t, client, "a", "b")
		for _, end := range []func(){c.Node(1).Kill, func() { c.Node(1).Shutdown() }, c.Node(1).Kill} {
			end()
			if err := c.Node(1).Start(); err != nil {
				t.Fatal(err)
			}
			produce(t, client, "c")
		}
		if got := contents(t, c); got != "a b c c c" {
			t.Errorf("the topic holds %q", got)
		}
		if c.Node(1).Address() != address {
			t.Errorf("%s became %s", address, c.Node(1).Address())
		}
	})
}

// TestPowerLoss loses what was only in the page cache, and nothing of what is flushed.
func TestPowerLoss(t *testing.T) {
	for flushed, want := range map[bool]string{true: "a b", false: ""} {
		t.Run(fmt.Sprint(flushed), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				var configs []string
				if flushed {
					configs = append(configs, "flush.messages=1")
				}
				c := start(t, brokertest.Topic("t", 1, configs...))
				client := newClient(t, c)
				produce(t, client, "a", "b")
				c.Node(1).PowerLoss()
				if err := c.Node(1).Start(); err != nil {
					t.Fatal(err)
				}
				if err := c.Node(1).AwaitReady(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := contents(t, c); got != want {
					t.Errorf("the topic holds %q, not %q", got, want)
				}
			})
		})
	}
}

// TestIsolated cuts the leader off: the others go on without it, it comes back as a follower, and nothing is lost or doubled.
func TestIsolated(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := start(t, brokertest.Nodes(3), brokertest.Topic("t", 1, "min.insync.replicas=2"))
		client := newClient(t, c, kgo.ProduceRequestTimeout(time.Second), kgo.RequestTimeoutOverhead(time.Second))
		produce(t, client, "a")
		was := c.Leader("t", 0)
		was.Isolate()
		produce(t, client, "b")
		now := c.Leader("t", 0)
		if now == was {
			t.Errorf("node %d still leads", was.ID)
		}
		was.Heal()
		produce(t, client, "c")
		now.Kill()
		produce(t, client, "d") // needs the one that was cut off to have caught up
		if got := contents(t, c); got != "a b c d" {
			t.Errorf("the topic holds %q", got)
		}
	})
}

func TestFailingDisk(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := start(t, brokertest.Nodes(3), brokertest.Topic("t", 1))
		client := newClient(t, c)
		produce(t, client, "a")
		leader, broken := c.Leader("t", 0), errors.New("the disk is broken")
		leader.FailDisk(broken)
		produce(t, client, "b")
		synctest.Wait()
		if err := leader.Err(); !errors.Is(err, broken) {
			t.Errorf("node %d: %v", leader.ID, err)
		}
		leader.FailDisk(nil)
		if err := leader.Start(); err != nil {
			t.Fatal(err)
		}
		if err := leader.AwaitReady(t.Context()); err != nil || leader.Err() != nil {
			t.Fatal(err, leader.Err())
		}
		if got := contents(t, c); got != "a b" {
			t.Errorf("the topic holds %q", got)
		}
	})
}

// TestSlow measures, in time that only passes when it is waited for, what a slow disk and a slow network add to a produce.
func TestSlow(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := start(t, brokertest.Topic("t", 1))
		client := newClient(t, c)
		produce(t, client, "a")
		took := func() time.Duration {
			began := time.Now()
			produce(t, client, "b")
			return time.Since(began)
		}
		if d := took(); d != 0 {
			t.Errorf("a produce takes %v", d)
		}
		c.Node(1).SlowDisk(time.Second)
		if d := took(); d < time.Second {
			t.Errorf("with a slow disk a produce takes %v", d)
		}
		c.Node(1).SlowDisk(0)
		c.Node(1).SlowNetwork(time.Second)
		if d := took(); d < 2*time.Second {
			t.Errorf("with a slow network a produce takes %v", d)
		}
		c.Node(1).SlowNetwork(0)
		delayed := c.Inject(brokertest.Fault{Key: kmsg.Produce, Delay: time.Minute, Times: 1, Match: func(req kmsg.Request) bool {
			return req.(*kmsg.ProduceRequest).Acks == -1
		}})
		took()
		if d := took(); d != 0 || delayed.Hits() != 1 {
			t.Errorf("after %d delays a produce takes %v", delayed.Hits(), d)
		}
	})
}

// TestFaults has a fault of each kind hit a producer, which gets its record in once all the same.
func TestFaults(t *testing.T) {
	faults := map[string]brokertest.Fault{
		"error":       {Key: kmsg.Produce, Error: kerr.NotEnoughReplicas, Times: 2},
		"hang up":     {Key: kmsg.Produce, HangUp: true, Times: 1},
		"lose answer": {Key: kmsg.Produce, LoseAnswer: true, Times: 1},
		"answer": {Key: kmsg.Produce, Times: 1, Answer: func(req kmsg.Request) kmsg.Response {
			return brokertest.ErrorAnswer(req, kerr.LeaderNotAvailable)
		}},
		"metadata": {Key: kmsg.Metadata, HangUp: true, Times: 1},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				c := start(t, brokertest.Topic("t", 1))
				elsewhere := fault
				elsewhere.Node = 2
				removed := c.Inject(fault)
				removed.Remove()
				injected, other := c.Inject(fault), c.Inject(elsewhere)
				produce(t, newClient(t, c), "a")
				if got := contents(t, c); got != "a" {
					t.Errorf("the topic holds %q", got)
				}
				if injected.Hits() != fault.Times || other.Hits() != 0 || removed.Hits() != 0 {
					t.Errorf("hits: %d, of another node's %d, of a removed one %d", injected.Hits(), other.Hits(), removed.Hits())
				}
			})
		})
	}
}

// TestUnretriable shows that a producer is told of an error that it can't do anything about.
func TestUnretriable(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := start(t, brokertest.Topic("t", 1))
		c.Inject(brokertest.Fault{Key: kmsg.Produce, Error: kerr.MessageTooLarge})
		err := newClient(t, c).ProduceSync(t.Context(), kgo.StringRecord("a")).FirstErr()
		if !errors.Is(err, kerr.MessageTooLarge) {
			t.Errorf("the producer is told: %v", err)
		}
	})
}

// TestOnLoopback is the whole of it over real sockets: a group reads what was produced, while one of three nodes is killed.
func TestOnLoopback(t *testing.T) {
	c := brokertest.Start(t, brokertest.Nodes(3), brokertest.Topic("t", 4), brokertest.Set("offsets.topic.num.partitions", "2"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"),
		kgo.DefaultProduceTopic("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	seen := map[string]int{}
	for i := range 20 {
		if err := client.ProduceSync(ctx, kgo.StringRecord(fmt.Sprint(i))).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if i == 10 {
			c.Leader("t", 0).Kill()
		}
	}
	for len(seen) < 20 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("read %v", seen)
		}
		fetches.EachRecord(func(r *kgo.Record) { seen[string(r.Value)]++ })
	}
	for value, times := range seen {
		if times != 1 {
			t.Errorf("%s was read %d times", value, times)
		}
	}
}

func TestWhatCannotStart(t *testing.T) {
	for want, choice := range map[string]brokertest.Option{
		"a cluster of 0 nodes":      brokertest.Nodes(0),
		"unknown configuration key": brokertest.Set("retention.mss", "1"),
		"is not key=value":          brokertest.Topic("t", 1, "retention.ms"),
		"INVALID_CONFIG":            brokertest.Topic("t", 1, "retention.mss=1"),
		"INVALID_PARTITIONS":        brokertest.Topic("t", 0),
		"INVALID_TOPIC_EXCEPTION":   brokertest.Topic("..", 1),
		"segment.bytes":             brokertest.Topic("t", 1, "segment.bytes=x"),
	} {
		c, err := brokertest.New(choice)
		if err == nil {
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("instead of %q: %v", want, err)
		}
	}
}
