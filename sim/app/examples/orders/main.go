// Command orders is a shop with a bug that universes find: its workers commit what they have read before they have done it, so an
// order whose worker dies in between is never done. With the argument "mended" they commit afterwards.
//
//	odradek sim --app sim/app/examples/orders --seeds 1..20
//	odradek sim --app sim/app/examples/orders --seeds 1..20 --app-arg mended
package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"odradek/sim/app"
)

const (
	orders, done = "orders", "done"
	partitions   = 4
)

func main() {
	app.Main(func(ctx context.Context, a *app.App) error {
		for _, topic := range []string{orders, done} {
			if err := a.CreateTopic(ctx, topic, partitions); err != nil {
				return err
			}
		}
		if a.Instance == 1 {
			return sell(ctx, a)
		}
		return work(ctx, a, slices.Contains(a.Args, "mended"))
	})
}

// sell takes an order ten times a second for as long as there are faults, and then looks whether all that were taken have been done.
func sell(ctx context.Context, a *app.App) error {
	client, err := kgo.NewClient(a.Options()...)
	if err != nil {
		return err
	}
	defer client.Close()
	over := make(chan bool, 1)
	go func() {
		over <- a.Eventually(ctx, "every order is done", func(ctx context.Context) (bool, string) { return allDone(ctx, a) })
	}()
	for {
		select {
		case <-over:
			return nil
		case <-time.After(100 * time.Millisecond):
			if a.FaultsOver() {
				continue
			}
			order := fmt.Sprintf("order-%d", time.Now().UnixNano())
			client.Produce(ctx, &kgo.Record{Topic: orders, Value: []byte(order)}, nil)
		}
	}
}

// allDone holds what was done against what was ordered. Doing it twice is no harm here.
func allDone(ctx context.Context, a *app.App) (bool, string) {
	ordered, err := a.ReadAll(ctx, orders)
	if err != nil {
		return false, err.Error()
	}
	finished, err := a.ReadAll(ctx, done)
	if err != nil {
		return false, err.Error()
	}
	known := map[string]bool{}
	for _, r := range finished {
		known[string(r.Value)] = true
	}
	a.Sometimes("an order is done twice", len(finished) > len(known))
	for _, r := range ordered {
		if !known[string(r.Value)] {
			return false, fmt.Sprintf("%s is not done", r.Value)
		}
	}
	return len(ordered) > 0, "nothing was ordered"
}

// work does orders.
func work(ctx context.Context, a *app.App, mended bool) error {
	client, err := kgo.NewClient(a.Options(
		kgo.ConsumerGroup("workers"), kgo.ConsumeTopics(orders), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.SessionTimeout(2*time.Second), kgo.HeartbeatInterval(300*time.Millisecond),
	)...)
	if err != nil {
		return err
	}
	defer client.Close()
	for ctx.Err() == nil {
		records := client.PollRecords(ctx, 20).Records()
		if !mended {
			_ = client.CommitRecords(ctx, records...) // the bug
		}
		for _, r := range records {
			if err := do(ctx, client, r); err != nil {
				return err
			}
		}
		if mended {
			_ = client.CommitRecords(ctx, records...) // refused is not lost: somebody does it again
		}
		client.AllowRebalance()
	}
	return nil
}

// do takes a moment and tells when the order is done, however often that takes.
func do(ctx context.Context, client *kgo.Client, order *kgo.Record) error {
	time.Sleep(20 * time.Millisecond)
	for {
		err := client.ProduceSync(ctx, &kgo.Record{Topic: done, Value: order.Value}).FirstErr()
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}
