package broker

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/config"
)

// quickShares are the times of share groups in tests.
var quickShares = []config.Property{
	{Key: "group.share.heartbeat.interval.ms", Value: "100"}, {Key: "group.share.min.heartbeat.interval.ms", Value: "50"},
	{Key: "group.share.session.timeout.ms", Value: "3000"}, {Key: "group.share.min.session.timeout.ms", Value: "1000"},
	{Key: "group.share.assignment.interval.ms", Value: "0"}, {Key: "group.share.record.lock.duration.ms", Value: "1000"},
	{Key: "group.share.min.record.lock.duration.ms", Value: "500"}, {Key: "min.insync.replicas", Value: "1"},
	{Key: "share.coordinator.state.topic.num.partitions", Value: "4"},
}

// deliveries counts how often each record was delivered, and how often it was accepted.
type deliveries struct {
	mu        sync.Mutex
	delivered map[string]int
	accepted  map[string]int
}

func newDeliveries() *deliveries {
	return &deliveries{delivered: map[string]int{}, accepted: map[string]int{}}
}

func (d *deliveries) count() (delivered, accepted int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.delivered), len(d.accepted)
}

// shareMember reads as a member of a share group until it is closed; it answers each record as answer says, which is told the
// how-manieth delivery it is.
func (c *testCluster) shareMember(group, topic string, d *deliveries, answer func(r *kgo.Record, times int) kgo.AckStatus) (*kgo.Client, chan struct{}) {
	client := c.client(kgo.ShareGroup(group), kgo.ConsumeTopics(topic), kgo.FetchMaxWait(100*time.Millisecond))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			fetches := client.PollFetches(context.Background())
			if fetches.IsClientClosed() {
				return
			}
			fetches.EachRecord(func(r *kgo.Record) {
				name := fmt.Sprintf("%d/%d", r.Partition, r.Offset)
				d.mu.Lock()
				d.delivered[name]++
				status := answer(r, d.delivered[name])
				if status == kgo.AckAccept {
					d.accepted[name]++
				}
				d.mu.Unlock()
				r.Ack(status)
			})
		}
	}()
	return client, done
}

func always(status kgo.AckStatus) func(*kgo.Record, int) kgo.AckStatus {
	return func(*kgo.Record, int) kgo.AckStatus { return status }
}

// fromEarliest has a share group begin at the start of partitions.
func fromEarliest(ctx context.Context, t *testing.T, client *kgo.Client, group string) {
	t.Helper()
	beginsAt(ctx, t, client, group, "earliest")
}

// beginsAt says where a share group begins in partitions.
func beginsAt(ctx context.Context, t *testing.T, client *kgo.Client, group, value string) {
	t.Helper()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceType(32), group
	one := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	one.Name, one.Value = "share.auto.offset.reset", &value
	resource.Configs = append(resource.Configs, one)
	req.Resources = append(req.Resources, resource)
	resp, err := req.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Resources[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// moveShares ends the node that leads partition 0: its locks and its part of the coordinators go with it.
func (c *testCluster) moveShares(ctx context.Context, t *testing.T, admin *kadm.Client, d *deliveries) {
	t.Helper()
	leader := c.leaderOf(ctx, admin, "t", 0)
	c.brokers[int(leader)].Close()
	delete(c.brokers, int(leader))
	produce(ctx, t, c.client(kgo.RecordPartitioner(kgo.ManualPartitioner())), "t", 2, 10)
	eventually(t, "the group goes on", func() bool { _, accepted := d.count(); return accepted >= 58 })
}

// TestShareGroup has two members of a share group read together: each record is accepted once; what is released comes again, what is
// rejected does not; nothing is lost when the leaders and the coordinators move.
func TestShareGroup(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := startCluster(t, 3, quickShares...)
	producer := c.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	admin := kadm.NewClient(producer)
	if _, err := admin.CreateTopic(ctx, 2, 3, nil, "t"); err != nil {
		t.Fatal(err)
	}
	fromEarliest(ctx, t, producer, "s")
	produce(ctx, t, producer, "t", 2, 10)
	d := newDeliveries()
	first, firstDone := c.shareMember("s", "t", d, func(r *kgo.Record, times int) kgo.AckStatus {
		switch {
		case r.Offset == 3:
			return kgo.AckReject
		case r.Offset%2 == 0 && times == 1:
			return kgo.AckRelease
		}
		return kgo.AckAccept
	})
	eventually(t, "all is delivered and accepted but what was rejected", func() bool {
		delivered, accepted := d.count()
		return delivered == 20 && accepted == 18
	})
	second, secondDone := c.shareMember("s", "t", d, always(kgo.AckAccept))
	produce(ctx, t, producer, "t", 2, 10)
	eventually(t, "the rest is accepted", func() bool { _, accepted := d.count(); return accepted == 38 })
	d.mu.Lock()
	for name, times := range d.accepted {
		if times != 1 {
			t.Errorf("%s was accepted %d times", name, times)
		}
	}
	d.mu.Unlock()
	c.moveShares(ctx, t, admin, d)
	if _, accepted := d.count(); accepted != 58 {
		t.Errorf("%d records are accepted, not 58", accepted)
	}
	for _, client := range []*kgo.Client{first, second} {
		client.Close()
	}
	<-firstDone
	<-secondDone
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.delivered {
		if _, rejected := strings.CutSuffix(name, "/3"); d.accepted[name] == 0 && !rejected {
			t.Errorf("%s was not accepted", name)
		}
		if d.delivered[name] > 5 {
			t.Errorf("%s was delivered %d times", name, d.delivered[name])
		}
	}
}

func (c *testCluster) leaderOf(ctx context.Context, admin *kadm.Client, topic string, partition int32) int32 {
	c.t.Helper()
	topics, err := admin.ListTopics(ctx, topic)
	if err != nil {
		c.t.Fatal(err)
	}
	return topics[topic].Partitions[partition].Leader
}

// TestShareSessionEndsWithItsConnection: what a member has acquired is another's at once when its connection ends, long before the locks do.
func TestShareSessionEndsWithItsConnection(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := startCluster(t, 1)
	producer := c.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	admin := kadm.NewClient(producer)
	created, err := admin.CreateTopic(ctx, 1, 1, nil, "t")
	if err != nil {
		t.Fatal(err)
	}
	fromEarliest(ctx, t, producer, "s")
	produce(ctx, t, producer, "t", 1, 5)
	fetch := func(client *kgo.Client, member string) int {
		req := kmsg.NewPtrShareFetchRequest()
		group := "s"
		req.GroupID, req.MemberID = &group, &member
		req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.MaxRecords = 500, 1, 1<<20, 100
		topic := kmsg.NewShareFetchRequestTopic()
		topic.TopicID = created.ID
		topic.Partitions = append(topic.Partitions, kmsg.NewShareFetchRequestTopicPartition())
		req.Topics = append(req.Topics, topic)
		resp, err := client.Broker(1).Request(ctx, req)
		if err != nil || len(resp.(*kmsg.ShareFetchResponse).Topics) != 1 {
			return 0
		}
		return len(resp.(*kmsg.ShareFetchResponse).Topics[0].Partitions[0].AcquiredRecords)
	}
	first, second := c.client(), c.client()
	eventually(t, "the first member has the records", func() bool { return fetch(first, "QmFhYWFhYWFhYWFhYWFhYQ") > 0 })
	if n := fetch(second, "WmFhYWFhYWFhYWFhYWFhYQ"); n != 0 {
		t.Fatalf("%d ranges are acquired twice", n)
	}
	first.Close()
	eventually(t, "the second member has them", func() bool { return fetch(second, "WmFhYWFhYWFhYWFhYWFhYQ") > 0 })
}

// TestShareGroupBeginsByDuration: a share group reads the records that are younger than it was told, and those that come.
func TestShareGroupBeginsByDuration(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := startCluster(t, 1, quickShares...)
	producer := c.client()
	admin := kadm.NewClient(producer)
	if _, err := admin.CreateTopic(ctx, 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	for _, age := range []time.Duration{2 * time.Hour, time.Minute, 0} {
		if err := producer.ProduceSync(ctx, &kgo.Record{Topic: "t", Timestamp: time.Now().Add(-age), Value: []byte(age.String())}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	beginsAt(ctx, t, producer, "s", "by_duration:PT1H")
	d := newDeliveries()
	client, done := c.shareMember("s", "t", d, always(kgo.AckAccept))
	eventually(t, "the young ones are accepted", func() bool { _, accepted := d.count(); return accepted == 2 })
	d.mu.Lock()
	if d.delivered["0/0"] > 0 || d.delivered["0/1"] == 0 {
		t.Errorf("delivered are %v, not what is younger than an hour", d.delivered)
	}
	d.mu.Unlock()
	client.Close()
	<-done
}
