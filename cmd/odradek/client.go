package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// bootstrapFlag adds the flag that every client command has, under the name that Kafka's tools give it.
func bootstrapFlag(command *cobra.Command) *[]string {
	return command.Flags().StringSlice("bootstrap-server", []string{"127.0.0.1:9092"}, "brokers to start from, as HOST:PORT,…")
}

// metadataAgeMin lets a client ask again soon; franz-go's five seconds would be felt after every first question.
const metadataAgeMin = 100 * time.Millisecond

// connect makes a client; it fails at once when no broker answers.
func connect(command *cobra.Command, seeds []string, options ...kgo.Opt) (*kgo.Client, error) {
	options = append(options, kgo.SeedBrokers(seeds...), kgo.ClientID("odradek-cli"), kgo.MetadataMinAge(metadataAgeMin))
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, err
	}
	if err := client.Ping(command.Context()); err != nil {
		client.Close()
		return nil, fmt.Errorf("no broker answers at %v: %w (is one running? start one with: odradek serve --data DIR)", seeds, err)
	}
	return client, nil
}

// requireTopic fails when a topic, or, unless it is -1, a partition of it, is not there. A client waits for them to appear, which
// at a terminal looks like an empty topic.
func requireTopic(ctx context.Context, client *kgo.Client, name string, partition int32) error {
	metadata, err := kadm.NewClient(client).Metadata(ctx, name)
	if err != nil {
		return err
	}
	topic := metadata.Topics[name]
	switch {
	case errors.Is(topic.Err, kerr.UnknownTopicOrPartition):
		return fmt.Errorf("there is no topic %s (create it with: odradek topic --create --topic %s)", name, name)
	case topic.Err != nil:
		return fmt.Errorf("topic %s: %w", name, topic.Err)
	case int(partition) >= len(topic.Partitions):
		return fmt.Errorf("--partition %d: topic %s has partitions 0 to %d", partition, name, len(topic.Partitions)-1)
	}
	return nil
}
