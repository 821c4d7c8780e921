// Command transform is a pipeline with a bug that universes find: it reads, transforms, writes and commits, one after the other, so
// what was written by an instance that died before it committed is written again. With the argument "mended" all of it is one
// transaction.
//
//	odradek sim --app sim/app/examples/transform --seeds 1..20
//	odradek sim --app sim/app/examples/transform --seeds 1..20 --app-arg mended
package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"odradek/sim/app"
)

const (
	in, out    = "in", "out"
	partitions = 4
)

func main() {
	app.Main(func(ctx context.Context, a *app.App) error {
		for _, topic := range []string{in, out} {
			if err := a.CreateTopic(ctx, topic, partitions); err != nil {
				return err
			}
		}
		switch {
		case a.Instance == 1:
			return feed(ctx, a)
		case slices.Contains(a.Args, "mended"):
			return transact(ctx, a)
		}
		return transform(ctx, a)
	})
}

// feed writes ten records a second for as long as there are faults, and then holds what came out against them.
func feed(ctx context.Context, a *app.App) error {
	client, err := kgo.NewClient(a.Options()...)
	if err != nil {
		return err
	}
	defer client.Close()
	over := make(chan bool, 1)
	go func() {
		over <- a.Eventually(ctx, "every record is transformed", func(ctx context.Context) (bool, string) { return all(ctx, a) })
	}()
	for {
		select {
		case <-over:
			return nil
		case <-time.After(100 * time.Millisecond):
			if !a.FaultsOver() {
				client.Produce(ctx, &kgo.Record{Topic: in, Value: fmt.Appendf(nil, "record-%d", time.Now().UnixNano())}, nil)
			}
		}
	}
}

func all(ctx context.Context, a *app.App) (bool, string) {
	read, err := a.ReadAll(ctx, in)
	if err != nil {
		return false, err.Error()
	}
	written, err := a.ReadAll(ctx, out)
	if err != nil {
		return false, err.Error()
	}
	known := map[string]bool{}
	for _, r := range written {
		a.Always("no record is transformed twice", !known[string(r.Value)], string(r.Value))
		known[string(r.Value)] = true
	}
	for _, r := range read {
		if !known[string(bytes.ToUpper(r.Value))] {
			return false, fmt.Sprintf("%s is not transformed", r.Value)
		}
	}
	return len(read) > 0, "nothing was read"
}

func options(a *app.App, more ...kgo.Opt) []kgo.Opt {
	return append(a.Options(
		kgo.ConsumerGroup("transformers"), kgo.ConsumeTopics(in), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(), kgo.SessionTimeout(2*time.Second), kgo.HeartbeatInterval(300*time.Millisecond),
	), more...)
}

func transformed(records []*kgo.Record) []*kgo.Record {
	var results []*kgo.Record
	for _, r := range records {
		results = append(results, &kgo.Record{Topic: out, Value: bytes.ToUpper(r.Value)})
	}
	return results
}

// transform has the bug: between the write and the commit lies a moment.
func transform(ctx context.Context, a *app.App) error {
	client, err := kgo.NewClient(options(a, kgo.BlockRebalanceOnPoll())...)
	if err != nil {
		return err
	}
	defer client.Close()
	for ctx.Err() == nil {
		records := client.PollRecords(ctx, 20).Records()
		for ctx.Err() == nil && client.ProduceSync(ctx, transformed(records)...).FirstErr() != nil {
			time.Sleep(50 * time.Millisecond)
		}
		_ = client.CommitRecords(ctx, records...)
		client.AllowRebalance()
	}
	return nil
}

// transact writes and commits in one transaction, and starts over when it could not: another may have taken its place.
func transact(ctx context.Context, a *app.App) error {
	for ctx.Err() == nil {
		if err := session(ctx, a); err != nil {
			time.Sleep(100 * time.Millisecond)
		}
	}
	return nil
}

func session(ctx context.Context, a *app.App) error {
	s, err := kgo.NewGroupTransactSession(options(a,
		kgo.TransactionalID(fmt.Sprintf("transformer-%d", a.Instance)), kgo.TransactionTimeout(5*time.Second),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)...)
	if err != nil {
		return err
	}
	defer s.Close()
	for ctx.Err() == nil {
		records := s.PollRecords(ctx, 20).Records()
		if len(records) == 0 {
			continue
		}
		if err := s.Begin(); err != nil {
			return err
		}
		err := s.ProduceSync(ctx, transformed(records)...).FirstErr()
		committed, endErr := s.End(ctx, kgo.TransactionEndTry(err == nil))
		a.Sometimes("a transaction is aborted", !committed)
		if endErr != nil {
			return endErr
		}
	}
	return nil
}
