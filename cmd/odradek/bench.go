package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"odradek/bench"
)

func benchCommand() *cobra.Command {
	var w bench.Workload
	command := &cobra.Command{
		Use:   "bench",
		Short: "Write records as fast as a broker takes them, read them back, and tell the rates",
		Example: "  odradek bench --bootstrap-server 127.0.0.1:9092 --records 200000 --record-size 1000\n" +
			"  odradek bench --bootstrap-server 127.0.0.1:19092 --replication-factor 3 --pid 4711,4712,4713",
		Args: cobra.NoArgs,
	}
	seeds := bootstrapFlag(command)
	flags := command.Flags()
	flags.IntVar(&w.Records, "records", 200_000, "how many records")
	flags.IntVar(&w.RecordBytes, "record-size", 1000, "bytes of each record's value")
	flags.Int32Var(&w.Partitions, "partitions", 3, "partitions of the topic, which is made and deleted")
	flags.Int16Var(&w.ReplicationFactor, "replication-factor", -1, "its replicas; -1: the cluster's default")
	flags.IntSliceVar(&w.PIDs, "pid", nil, "the broker's processes on this machine, to measure what they use")
	command.RunE = func(command *cobra.Command, _ []string) error {
		if w.Records < 1 || w.RecordBytes < 0 {
			return fmt.Errorf("--records %d, --record-size %d: at least 1 and 0 are needed", w.Records, w.RecordBytes)
		}
		client, err := connect(command, *seeds) // a good error at once when nobody answers
		if err != nil {
			return err
		}
		client.Close()
		w.BootstrapServers = *seeds
		result, err := w.Run(command.Context())
		if err != nil {
			return err
		}
		fmt.Fprintln(command.OutOrStdout(), result.Line())
		return nil
	}
	return command
}
