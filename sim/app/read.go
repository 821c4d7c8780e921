package app

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ReadAll reads what is in a topic now, in every partition from its beginning: the committed records only. It is how one instance
// sees what all of them have done.
func (a *App) ReadAll(ctx context.Context, topic string) ([]*kgo.Record, error) {
	// Markers are kept until they are counted: the last record before the end may be one.
	client, err := kgo.NewClient(a.Options(kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("the beginning of %s: %w", topic, err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("the end of %s: %w", topic, err)
	}
	missing := map[int32]int64{} // by partition, the last offset that there is
	from := map[int32]kgo.Offset{}
	for partition, end := range ends[topic] {
		start := starts[topic][partition]
		if start.Err != nil || end.Err != nil {
			return nil, fmt.Errorf("%s-%d: %v, %v", topic, partition, start.Err, end.Err)
		}
		if end.Offset > start.Offset {
			missing[partition], from[partition] = end.Offset-1, kgo.NewOffset().At(start.Offset)
		}
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	var all []*kgo.Record
	for len(missing) > 0 {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			last, open := missing[r.Partition]
			if !open {
				return
			}
			if !r.Attrs.IsControl() {
				all = append(all, r)
			}
			if r.Offset >= last {
				delete(missing, r.Partition)
			}
		})
	}
	return all, nil
}
