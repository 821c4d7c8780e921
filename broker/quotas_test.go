package broker

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// throttled hears of a client's broker that has it wait.
type throttled chan time.Duration

// OnBrokerThrottle is kgo.HookBrokerThrottle.
func (h throttled) OnBrokerThrottle(_ kgo.BrokerMetadata, wait time.Duration, _ bool) {
	select {
	case h <- wait:
	default:
	}
}

// TestQuotas sets a limit on one node and is held to it on all: the one client that it is for, and no other.
func TestQuotas(t *testing.T) {
	c := startCluster(t, 3)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	free := c.client(kgo.ClientID("free"))
	admin := kadm.NewClient(free)
	for i := range 3 {
		create(ctx, t, free, string(rune('a'+i)), []int32{int32(i + 1)})
	}
	name := "greedy"
	altered, err := admin.AlterClientQuotas(ctx, []kadm.AlterClientQuotaEntry{{
		Entity: kadm.ClientQuotaEntity{{Type: "client-id", Name: &name}},
		Ops:    []kadm.AlterClientQuotaOp{{Key: "producer_byte_rate", Value: 1000}},
	}})
	if err != nil || len(altered) != 1 || altered[0].Err != nil {
		t.Fatalf("%v %v", altered, err)
	}
	for id, b := range c.brokers {
		eventually(t, "the limit is known", b.quotas.Limits)
		heard := make(throttled, 1)
		greedy := c.client(kgo.ClientID("greedy"), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.WithHooks(heard))
		record := &kgo.Record{Topic: string(rune('a' + id - 1)), Value: make([]byte, 15_000)}
		if err := greedy.ProduceSync(ctx, record).FirstErr(); err != nil {
			t.Fatal(err)
		}
		select {
		case wait := <-heard:
			if wait < time.Second {
				t.Errorf("node %d has it wait %v", id, wait)
			}
		case <-ctx.Done():
			t.Errorf("node %d does not have it wait", id)
		}
		greedy.Close()
	}
	heard := make(throttled, 1)
	other := c.client(kgo.ClientID("modest"), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.WithHooks(heard))
	if err := other.ProduceSync(ctx, &kgo.Record{Topic: "a", Value: make([]byte, 15_000)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	select {
	case wait := <-heard:
		t.Errorf("another client has to wait %v", wait)
	default:
	}
}

// TestConnectionLimitsChange sets max.connections.per.ip for all brokers while they run.
func TestConnectionLimitsChange(t *testing.T) {
	c := startCluster(t, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	one := "1"
	admin := kadm.NewClient(c.client())
	answers, err := admin.AlterBrokerConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.connections.per.ip", Value: &one}})
	if err != nil || len(answers) != 1 || answers[0].Err != nil {
		t.Fatalf("%v %v", answers, err)
	}
	eventually(t, "no more are served", func() bool {
		conn, err := c.network.Dial(ctx, "node1:9092")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, err = conn.Read(make([]byte, 1))
		return errors.Is(err, io.EOF)
	})
}
