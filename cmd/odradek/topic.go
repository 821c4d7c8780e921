package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

// topicOptions are the flags of `odradek topic`, named as those of kafka-topics.
type topicOptions struct {
	create, list, describe, remove, alter bool
	topic                                 string
	partitions                            int32
	replicationFactor                     int16
	configs                               []string
	output                                string
}

func topicCommand() *cobra.Command {
	var o topicOptions
	command := &cobra.Command{
		Use:   "topic",
		Short: "Create, list, describe, alter and delete topics",
		Example: "  odradek topic --bootstrap-server 127.0.0.1:9092 --create --topic T --partitions 3 --replication-factor 3\n" +
			"  odradek topic --describe --topic T --output json",
		Args: cobra.NoArgs,
	}
	seeds := bootstrapFlag(command)
	flags := command.Flags()
	flags.BoolVar(&o.create, "create", false, "create a topic")
	flags.BoolVar(&o.list, "list", false, "list the topics")
	flags.BoolVar(&o.describe, "describe", false, "describe a topic, or all of them")
	flags.BoolVar(&o.remove, "delete", false, "delete a topic")
	flags.BoolVar(&o.alter, "alter", false, "raise the number of partitions")
	flags.StringVar(&o.topic, "topic", "", "the topic's name")
	flags.Int32Var(&o.partitions, "partitions", -1, "number of partitions; -1: the cluster's default")
	flags.Int16Var(&o.replicationFactor, "replication-factor", -1, "number of replicas; -1: the cluster's default")
	flags.StringArrayVar(&o.configs, "config", nil, "a topic config, as KEY=VALUE; may be repeated")
	flags.StringVar(&o.output, "output", "text", "text or json")
	command.MarkFlagsMutuallyExclusive("create", "list", "describe", "delete", "alter")
	command.MarkFlagsOneRequired("create", "list", "describe", "delete", "alter")
	command.RunE = func(command *cobra.Command, _ []string) error {
		if o.output != "text" && o.output != "json" {
			return fmt.Errorf("--output %q: text or json is allowed", o.output)
		}
		if o.topic == "" && (o.create || o.remove || o.alter) {
			return errors.New("--topic NAME is needed")
		}
		client, err := connect(command, *seeds)
		if err != nil {
			return err
		}
		defer client.Close()
		return o.run(command, kadm.NewClient(client))
	}
	return command
}

func (o topicOptions) run(command *cobra.Command, admin *kadm.Client) error {
	ctx, out := command.Context(), command.OutOrStdout()
	switch {
	case o.create:
		configs := map[string]*string{}
		for _, each := range o.configs {
			key, value, ok := strings.Cut(each, "=")
			if !ok {
				return fmt.Errorf("--config %q: KEY=VALUE is expected", each)
			}
			configs[key] = &value
		}
		answer, err := admin.CreateTopic(ctx, o.partitions, o.replicationFactor, configs, o.topic)
		if err != nil {
			return withMessage(err, answer.ErrMessage)
		}
		fmt.Fprintf(out, "Created topic %s.\n", o.topic)
		return nil
	case o.remove:
		answer, err := admin.DeleteTopic(ctx, o.topic)
		return withMessage(err, answer.ErrMessage)
	case o.alter:
		answers, err := admin.UpdatePartitions(ctx, int(o.partitions), o.topic)
		if err != nil {
			return err
		}
		return withMessage(answers[o.topic].Err, answers[o.topic].ErrMessage)
	default:
		return o.show(command, admin, out)
	}
}

// show prints the topics' names, or, with --describe, their partitions in the columns of kafka-topics.
func (o topicOptions) show(command *cobra.Command, admin *kadm.Client, out io.Writer) error {
	var names []string
	if o.topic != "" {
		names = []string{o.topic}
	}
	metadata, err := admin.Metadata(command.Context(), names...)
	if err != nil {
		return err
	}
	if o.output == "json" {
		return json.NewEncoder(out).Encode(metadata.Topics.Sorted())
	}
	for _, topic := range metadata.Topics.Sorted() {
		if topic.Err != nil {
			return fmt.Errorf("topic %s: %w", topic.Topic, topic.Err)
		}
		if o.list {
			fmt.Fprintln(out, topic.Topic)
			continue
		}
		fmt.Fprintf(out, "Topic: %s\tTopicId: %s\tPartitionCount: %d\tReplicationFactor: %d\n",
			topic.Topic, base64.RawURLEncoding.EncodeToString(topic.ID[:]), len(topic.Partitions), topic.Partitions.NumReplicas())
		for _, p := range topic.Partitions.Sorted() {
			fmt.Fprintf(out, "\tTopic: %s\tPartition: %d\tLeader: %d\tReplicas: %s\tIsr: %s\n",
				topic.Topic, p.Partition, p.Leader, joined(p.Replicas), joined(p.ISR))
		}
	}
	return nil
}

func joined(nodes []int32) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(nodes), " ", ","), "[]")
}

func withMessage(err error, message string) error {
	if err == nil || message == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, message)
}
