package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"odradek/chaos"
)

// endMax is how long a process may take to end when it is asked to, lookEvery how often one looks whether it did, or a move.
const endMax, lookEvery = time.Minute, 20 * time.Millisecond

// victim is the cluster as the schedule's [chaos.Target].
type victim struct {
	ctx     context.Context
	run     *run
	admin   *kadm.Client
	control Control
}

// Supports implements chaos.Target.
func (v *victim) Supports(kind chaos.Kind) bool { return slices.Contains(troubleKinds, kind) }

// Leader implements chaos.Target.
func (v *victim) Leader(topic string, partition int) (int, bool) {
	for i, name := range v.run.topics {
		if topic == fmt.Sprintf("t%d", i) {
			metadata, err := v.admin.Metadata(v.ctx, name)
			detail, ok := metadata.Topics[name].Partitions[int32(partition)]
			return int(detail.Leader), err == nil && ok && detail.Leader > 0
		}
	}
	return 0, false
}

// Controller implements chaos.Target.
func (v *victim) Controller() (int, bool) {
	metadata, err := v.admin.BrokerMetadata(v.ctx)
	return int(metadata.Controller), err == nil && metadata.Controller > 0
}

// Apply implements chaos.Target.
func (v *victim) Apply(act chaos.Act) error {
	return v.each(act.Nodes, func(node int) error {
		switch act.Fault.Kind {
		case chaos.Crash:
			return v.signal(node, syscall.SIGKILL)
		case chaos.Stop:
			return v.signal(node, syscall.SIGTERM)
		case chaos.Pause:
			return v.signal(node, syscall.SIGSTOP)
		}
		return v.control.disk(v.ctx, node, disk{Factor: act.Fault.Params.Factor, Stall: act.Fault.Kind == chaos.StallDisk})
	})
}

// Undo implements chaos.Target.
func (v *victim) Undo(act chaos.Act) error {
	return v.each(act.Nodes, func(node int) error {
		switch act.Fault.Kind {
		case chaos.Crash, chaos.Stop:
			if err := v.awaitEnd(node); err != nil {
				return err
			}
			return v.control.Start(v.ctx, node)
		case chaos.Pause:
			return v.signal(node, syscall.SIGCONT)
		}
		return v.control.disk(v.ctx, node, disk{})
	})
}

func (v *victim) each(nodes []int, do func(node int) error) error {
	for _, node := range nodes {
		if err := do(node); err != nil {
			return fmt.Errorf("node %d: %w", node, err)
		}
	}
	return nil
}

func (v *victim) signal(node int, s syscall.Signal) error {
	pids, err := v.control.PIDs(v.ctx)
	if err != nil || pids[node] == 0 {
		return err
	}
	process, err := os.FindProcess(pids[node])
	if err != nil {
		return err
	}
	return process.Signal(s)
}

// awaitEnd waits until a node that was asked to end is down.
func (v *victim) awaitEnd(node int) error {
	for deadline := time.Now().Add(endMax); ; {
		pids, err := v.control.PIDs(v.ctx)
		if err != nil || pids[node] == 0 {
			return err
		}
		if !sleepUntil(v.ctx, time.Now().Add(lookEvery)) {
			return context.Cause(v.ctx)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("it has not ended after %v", endMax)
		}
	}
}

// torment does to the cluster what the trouble says, and has writing end some time after.
func (r *run) torment(ctx context.Context) error {
	client, err := r.client()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error {
		return r.takeSchedule(ctx, &victim{ctx: context.WithoutCancel(ctx), run: r, admin: admin, control: r.Control})
	})
	for _, move := range r.Trouble.Moves {
		all.Go(func() error {
			return r.struck(ctx, "reassignment", move.At, func() error { return r.move(ctx, admin) })
		})
	}
	for _, member := range r.Trouble.Members {
		all.Go(func() error {
			return r.struck(ctx, "another member", member.At, func() error { return r.joinFor(ctx, member.For.D()) })
		})
	}
	if err := all.Wait(); err != nil {
		return named("faults", err)
	}
	r.phases.end(time.Now(), r.Trouble.After.D())
	return nil
}

// struck does something at its time, and notes from when to when.
func (r *run) struck(ctx context.Context, words string, at chaos.Duration, do func() error) error {
	if !sleepUntil(ctx, r.phases.began.Add(at.D())) {
		return context.Cause(ctx)
	}
	from := time.Now()
	r.phases.begin(from)
	err := do()
	r.phases.strike(blow{words, from, time.Now()})
	return err
}

// takeSchedule takes the steps when they are due. What was applied is undone even when ctx ends before.
func (r *run) takeSchedule(ctx context.Context, v *victim) error {
	metadata, err := v.admin.BrokerMetadata(ctx)
	if err != nil {
		return err
	}
	runner, err := chaos.NewRunner(r.Trouble.Schedule, int(slices.Max(metadata.Brokers.NodeIDs())), v)
	if err != nil {
		return err
	}
	applied := map[int]blow{}
	for {
		at, some := runner.Next()
		if !some {
			return nil
		}
		if !sleepUntil(ctx, r.phases.began.Add(at.D())) {
			_, err := runner.Heal(at)
			return err
		}
		from := time.Now()
		r.phases.begin(from)
		outcome, err := runner.Step()
		if err != nil {
			return err
		}
		if !outcome.Undo {
			applied[outcome.Index] = blow{words: fmt.Sprintf("%s node %s", outcome.Fault.Kind, strings.Trim(fmt.Sprint(outcome.Nodes), "[]")), from: from}
			continue
		}
		was := applied[outcome.Index]
		was.to = time.Now()
		r.phases.strike(was)
	}
}

// move has every partition go to the nodes behind its own, and waits until no move is under way.
func (r *run) move(ctx context.Context, admin *kadm.Client) error {
	metadata, err := admin.Metadata(ctx, r.topics...)
	if err != nil {
		return err
	}
	nodes := slices.Sorted(slices.Values(metadata.Brokers.NodeIDs()))
	var wanted kadm.AlterPartitionAssignmentsReq
	for _, topic := range r.topics {
		for _, p := range metadata.Topics[topic].Partitions.Sorted() {
			wanted.Assign(topic, p.Partition, following(p.Replicas, nodes))
		}
	}
	answers, err := admin.AlterPartitionAssignments(ctx, wanted)
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		return err
	}
	for {
		under, err := admin.ListPartitionReassignments(ctx, nil)
		if err == nil && len(under) == 0 {
			return nil
		}
		if !sleepUntil(ctx, time.Now().Add(lookEvery)) {
			return context.Cause(ctx)
		}
	}
}

// following are the nodes that come behind each of some, the first behind the last.
func following(some, nodes []int32) []int32 {
	next := make([]int32, len(some))
	for i, node := range some {
		at, _ := slices.BinarySearch(nodes, node)
		next[i] = nodes[(at+1)%len(nodes)]
	}
	return next
}

// joinFor has one more consumer be a member of the group for a while.
func (r *run) joinFor(ctx context.Context, long time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	client, err := r.client(append(r.reading(0, r.groupName(0)), kgo.FetchMaxBytes(r.MaxFetchBytes))...)
	if err != nil {
		return err
	}
	defer client.Close()
	for ctx.Err() == nil {
		if err := r.take(client.PollFetches(ctx), new(int64)); err != nil {
			return err
		}
	}
	return nil
}
