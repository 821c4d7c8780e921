package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

func saramaConfig() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.MaxVersion
	c.Producer.Return.Successes = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Idempotent = true
	c.Net.MaxOpenRequests = 1
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	c.Consumer.Offsets.AutoCommit.Interval = 100 * time.Millisecond
	c.Metadata.Retry.Max = 20
	return c
}

type saramaClient struct {
	servers []string
	admin   sarama.ClusterAdmin
}

func trySarama(servers []string) {
	admin, err := sarama.NewClusterAdmin(servers, saramaConfig())
	if err != nil {
		check("connects", func(context.Context) error { return err })
		return
	}
	defer admin.Close()
	s := &saramaClient{servers, admin}
	check("idempotent producer, every codec, keys and headers", s.codecs)
	check("consumer group: two members share, the rest goes on where it was committed", s.group)
	check("transactions: commit, abort, offsets, read_committed", s.transactions)
	check("admin: topics, partitions, configs, records, groups", s.administration)
}

func (s *saramaClient) topic(name string, partitions int32) (string, error) {
	name = fresh(name)
	return name, s.admin.CreateTopic(name, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 3}, false)
}

func (s *saramaClient) produce(topic string, values []string, config *sarama.Config) error {
	producer, err := sarama.NewSyncProducer(s.servers, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	var messages []*sarama.ProducerMessage
	for i, value := range values {
		n := fmt.Append(nil, i)
		messages = append(messages, &sarama.ProducerMessage{
			Topic: topic, Key: sarama.ByteEncoder(n), Value: sarama.StringEncoder(value),
			Headers: []sarama.RecordHeader{{Key: []byte("n"), Value: n}},
		})
	}
	return producer.SendMessages(messages)
}

func (s *saramaClient) codecs(ctx context.Context) error {
	for _, codec := range []sarama.CompressionCodec{sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy, sarama.CompressionLZ4, sarama.CompressionZSTD} {
		topic, err := s.topic("sarama-codec", 3)
		if err != nil {
			return err
		}
		config := saramaConfig()
		config.Producer.Compression = codec
		if err := s.produce(topic, values(1000), config); err != nil {
			return fmt.Errorf("%s: %w", codec, err)
		}
		m := s.join(ctx, topic, fresh("g"), saramaConfig())
		err = m.await(1000)
		m.leave()
		if err == nil {
			err = same(m.values, values(1000))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", codec, err)
		}
	}
	return nil
}

// saramaMember is a member of a group, and what it read.
type saramaMember struct {
	leave func()

	mu      sync.Mutex
	values  []string
	claimed int
	err     error
}

func (s *saramaClient) join(ctx context.Context, topic, group string, config *sarama.Config) *saramaMember {
	m := &saramaMember{}
	consumer, err := sarama.NewConsumerGroup(s.servers, group, config)
	if err != nil {
		m.err, m.leave = err, func() {}
		return m
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	m.leave = func() {
		cancel()
		<-done
		consumer.Close()
	}
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if err := consumer.Consume(ctx, []string{topic}, m); err != nil && !errors.Is(err, sarama.ErrClosedConsumerGroup) {
				m.mu.Lock()
				m.err = err
				m.mu.Unlock()
				return
			}
		}
	}()
	return m
}

func (m *saramaMember) Setup(s sarama.ConsumerGroupSession) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claimed = 0
	for _, partitions := range s.Claims() {
		m.claimed += len(partitions)
	}
	return nil
}

func (m *saramaMember) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *saramaMember) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			m.mu.Lock()
			m.values = append(m.values, string(message.Value))
			if len(message.Headers) != 0 && string(message.Headers[0].Value) != string(message.Key) {
				m.err = fmt.Errorf("headers %v of key %s", message.Headers, message.Key)
			}
			m.mu.Unlock()
			s.MarkMessage(message, "")
		case <-s.Context().Done():
			return nil
		}
	}
}

func (m *saramaMember) has(condition func() bool) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		m.mu.Lock()
		is, err := condition(), m.err
		m.mu.Unlock()
		if err != nil || is {
			return err
		}
	}
	return fmt.Errorf("not in time: %d values, %d partitions", len(m.values), m.claimed)
}

func (m *saramaMember) await(count int) error {
	return m.has(func() bool { return len(m.values) >= count })
}

func (s *saramaClient) group(ctx context.Context) error {
	topic, err := s.topic("sarama-group", 4)
	if err != nil {
		return err
	}
	group := fresh("g")
	first := s.join(ctx, topic, group, saramaConfig())
	second := s.join(ctx, topic, group, saramaConfig())
	for _, m := range []*saramaMember{first, second} {
		if err := m.has(func() bool { return m.claimed == 2 }); err != nil {
			return err
		}
	}
	if err := s.produce(topic, values(200), saramaConfig()); err != nil {
		return err
	}
	err = first.has(func() bool {
		second.mu.Lock()
		defer second.mu.Unlock()
		return len(first.values)+len(second.values) >= 200
	})
	first.leave()
	second.leave()
	if err == nil {
		err = same(append(first.values, second.values...), values(200))
	}
	if err != nil {
		return err
	}
	if err := s.produce(topic, []string{"new"}, saramaConfig()); err != nil {
		return err
	}
	third := s.join(ctx, topic, group, saramaConfig())
	err = third.await(1)
	third.leave()
	if err != nil {
		return err
	}
	return same(third.values, []string{"new"})
}

func (s *saramaClient) transactions(ctx context.Context) error {
	topic, err := s.topic("sarama-txn", 1)
	if err != nil {
		return err
	}
	config, group := saramaConfig(), fresh("g")
	config.Producer.Transaction.ID = fresh("t")
	producer, err := sarama.NewSyncProducer(s.servers, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	for _, commit := range []bool{true, false, true} {
		if err := producer.BeginTxn(); err != nil {
			return err
		}
		for _, value := range values(10) {
			if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(fmt.Sprint(commit, value))}); err != nil {
				return err
			}
		}
		if !commit {
			if err := producer.AbortTxn(); err != nil {
				return err
			}
			continue
		}
		offsets := map[string][]*sarama.PartitionOffsetMetadata{topic: {{Partition: 0, Offset: 7}}}
		if err := producer.AddOffsetsToTxn(offsets, group); err != nil {
			return err
		}
		if err := producer.CommitTxn(); err != nil {
			return err
		}
	}
	committed, err := s.admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: {0}})
	if err != nil {
		return err
	}
	if at := committed.GetBlock(topic, 0).Offset; at != 7 {
		return fmt.Errorf("the group's offset is %d", at)
	}
	reader := saramaConfig()
	reader.Consumer.IsolationLevel = sarama.ReadCommitted
	m := s.join(ctx, topic, fresh("g"), reader)
	err = m.await(20)
	m.leave()
	if err != nil {
		return err
	}
	var want []string
	for _, value := range append(values(10), values(10)...) {
		want = append(want, fmt.Sprint(true, value))
	}
	return same(m.values, want)
}

func (s *saramaClient) administration(ctx context.Context) error {
	topic, err := s.topic("sarama-admin", 2)
	if err != nil {
		return err
	}
	if err := s.admin.CreatePartitions(topic, 5, nil, false); err != nil {
		return err
	}
	described, err := s.admin.DescribeTopics([]string{topic})
	if err != nil || len(described[0].Partitions) != 5 {
		return fmt.Errorf("described %+v: %w", described, err)
	}
	value := "1234567"
	if err := s.admin.IncrementalAlterConfig(sarama.TopicResource, topic, map[string]sarama.IncrementalAlterConfigsEntry{
		"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value},
	}, false); err != nil {
		return err
	}
	resource := sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"retention.ms"}}
	err = eventually(func() error {
		entries, err := s.admin.DescribeConfig(resource)
		if err != nil || len(entries) != 1 || entries[0].Value != value {
			return fmt.Errorf("configs %+v: %w", entries, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.produce(topic, values(50), saramaConfig()); err != nil {
		return err
	}
	group := fresh("g")
	m := s.join(ctx, topic, group, saramaConfig())
	err = m.await(50)
	m.leave()
	if err != nil {
		return err
	}
	groups, err := s.admin.ListConsumerGroups()
	if _, listed := groups[group]; err != nil || !listed {
		return fmt.Errorf("the group is not among %d: %w", len(groups), err)
	}
	if err := s.admin.DeleteConsumerGroup(group); err != nil {
		return err
	}
	if err := s.admin.DeleteRecords(topic, map[int32]int64{0: -1}); err != nil {
		return err
	}
	return s.admin.DeleteTopic(topic)
}
