package workload

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kadm"

	"odradek/chaos"
	"odradek/linearizability/history"
)

// DeleteRecords has records deleted at the plan's pace until ctx ends. seed decides how many.
func DeleteRecords(ctx context.Context, p *Process, plan chaos.Deleter, cluster chaos.Cluster, seed uint64) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	admin.SetTimeoutMillis(int32(produceTimeout.Milliseconds()))
	random := rand.New(rand.NewPCG(seed, 1))
	places := newReader(p, cluster, plan.Topics).order
	for pause(ctx, plan.Every.D()) {
		at := places[random.IntN(len(places))]
		start, end, err := offsets(ctx, admin, at)
		if err != nil || start == end {
			continue
		}
		p.deleteBefore(ctx, admin, at, start+random.Int64N(end-start+1))
	}
	return nil
}

func (p *Process) deleteBefore(ctx context.Context, admin *kadm.Client, at place, offset int64) {
	id := p.invoke(history.Event{Op: history.Delete, Topic: at.topic, Partition: at.partition, Offset: offset})
	var asked kadm.Offsets
	asked.AddOffset(at.topic, at.partition, offset, -1)
	answers, err := admin.DeleteRecords(ctx, asked)
	answer, ok := answers.Lookup(at.topic, at.partition)
	switch {
	case err == nil && !ok:
		err = fmt.Errorf("no answer for %s-%d", at.topic, at.partition)
	case err == nil:
		err = answer.Err
	}
	if err != nil {
		p.end(id, history.Delete, history.Info, history.Event{Error: err.Error()})
		return
	}
	p.end(id, history.Delete, history.OK, history.Event{Start: answer.LowWatermark})
}
