package coordinators

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"odradek/bench"
)

// Transactions has one producer write a record a transaction and commit it, one after the other: "end" is from EndTxn to its answer,
// "loop" from the begin of a transaction to its end, each by its p50 and p99.
type Transactions struct {
	Count      int
	WarmUp     int // that are done before, and not counted
	Partitions int32
}

// Run measures.
func (t Transactions) Run(ctx context.Context, o Options) error {
	topic := fresh("topic")
	client, err := o.client(kgo.TransactionalID(topic), kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0))
	if err != nil {
		return err
	}
	defer client.Close()
	remove, err := o.topic(ctx, client, topic, t.Partitions)
	if err != nil {
		return err
	}
	defer remove()
	var ends, loops []time.Duration
	for i := range t.WarmUp + t.Count {
		end, loop, err := commit(ctx, client)
		if err != nil {
			return fmt.Errorf("transaction %d: %w", i, err)
		}
		if i >= t.WarmUp {
			ends, loops = append(ends, end), append(loops, loop)
		}
	}
	for _, each := range []struct {
		name string
		took []time.Duration
	}{{"end", ends}, {"loop", loops}} {
		all := bench.HistogramOf(each.took...)
		for _, percent := range []float64{50, 99} {
			o.Tell(fmt.Sprintf("%s_p%.0f", each.name, percent), time.Duration(all.At(percent)*float64(time.Millisecond)))
		}
	}
	return nil
}

// commit is one transaction of one record.
func commit(ctx context.Context, client *kgo.Client) (end, loop time.Duration, err error) {
	began := time.Now()
	if err := client.BeginTransaction(); err != nil {
		return 0, 0, err
	}
	if err := client.ProduceSync(ctx, &kgo.Record{Value: make([]byte, 100)}).FirstErr(); err != nil {
		return 0, 0, err
	}
	written := time.Now()
	if err := client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return 0, 0, err
	}
	return time.Since(written), time.Since(began), nil
}
