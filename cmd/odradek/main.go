// Command odradek is the one program of the project: it serves as a broker, runs clusters of them, talks to them as Kafka's
// console tools do, runs universes of the simulator and checks histories.
//
// Exit codes: 0 done or passed, 1 a violation was found or a check failed, 2 it could not run, 3 the outcome is unknown.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// exitError carries an exit code other than 2 out of a command. Its text, if any, is printed.
type exitError struct {
	code int
	text string
}

func (e exitError) Error() string { return e.text }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program as it stands
	err := root().ExecuteContext(ctx)
	os.Exit(exitCode(err))
}

// exitCode says what went wrong on standard error and chooses the process's exit code.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	var exit exitError
	if errors.As(err, &exit) {
		if exit.text != "" {
			fmt.Fprintln(os.Stderr, "odradek: "+exit.text)
		}
		return exit.code
	}
	fmt.Fprintf(os.Stderr, "odradek: %v\n", err)
	return 2
}

func root() *cobra.Command {
	command := &cobra.Command{
		Use:           "odradek",
		Short:         "A replicated broker that speaks Kafka's protocol, and the universe that puts it on trial",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	command.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w (see %s --help)", err, c.CommandPath())
	})
	command.AddCommand(serveCommand(), clusterCommand(), topicCommand(), configCommand(), reassignCommand(), groupCommand(), logDirsCommand(), produceCommand(), consumeCommand(), benchCommand(), simCommand(), chaosCommand(), checkCommand(), mutantsCommand())
	command.AddCommand(logCommand())
	return command
}
