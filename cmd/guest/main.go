//go:build wasip1

// Command guest is what is compiled to WebAssembly and runs in the universes of package sim: the broker, the very packages
// that `odradek serve` runs, and the clients of a run. Nothing of the harness is in it.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"odradek/broker/env"
	"odradek/broker/env/guestenv"
	"odradek/chaos/workload"
	"odradek/linearizability/history"
	"odradek/sim/guest"
)

// exitNoProgress tells the host that the client's time ended before its work; any other failure is the harness's.
const exitNoProgress = 4

func main() {
	task, err := guest.ParseArgs(os.Args)
	if err == nil {
		err = run(task, guestenv.New())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

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
		return workload.Setup(ctx, process, task.Cluster)
	case guest.RoleProducer:
		return workload.Produce(ctx, process, *task.Producer, task.Seed)
	case guest.RoleConsumer:
		return workload.Consume(ctx, process, *task.Consumer, task.Cluster)
	case guest.RoleFinalRead:
		if err := workload.FinalRead(ctx, process, task.Cluster); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(exitNoProgress)
		}
		return nil
	}
	return fmt.Errorf("unknown role %q", task.Role)
}
