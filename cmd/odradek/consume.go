package main

import (
	"bufio"
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
)

// consumeOptions are the flags of `odradek consume`, named as those of kafka-console-consumer.
type consumeOptions struct {
	topic         string
	fromBeginning bool
	partition     int32
	maxMessages   int
	timeoutMs     int
	printKey      bool
	separator     string
}

func consumeCommand() *cobra.Command {
	var o consumeOptions
	command := &cobra.Command{
		Use:     "consume",
		Short:   "Print the records of a topic, a line each",
		Example: "  odradek consume --bootstrap-server 127.0.0.1:9092 --topic T --from-beginning --timeout-ms 3000",
		Args:    cobra.NoArgs,
	}
	seeds := bootstrapFlag(command)
	flags := command.Flags()
	flags.StringVar(&o.topic, "topic", "", "the topic's name")
	flags.BoolVar(&o.fromBeginning, "from-beginning", false, "start at the earliest record instead of the end")
	flags.Int32Var(&o.partition, "partition", -1, "read this partition only")
	flags.IntVar(&o.maxMessages, "max-messages", 0, "stop after so many records; 0: never")
	flags.IntVar(&o.timeoutMs, "timeout-ms", 0, "stop when no record came for so long; 0: never")
	flags.BoolVar(&o.printKey, "print-key", false, "print the key before the value")
	flags.StringVar(&o.separator, "key-separator", "\t", "what stands between key and value")
	if err := command.MarkFlagRequired("topic"); err != nil {
		panic(err)
	}
	command.RunE = func(command *cobra.Command, _ []string) error {
		start := kgo.NewOffset().AtEnd()
		if o.fromBeginning {
			start = kgo.NewOffset().AtStart()
		}
		options := []kgo.Opt{kgo.ConsumeTopics(o.topic), kgo.ConsumeResetOffset(start)}
		if o.partition >= 0 {
			options = []kgo.Opt{kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{o.topic: {o.partition: start}})}
		}
		client, err := connect(command, *seeds, options...)
		if err != nil {
			return err
		}
		defer client.Close()
		if err := requireTopic(command.Context(), client, o.topic, o.partition); err != nil {
			return err
		}
		return o.print(command, client)
	}
	return command
}

// print writes records until a limit of the flags is reached or the command is interrupted.
func (o consumeOptions) print(command *cobra.Command, client *kgo.Client) error {
	out := bufio.NewWriterSize(command.OutOrStdout(), 1<<20)
	defer out.Flush()
	for printed := 0; ; {
		ctx, cancel := o.patience(command.Context())
		fetches := client.PollFetches(ctx)
		cancel()
		if err := fetches.Err(); err != nil {
			if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		}
		for records := fetches.RecordIter(); !records.Done(); {
			record := records.Next()
			if o.printKey {
				out.Write(record.Key)
				out.WriteString(o.separator)
			}
			out.Write(record.Value)
			if err := out.WriteByte('\n'); err != nil {
				return err
			}
			if printed++; printed == o.maxMessages {
				return nil
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

func (o consumeOptions) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	if o.timeoutMs <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(o.timeoutMs)*time.Millisecond)
}
