package brokertest_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/brokertest"
)

// In a test, brokertest.Start(t, …) takes the place of New and Close.
func Example() {
	c, err := brokertest.New(brokertest.Topic("orders", 1))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...), kgo.ConsumeTopics("orders"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx := context.Background()
	err = client.ProduceSync(ctx, &kgo.Record{Topic: "orders", Value: []byte("one coffee")}).FirstErr()
	if err != nil {
		log.Fatal(err)
	}
	for _, record := range client.PollFetches(ctx).Records() {
		fmt.Printf("%s/%d@%d: %s\n", record.Topic, record.Partition, record.Offset, record.Value)
	}
	// Output: orders/0@0: one coffee
}

// The first answer to a produce gets lost on its way. An idempotent producer sends the batch again, and the broker knows it.
func ExampleCluster_Inject() {
	c, err := brokertest.New(brokertest.Topic("orders", 1))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	lost := c.Inject(brokertest.Fault{Key: kmsg.Produce, LoseAnswer: true, Times: 1})
	refused := c.Inject(brokertest.Fault{Key: kmsg.Produce, Error: kerr.NotLeaderForPartition, Times: 1})

	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...), kgo.DefaultProduceTopic("orders"), kgo.AlwaysRetryEOF(),
		kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for _, drink := range []string{"one coffee", "one tea"} {
		result := client.ProduceSync(context.Background(), kgo.StringRecord(drink))
		fmt.Println(drink, "is at", result[0].Record.Offset, result.FirstErr())
	}
	fmt.Println("answers lost:", lost.Hits(), "refused:", refused.Hits())
	// Output:
	// one coffee is at 0 <nil>
	// one tea is at 1 <nil>
	// answers lost: 1 refused: 1
}

// Three brokers, and again and again the one that leads is killed and started again: what was acknowledged is still there.
func ExampleNode_Kill() {
	c, err := brokertest.New(brokertest.Nodes(3), brokertest.Topic("orders", 1, "min.insync.replicas=2"))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...), kgo.DefaultProduceTopic("orders"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for _, drink := range []string{"one coffee", "one tea"} {
		result := client.ProduceSync(context.Background(), kgo.StringRecord(drink))
		fmt.Println(drink, "is at", result[0].Record.Offset, result.FirstErr())
		leader := c.Leader("orders", 0)
		leader.Kill()
		if err := leader.Start(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// one coffee is at 0 <nil>
	// one tea is at 1 <nil>
}
