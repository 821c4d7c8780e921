//go:build wasip1

// Command guest is what is compiled to WebAssembly and runs in the universes of package sim: the broker, the very packages
// that `odradek serve` runs, and the clients of a run. Nothing of the harness is in it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"odradek/broker/env"
	"odradek/broker/env/guestenv"
	"odradek/chaos/workload"
	"odradek/linearizability/history"
	"odradek/sim/guest"
)

func main() {
	task, err := guest.ParseArgs(os.Args)
	if err == nil {
		err = run(task, guestenv.New())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, errNoProgress) {
			os.Exit(guest.ExitNoProgress)
		}
		os.Exit(1)
	}
}

// errNoProgress wraps what kept a client from its work until its time was up.
var errNoProgress = errors.New("time is up")

func run(task guest.Task, world env.Env) error {
	switch task.Role {
	case guest.RoleBroker:
		return serve(task, world)
	case guest.RoleEnvTest:
		return testEnv(world)
	}
	// Until and start are instants of the universe; a client's calendar is never wrong.
	start := time.Unix(0, task.StartNs)
	ctx, cancel := context.WithDeadline(context.Background(), start.Add(time.Duration(task.UntilNs)))
	defer cancel()
	process := &workload.Process{
		Name: task.Name, Seeds: task.Seeds,
		Dial:    dialer(world),
		History: history.NewRecorder(history.NewLineWriter(os.Stdout), task.Name, func() int64 { return int64(time.Since(start)) }),
	}
	switch task.Role {
	case guest.RoleSetup:
		return inTime(ctx, workload.Setup(ctx, process, task.Cluster))
	case guest.RoleProducer:
		return workload.Produce(ctx, process, *task.Producer, task.Seed)
	case guest.RoleConsumer:
		return workload.Consume(ctx, process, *task.Consumer, task.Cluster)
	case guest.RoleDeleter:
		return workload.DeleteRecords(ctx, process, *task.Deleter, task.Cluster, task.Seed)
	case guest.RoleMember:
		return workload.Member(ctx, process, *task.Group, task.Seed+uint64(task.Number))
	case guest.RoleSharer:
		return workload.ShareMember(ctx, process, *task.Share, task.Seed+uint64(task.Number))
	case guest.RoleCopier:
		return workload.Copy(ctx, process, *task.Copier, task.Seed)
	case guest.RoleOperator:
		return inTime(ctx, workload.Operate(ctx, process, task.Moves, task.ReplicaMoves, start))
	case guest.RoleFinalRead:
		err := workload.FinalRead(ctx, process, task.Cluster, task.Groups, task.Shares)
		if err == nil && task.Committed {
			err = workload.FinalView(ctx, process, task.Cluster)
		}
		return inTime(ctx, err)
	}
	return fmt.Errorf("unknown role %q", task.Role)
}

// inTime tells a client that ran out of time, which is the cluster's doing, from one that could not do its work.
func inTime(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", errNoProgress, err)
	}
	return err
}
