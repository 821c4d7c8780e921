package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
)

// bootstrapFlag adds the flag that every client command has, under the name that Kafka's tools give it.
func bootstrapFlag(command *cobra.Command) *[]string {
	return command.Flags().StringSlice("bootstrap-server", []string{"127.0.0.1:9092"}, "brokers to start from, as HOST:PORT,…")
}

// connect makes a client; it fails at once when no broker answers.
func connect(command *cobra.Command, seeds []string, options ...kgo.Opt) (*kgo.Client, error) {
	options = append(options, kgo.SeedBrokers(seeds...), kgo.ClientID("odradek-cli"))
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
