package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

// logDirsOptions are the flags of `odradek log-dirs`, named as those of kafka-log-dirs.
type logDirsOptions struct {
	describe bool
	topics   []string
	brokers  []int32
	output   string
}

func logDirsCommand() *cobra.Command {
	var o logDirsOptions
	command := &cobra.Command{
		Use:     "log-dirs",
		Short:   "Tell what lies in the brokers' data directories",
		Example: "  odradek log-dirs --describe\n  odradek log-dirs --describe --broker-list 1,2 --topic-list T --output json",
		Args:    cobra.NoArgs,
	}
	seeds := bootstrapFlag(command)
	flags := command.Flags()
	flags.BoolVar(&o.describe, "describe", false, "describe the directories")
	flags.StringSliceVar(&o.topics, "topic-list", nil, "these topics only")
	flags.Int32SliceVar(&o.brokers, "broker-list", nil, "these brokers only")
	flags.StringVar(&o.output, "output", "text", "text or json")
	command.MarkFlagsOneRequired("describe")
	command.RunE = func(command *cobra.Command, _ []string) error {
		if o.output != "text" && o.output != "json" {
			return fmt.Errorf("--output %q: text or json is allowed", o.output)
		}
		client, err := connect(command, *seeds)
		if err != nil {
			return err
		}
		defer client.Close()
		return o.show(command, kadm.NewClient(client), command.OutOrStdout())
	}
	return command
}

func (o logDirsOptions) show(command *cobra.Command, admin *kadm.Client, out io.Writer) error {
	var topics kadm.TopicsSet
	for _, name := range o.topics {
		topics.Add(name)
	}
	if len(o.topics) > 0 {
		all, err := admin.ListTopics(command.Context(), o.topics...)
		if err == nil {
			err = all.Error()
		}
		if err != nil {
			return err
		}
		topics = all.TopicsSet()
	}
	var dirs []kadm.DescribedLogDir
	if len(o.brokers) == 0 {
		all, err := admin.DescribeAllLogDirs(command.Context(), topics)
		if err != nil {
			return err
		}
		dirs = all.Sorted()
	}
	for _, broker := range o.brokers {
		of, err := admin.DescribeBrokerLogDirs(command.Context(), broker, topics)
		if err != nil {
			return fmt.Errorf("broker %d: %w", broker, err)
		}
		dirs = append(dirs, of.Sorted()...)
	}
	if o.output == "json" {
		return json.NewEncoder(out).Encode(dirs)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BROKER\tDIRECTORY\tTOPIC\tPARTITION\tBYTES\tOFFSET-LAG\tFUTURE")
	var failed error
	for _, dir := range dirs {
		if dir.Err != nil {
			failed = errors.Join(failed, fmt.Errorf("broker %d, %s: %w", dir.Broker, dir.Dir, dir.Err))
		}
		for _, p := range dir.Topics.Sorted() {
			fmt.Fprintf(table, "%d\t%s\t%s\t%d\t%d\t%d\t%v\n", p.Broker, p.Dir, p.Topic, p.Partition, p.Size, p.OffsetLag, p.IsFuture)
		}
	}
	return errors.Join(table.Flush(), failed)
}
