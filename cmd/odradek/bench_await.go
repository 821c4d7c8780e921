package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"odradek/bench"
)

func benchAwaitCommand() *cobra.Command {
	var within time.Duration
	var stop bool
	command := &cobra.Command{
		Use:     "await -- COMMAND [ARGUMENT…]",
		Short:   "Start a node and tell after how many milliseconds it answers ApiVersions and Metadata",
		Example: "  odradek bench await --stop --bootstrap-server 127.0.0.1:9092 -- odradek serve --data d",
		Args:    cobra.MinimumNArgs(1),
	}
	seeds := bootstrapFlag(command)
	command.Flags().DurationVar(&within, "within", time.Minute, "how long to wait at most")
	command.Flags().BoolVar(&stop, "stop", false, "stop the command then; otherwise it is waited for")
	command.RunE = func(command *cobra.Command, arguments []string) error {
		node := exec.Command(arguments[0], arguments[1:]...)
		began := time.Now()
		if err := node.Start(); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(command.Context(), within)
		defer cancel()
		err := bench.Await(ctx, (*seeds)[0])
		took := time.Since(began)
		if stop || err != nil {
			err = errors.Join(err, terminate(node.Process.Pid))
		}
		if err = errors.Join(err, node.Wait()); err != nil {
			return err
		}
		fmt.Fprintf(command.OutOrStdout(), "%.1f\n", float64(took.Microseconds())/1000)
		return nil
	}
	return command
}
