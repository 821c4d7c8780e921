package main

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

func tryKafkaGo(servers []string) {
	k := &kafkaGo{servers, &kafka.Client{Addr: kafka.TCP(servers...), Timeout: patience}}
	check("writer, every codec, keys and headers", k.codecs)
	check("reader group goes on where it was committed", k.group)
	check("admin: topics, configs, offsets", k.administration)
}

type kafkaGo struct {
	servers []string
	client  *kafka.Client
}

func (k *kafkaGo) topic(ctx context.Context, name string, partitions int) (string, error) {
	name = fresh(name)
	resp, err := k.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: name, NumPartitions: partitions, ReplicationFactor: 3}},
	})
	if err == nil {
		err = resp.Errors[name]
	}
	return name, err
}

func (k *kafkaGo) write(ctx context.Context, topic string, values []string, codec kafka.Compression) error {
	w := &kafka.Writer{Addr: kafka.TCP(k.servers...), Topic: topic, RequiredAcks: kafka.RequireAll, Compression: codec, BatchTimeout: 5 * time.Millisecond}
	defer w.Close()
	var messages []kafka.Message
	for i, value := range values {
		n := fmt.Append(nil, i)
		messages = append(messages, kafka.Message{Key: n, Value: []byte(value), Headers: []kafka.Header{{Key: "n", Value: n}}})
	}
	return w.WriteMessages(ctx, messages...)
}

func (k *kafkaGo) read(ctx context.Context, topic, group string, count int) (values []string, err error) {
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: k.servers, Topic: topic, GroupID: group, StartOffset: kafka.FirstOffset, HeartbeatInterval: 500 * time.Millisecond,
		MaxWait: 500 * time.Millisecond,
	})
	defer r.Close()
	for len(values) < count {
		m, err := r.FetchMessage(ctx)
		if err != nil {
			return values, fmt.Errorf("after %d messages: %w", len(values), err)
		}
		if len(m.Headers) != 1 || string(m.Headers[0].Value) != string(m.Key) {
			return values, fmt.Errorf("headers %v of key %s", m.Headers, m.Key)
		}
		values = append(values, string(m.Value))
		if err := r.CommitMessages(ctx, m); err != nil {
			return values, err
		}
	}
	return values, nil
}

func (k *kafkaGo) codecs(ctx context.Context) error {
	for _, codec := range []kafka.Compression{0, kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd} {
		topic, err := k.topic(ctx, "kafkago-codec", 3)
		if err != nil {
			return err
		}
		if err := k.write(ctx, topic, values(200), codec); err != nil {
			return fmt.Errorf("%s: %w", codec, err)
		}
		got, err := k.read(ctx, topic, fresh("g"), 200)
		if err == nil {
			err = same(got, values(200))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", codec, err)
		}
	}
	return nil
}

func (k *kafkaGo) group(ctx context.Context) error {
	topic, err := k.topic(ctx, "kafkago-group", 3)
	if err != nil {
		return err
	}
	group := fresh("g")
	for _, sent := range [][]string{values(100), {"new"}} {
		if err := k.write(ctx, topic, sent, 0); err != nil {
			return err
		}
		got, err := k.read(ctx, topic, group, len(sent))
		if err != nil {
			return err
		}
		if err := same(got, sent); err != nil {
			return err
		}
	}
	return nil
}

func (k *kafkaGo) administration(ctx context.Context) error {
	topic, err := k.topic(ctx, "kafkago-admin", 1)
	if err != nil {
		return err
	}
	if err := k.write(ctx, topic, values(20), 0); err != nil {
		return err
	}
	offsets, err := k.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		topic: {kafka.FirstOffsetOf(0), kafka.LastOffsetOf(0)},
	}})
	if err != nil {
		return err
	}
	if o := offsets.Topics[topic][0]; o.FirstOffset != 0 || o.LastOffset != 20 || o.Error != nil {
		return fmt.Errorf("offsets %+v", o)
	}
	configs, err := k.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{
		{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{"retention.ms"}},
	}})
	if err != nil || len(configs.Resources) != 1 || len(configs.Resources[0].ConfigEntries) != 1 {
		return fmt.Errorf("configs %+v: %w", configs, err)
	}
	deleted, err := k.client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{topic}})
	if err == nil {
		err = deleted.Errors[topic]
	}
	return err
}
