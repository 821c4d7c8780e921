//go:build wasip1

package app

import (
	"context"
	"net"
	"os"
	"time"

	"odradek/broker/env/guestenv"
	"odradek/sim/guest"
)

// enter finds out from the task where this instance is.
func enter() (a *App, until time.Time, err error) {
	task, err := guest.ParseArgs(os.Args)
	if err != nil {
		return nil, until, err
	}
	world := guestenv.New()
	start := time.Unix(0, task.StartNs)
	a = &App{
		Instance: task.Number, Instances: task.Instances, Args: task.AppArgs, Seeds: task.Seeds, healed: start.Add(time.Duration(task.HealedNs)),
		dial: func(ctx context.Context, _, address string) (net.Conn, error) { return world.Net.Dial(ctx, address) },
		tell: func(line Line) { os.Stdout.Write(append(AppendLine(nil, line), '\n')) },
	}
	return a, start.Add(time.Duration(task.UntilNs)), nil
}
