package workload

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/linearizability/history"
)

// askStarts writes down where a share group starts in each partition, retrying while ctx lives: all before is settled.
func (p *Process) askStarts(ctx context.Context, group string) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		id := p.invoke(history.Event{Op: history.Committed, Group: group})
		positions, err := shareStarts(ctx, client, group)
		if err == nil {
			p.end(id, history.Committed, history.OK, history.Event{Positions: positions})
			return nil
		}
		p.end(id, history.Committed, history.Info, history.Event{Error: err.Error()})
		if !pause(ctx, retryBackoffMax) {
			return err
		}
	}
}

func shareStarts(ctx context.Context, client *kgo.Client, group string) ([]history.Position, error) {
	req := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
	asked := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
	asked.GroupID = group
	req.Groups = append(req.Groups, asked)
	resp, err := client.Request(ctx, req)
	if err != nil {
		return nil, err
	}
	positions := []history.Position{}
	for _, answer := range resp.(*kmsg.DescribeShareGroupOffsetsResponse).Groups {
		if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
			return nil, err
		}
		for _, topic := range answer.Topics {
			for _, partition := range topic.Partitions {
				if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
					return nil, err
				}
				if partition.StartOffset >= 0 {
					positions = append(positions, history.Position{Topic: topic.Topic, Partition: partition.Partition, Offset: partition.StartOffset})
				}
			}
		}
	}
	return positions, nil
}
