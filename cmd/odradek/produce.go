package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
)

// produceOptions are the flags of `odradek produce`, named as those of kafka-console-producer.
type produceOptions struct {
	topic, codec, acks, separator string
	partition                     int32
}

// lineBytesMax bounds a line of input: the default of message.max.bytes leaves no room for a longer record anyway.
const lineBytesMax = 64 << 20

func produceCommand() *cobra.Command {
	var o produceOptions
	command := &cobra.Command{
		Use:     "produce",
		Short:   "Write the lines of standard input to a topic, a record a line",
		Example: "  odradek produce --bootstrap-server 127.0.0.1:9092 --topic T <access.log",
		Args:    cobra.NoArgs,
	}
	seeds := bootstrapFlag(command)
	flags := command.Flags()
	flags.StringVar(&o.topic, "topic", "", "the topic's name")
	flags.StringVar(&o.codec, "compression-codec", "none", "none, gzip, snappy, lz4 or zstd")
	flags.StringVar(&o.acks, "acks", "all", "all, 1 or 0")
	flags.StringVar(&o.separator, "key-separator", "", "splits a line into key and value; without it a record has no key")
	flags.Int32Var(&o.partition, "partition", -1, "write to this partition only; -1: by key, or in turns")
	if err := command.MarkFlagRequired("topic"); err != nil {
		panic(err)
	}
	command.RunE = func(command *cobra.Command, _ []string) error {
		options, err := o.clientOptions()
		if err != nil {
			return err
		}
		client, err := connect(command, *seeds, options...)
		if err != nil {
			return err
		}
		defer client.Close()
		if err := requireTopic(command.Context(), client, o.topic, o.partition); err != nil {
			return err
		}
		return o.pump(command, client, command.InOrStdin())
	}
	return command
}

func (o produceOptions) clientOptions() ([]kgo.Opt, error) {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	codec, ok := codecs[o.codec]
	if !ok {
		return nil, fmt.Errorf("--compression-codec %q: none, gzip, snappy, lz4 or zstd is allowed", o.codec)
	}
	options := []kgo.Opt{kgo.ProducerBatchCompression(codec), kgo.DefaultProduceTopic(o.topic)}
	switch o.acks {
	case "all", "-1":
	case "1":
		options = append(options, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	case "0":
		options = append(options, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	default:
		return nil, fmt.Errorf("--acks %q: all, 1 or 0 is allowed", o.acks)
	}
	if o.partition >= 0 {
		options = append(options, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	}
	return options, nil
}

// pump sends every line and waits for the last acknowledgement; the first failure stops it.
func (o produceOptions) pump(command *cobra.Command, client *kgo.Client, input io.Reader) error {
	ctx := command.Context()
	var once sync.Once
	var failure error
	failed := make(chan struct{})
	fail := func(err error) { once.Do(func() { failure = err; close(failed) }) }
	lines := bufio.NewScanner(input)
	lines.Buffer(make([]byte, 1<<20), lineBytesMax)
	count := 0
read:
	for lines.Scan() {
		record := &kgo.Record{Value: bytes.Clone(lines.Bytes()), Partition: max(o.partition, 0)}
		if o.separator != "" {
			key, value, ok := bytes.Cut(record.Value, []byte(o.separator))
			if !ok {
				return fmt.Errorf("line %d has no key separator %q", count+1, o.separator)
			}
			record.Key, record.Value = key, value
		}
		client.Produce(ctx, record, func(_ *kgo.Record, err error) {
			if err != nil {
				fail(err)
			}
		})
		count++
		select {
		case <-failed:
			break read
		default:
		}
	}
	if err := client.Flush(ctx); err != nil {
		fail(err)
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		fail(fmt.Errorf("line %d is longer than %d bytes", count+1, lineBytesMax))
	} else if lines.Err() != nil {
		fail(lines.Err())
	}
	return failure
}
