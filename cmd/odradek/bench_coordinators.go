package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"odradek/bench"
	"odradek/bench/coordinators"
)

func benchCoordinatorsCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "coordinators",
		Short: "Measure what clients wait for at coordinators: lines of NAME MILLISECONDS",
		Example: "  odradek bench coordinators rebalance --bootstrap-server 127.0.0.1:9092 --protocol consumer --heartbeat 5s\n" +
			"  odradek bench coordinators transactions --bootstrap-server 127.0.0.1:9092\n" +
			"  odradek bench coordinators failover --bootstrap-server 127.0.0.1:19092 --control 'odradek cluster node --dir /tmp/c'",
	}
	command.AddCommand(benchRebalanceCommand(), benchFailoverCommand(), benchTransactionsCommand())
	return command
}

func benchRebalanceCommand() *cobra.Command {
	var r coordinators.Rebalance
	command := &cobra.Command{
		Use:   "rebalance",
		Short: "A group forms, takes in one more member and lets it go: from that until the coordinator says that all is settled",
		Args:  cobra.NoArgs,
	}
	flags := command.Flags()
	flags.StringVar(&r.Protocol, "protocol", "classic", "classic, or consumer (KIP-848)")
	flags.IntVar(&r.Members, "members", 100, "members of the group")
	flags.Int32Var(&r.Partitions, "partitions", 200, "partitions of the topic that they read")
	flags.DurationVar(&r.Heartbeat, "heartbeat", 3*time.Second, "time between two heartbeats; members of the consumer protocol are told theirs by the broker, and this must be it")
	flags.IntVar(&r.Times, "times", 3, "how often a member comes and goes")
	command.RunE = coordinatorsRun(command, func(command *cobra.Command, o coordinators.Options) error {
		if r.Protocol != "classic" && r.Protocol != "consumer" {
			return fmt.Errorf("--protocol %s: classic or consumer is needed", r.Protocol)
		}
		return r.Run(command.Context(), o)
	})
	return command
}

func benchFailoverCommand() *cobra.Command {
	var f coordinators.Failover
	var control string
	command := &cobra.Command{
		Use:   "failover",
		Short: "A coordinator's process ends: from that until another answers for the offsets that were committed with it",
		Args:  cobra.NoArgs,
	}
	flags := command.Flags()
	flags.IntVar(&f.Offsets, "offsets", 100_000, "committed offsets of the coordinator")
	flags.Int32Var(&f.PerGroup, "per-group", 100, "of these of a group")
	flags.BoolVar(&f.Stop, "stop", false, "the process is asked to end, instead of killed")
	flags.IntVar(&f.Times, "times", 3, "how often a coordinator ends")
	flags.StringVar(&control, "control", "", "a command that reaches the nodes, as for `odradek bench --faults`")
	if err := command.MarkFlagRequired("control"); err != nil {
		panic(err)
	}
	command.RunE = coordinatorsRun(command, func(command *cobra.Command, o coordinators.Options) error {
		o.Control = bench.Control(control)
		return f.Run(command.Context(), o)
	})
	return command
}

func benchTransactionsCommand() *cobra.Command {
	var t coordinators.Transactions
	command := &cobra.Command{
		Use:   "transactions",
		Short: "One producer commits a record a transaction: EndTxn alone, and a transaction as a whole",
		Args:  cobra.NoArgs,
	}
	flags := command.Flags()
	flags.IntVar(&t.Count, "count", 500, "transactions that are measured")
	flags.IntVar(&t.WarmUp, "warm-up", 200, "transactions before these")
	flags.Int32Var(&t.Partitions, "partitions", 3, "partitions of the topic")
	command.RunE = coordinatorsRun(command, func(command *cobra.Command, o coordinators.Options) error {
		return t.Run(command.Context(), o)
	})
	return command
}

// coordinatorsRun prints a line a figure.
func coordinatorsRun(command *cobra.Command, run func(*cobra.Command, coordinators.Options) error) func(*cobra.Command, []string) error {
	seeds := bootstrapFlag(command)
	return func(command *cobra.Command, _ []string) error {
		return run(command, coordinators.Options{BootstrapServers: *seeds, Tell: func(name string, took time.Duration) {
			fmt.Fprintf(command.OutOrStdout(), "%s %.2f\n", name, float64(took.Microseconds())/1000)
		}})
	}
}
