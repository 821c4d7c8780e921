package workload

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"

	"odradek/chaos"
	"odradek/linearizability/history"
)

// FinalRead asks what each group has committed, where each share group starts and where every partition ends, and reads each from its beginning to there. It
// fails when ctx ends before: then the cluster has not come back.
func FinalRead(ctx context.Context, p *Process, cluster chaos.Cluster, groups, shares []string) error {
	for _, group := range groups {
		if err := p.askCommitted(ctx, group); err != nil {
			return err
		}
	}
	for _, group := range shares {
		if err := p.askStarts(ctx, group); err != nil {
			return fmt.Errorf("starts of share group %s: %w", group, err)
		}
	}
	var topics []string
	for _, topic := range cluster.Topics {
		topics = append(topics, topic.Name)
	}
	reader := newReader(p, cluster, topics)
	bounds, err := reader.findBounds(ctx)
	if err != nil {
		return err
	}
	done := func() bool {
		for _, at := range reader.order {
			if max(reader.positions[at], bounds[at].start) < bounds[at].end {
				return false
			}
		}
		return true
	}
	for !done() && ctx.Err() == nil {
		if err := reader.run(ctx, true, done); err != nil {
			return err
		}
		if done() {
			break
		}
		// A partition was lost, perhaps because its log begins later now.
		if bounds, err = reader.findBounds(ctx); err != nil {
			return err
		}
	}
	if !done() {
		return fmt.Errorf("the final read did not reach every partition's end: %w", ctx.Err())
	}
	return nil
}

// askCommitted asks for a group's committed offsets, retrying while ctx lives.
func (p *Process) askCommitted(ctx context.Context, group string) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for {
		id := p.invoke(history.Event{Op: history.Committed, Group: group})
		answers, err := admin.FetchOffsets(ctx, group)
		if err == nil {
			err = answers.Error()
		}
		if err == nil {
			event := history.Event{Positions: []history.Position{}}
			for _, at := range answers.Sorted() {
				if at.At >= 0 {
					event.Positions = append(event.Positions, history.Position{Topic: at.Topic, Partition: at.Partition, Offset: at.At})
				}
			}
			p.end(id, history.Committed, history.OK, event)
			return nil
		}
		p.end(id, history.Committed, history.Info, history.Event{Error: err.Error()})
		if !pause(ctx, retryBackoffMax) {
			return fmt.Errorf("committed offsets of %s: %w", group, err)
		}
	}
}

// bound is where a partition begins and ends.
type bound struct{ start, end int64 }

// findBounds asks every partition for its offsets, retrying while ctx lives.
func (r *reader) findBounds(ctx context.Context) (map[place]bound, error) {
	client, err := r.process.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	bounds := map[place]bound{}
	for _, at := range r.order {
		for {
			id := r.process.invoke(history.Event{Op: history.Offsets, Topic: at.topic, Partition: at.partition})
			start, end, err := offsets(ctx, admin, at)
			if err == nil {
				r.process.end(id, history.Offsets, history.OK, history.Event{Start: start, End: end})
				bounds[at] = bound{start, end}
				break
			}
			r.process.end(id, history.Offsets, history.Info, history.Event{Error: err.Error()})
			if !pause(ctx, retryBackoffMax) {
				return nil, fmt.Errorf("offsets of %s-%d: %w", at.topic, at.partition, err)
			}
		}
	}
	return bounds, nil
}

func offsets(ctx context.Context, admin *kadm.Client, at place) (start, end int64, err error) {
	first, err := admin.ListStartOffsets(ctx, at.topic)
	if err != nil {
		return 0, 0, err
	}
	last, err := admin.ListEndOffsets(ctx, at.topic)
	if err != nil {
		return 0, 0, err
	}
	low, lowOK := first.Lookup(at.topic, at.partition)
	high, highOK := last.Lookup(at.topic, at.partition)
	switch {
	case !lowOK || !highOK:
		return 0, 0, fmt.Errorf("no answer for %s-%d", at.topic, at.partition)
	case low.Err != nil:
		return 0, 0, low.Err
	case high.Err != nil:
		return 0, 0, high.Err
	}
	return low.Offset, high.Offset, nil
}
