package workload

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"odradek/chaos"
	"odradek/linearizability/history"
)

// Consume reads every partition of the plan's topics from the beginning until ctx ends.
func Consume(ctx context.Context, p *Process, plan chaos.Consumer, cluster chaos.Cluster) error {
	if plan.Committed {
		return view(ctx, p, plan)
	}
	reader := newReader(p, cluster, plan.Topics, kgo.FetchMaxWait(plan.MaxWait.D()), kgo.Rack(chaos.RackName(plan.Rack)),
		kgo.FetchMaxBytes(int32(plan.MaxBytes)), kgo.FetchMaxPartitionBytes(int32(plan.MaxBytes)))
	reader.pause = plan.Pause.D()
	for ctx.Err() == nil {
		if err := reader.run(ctx, false, func() bool { return false }); err != nil {
			return err
		}
	}
	return nil
}

// place names a partition.
type place struct {
	topic     string
	partition int32
}

// reader is a consumer that knows its positions, so that it can go on where it was after an error that made the client give
// a partition up.
type reader struct {
	process   *Process
	options   []kgo.Opt
	order     []place // in which positions are written down
	positions map[place]int64
	pause     time.Duration // after each poll
}

func newReader(p *Process, cluster chaos.Cluster, topics []string, options ...kgo.Opt) *reader {
	r := &reader{process: p, options: options, positions: map[place]int64{}}
	for _, topic := range cluster.Topics {
		for _, name := range topics {
			if name != topic.Name {
				continue
			}
			for partition := range int32(topic.Partitions) {
				at := place{name, partition}
				r.order = append(r.order, at)
				r.positions[at] = history.PositionEarliest
			}
		}
	}
	return r
}

// run assigns the partitions at their positions and polls until done says so, ctx ends, or a partition is lost, which the
// caller answers by running again.
func (r *reader) run(ctx context.Context, final bool, done func() bool) error {
	assigned := map[string]map[int32]kgo.Offset{}
	event := history.Event{Op: history.Assign, Final: final}
	for _, at := range r.order {
		position := r.positions[at]
		offset := kgo.NewOffset().At(position)
		if position == history.PositionEarliest {
			offset = kgo.NewOffset().AtStart()
		}
		if assigned[at.topic] == nil {
			assigned[at.topic] = map[int32]kgo.Offset{}
		}
		assigned[at.topic][at.partition] = offset
		event.Positions = append(event.Positions, history.Position{Topic: at.topic, Partition: at.partition, Offset: position})
	}
	options := append([]kgo.Opt{
		kgo.ConsumePartitions(assigned), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.KeepControlRecords(), // or who reads to the end would not know that a marker is the last
	}, r.options...)
	client, err := r.process.client(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	id := r.process.invoke(event)
	r.process.end(id, history.Assign, history.OK, history.Event{})
	for ctx.Err() == nil && !done() {
		if lost := r.poll(ctx, client); lost {
			pause(ctx, retryBackoffMax)
			return nil
		}
		if r.pause > 0 {
			pause(ctx, r.pause)
		}
	}
	return nil
}

// poll is one poll, told to the history. It says whether the client gave a partition up.
func (r *reader) poll(ctx context.Context, client *kgo.Client) (lost bool) {
	id := r.process.invoke(history.Event{Op: history.Poll})
	limited, cancel := context.WithTimeout(ctx, pollTimeout)
	fetches := client.PollRecords(limited, pollRecordsMax)
	cancel()
	runs := []history.Run{}
	fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
		runs = appendRuns(runs, fetched)
		if n := len(fetched.Records); n > 0 {
			r.positions[place{fetched.Topic, fetched.Partition}] = fetched.Records[n-1].Offset + 1
		}
	})
	r.process.end(id, history.Poll, history.OK, history.Event{Runs: runs})
	fetches.EachError(func(topic string, partition int32, err error) {
		if ended(limited, err) {
			return
		}
		lost = true
		if errors.Is(err, kerr.OffsetOutOfRange) {
			r.positions[place{topic, partition}] = history.PositionEarliest
		}
	})
	return lost
}

// appendRuns adds what was fetched of a partition, cut where offsets are not consecutive. Control records are stepped over.
func appendRuns(runs []history.Run, fetched kgo.FetchTopicPartition) []history.Run {
	begun := len(runs)
	for _, record := range fetched.Records {
		if n := len(runs); n == begun || runs[n-1].After() != record.Offset || runs[n-1].Next > 0 && !record.Attrs.IsControl() {
			runs = append(runs, history.Run{Topic: fetched.Topic, Partition: fetched.Partition, Offset: record.Offset, Values: []string{}})
		}
		last := &runs[len(runs)-1]
		if record.Attrs.IsControl() {
			last.Next = record.Offset + 1
			continue
		}
		last.Values = append(last.Values, identity(record))
	}
	return runs
}
