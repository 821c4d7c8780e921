package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"
)

// produceTimeout is how long the broker may wait for replicas.
const produceTimeout = 30 * time.Second

// place is a partition and who leads it.
type place struct {
	topic     string
	topicID   kadm.TopicID
	partition int32
	leader    int32
}

func (r *run) places(ctx context.Context, client *kgo.Client) ([]place, error) {
	metadata, err := kadm.NewClient(client).Metadata(ctx, r.topics...)
	if err != nil {
		return nil, err
	}
	var places []place
	for _, topic := range r.topics {
		details := metadata.Topics[topic]
		for _, each := range details.Partitions.Sorted() {
			places = append(places, place{topic, details.ID, each.Partition, each.Leader})
		}
	}
	return places, nil
}

// produceBatches sends the same batch again and again, to one partition after the other.
func (r *run) produceBatches(ctx context.Context) error {
	batch, records, err := makeBatch(r.payload, int(r.BatchBytes))
	if err != nil {
		return err
	}
	r.batchCRC = batchCRC(batch)
	valueBytes := int64(records) * int64(r.RecordBytes)
	var turn, sent atomic.Int64
	began := time.Now()
	senders, ctx := errgroup.WithContext(ctx)
	for range r.Producers {
		client, err := r.client()
		if err != nil {
			return err
		}
		defer client.Close()
		places, err := r.places(ctx, client)
		if err != nil {
			return err
		}
		for range r.InFlight {
			senders.Go(func() error {
				for ctx.Err() == nil {
					if r.Records > 0 && sent.Add(int64(records)) > r.Records+int64(records)-1 || r.Seconds > 0 && time.Since(began) >= duration(r.Seconds) {
						return nil
					}
					begin := time.Now()
					if err := r.send(ctx, client, places[int(turn.Add(1))%len(places)], batch); err != nil {
						return err
					}
					now := time.Now()
					r.produced.add(int64(records), valueBytes, now)
					r.produced.observed(now.Sub(begin))
				}
				return ctx.Err()
			})
		}
	}
	return senders.Wait()
}

// send has one batch appended.
func (r *run) send(ctx context.Context, client *kgo.Client, to place, batch []byte) error {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = acks(r.Acks), int32(produceTimeout.Milliseconds())
	topic, partition := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	topic.Topic, topic.TopicID = to.topic, to.topicID
	partition.Partition, partition.Records = to.partition, batch
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	answer, err := client.Broker(int(to.leader)).Request(ctx, req)
	if err != nil {
		return err
	}
	for _, topic := range answer.(*kmsg.ProduceResponse).Topics {
		for _, each := range topic.Partitions {
			if err := kerr.ErrorForCode(each.ErrorCode); err != nil {
				return fmt.Errorf("%s-%d: %w", to.topic, to.partition, err)
			}
		}
	}
	return nil
}

func acks(name string) int16 {
	if name == "1" {
		return 1
	}
	return -1
}

// consumeBatches fetches all partitions, each by one request after the other; the consumers share them. It looks into the
// batches' headers only, and holds the bytes of one answer in some against what was written, by their CRC.
func (r *run) consumeBatches(ctx context.Context) error {
	readers, ctx := errgroup.WithContext(ctx)
	for number := range r.Consumers {
		client, err := r.client()
		if err != nil {
			return err
		}
		defer client.Close()
		places, err := r.places(ctx, client)
		if err != nil {
			return err
		}
		ends, err := kadm.NewClient(client).ListEndOffsets(ctx, r.topics...)
		if err != nil {
			return err
		}
		for i, from := range places {
			end, ok := ends.Lookup(from.topic, from.partition)
			if !ok || end.Err != nil {
				return fmt.Errorf("%s-%d: no end offset: %w", from.topic, from.partition, end.Err)
			}
			if i%r.Consumers == number {
				readers.Go(func() error { return r.fetchAll(ctx, client, from, end.Offset) })
			}
		}
	}
	if err := readers.Wait(); err != nil {
		return err
	}
	produced, _ := r.produced.counts()
	if consumed, _ := r.consumed.counts(); consumed != produced {
		return fmt.Errorf("%d records were read, and %d written", consumed, produced)
	}
	return nil
}

// fetchWaitMs is how long the broker may hold a fetch that finds nothing.
const fetchWaitMs = 500

// fetchAll reads a partition up to end.
func (r *run) fetchAll(ctx context.Context, client *kgo.Client, from place, end int64) error {
	for offset, number := int64(0), 0; offset < end; number++ {
		req := kmsg.NewPtrFetchRequest()
		req.MaxWaitMillis, req.MinBytes, req.MaxBytes = fetchWaitMs, 1, r.MaxFetchBytes
		topic, partition := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
		topic.Topic, topic.TopicID = from.topic, from.topicID
		partition.Partition, partition.FetchOffset, partition.PartitionMaxBytes = from.partition, offset, r.MaxFetchBytes
		topic.Partitions = append(topic.Partitions, partition)
		req.Topics = append(req.Topics, topic)
		answer, err := client.Broker(int(from.leader)).Request(ctx, req)
		if err != nil {
			return err
		}
		got := answer.(*kmsg.FetchResponse)
		if len(got.Topics) != 1 || len(got.Topics[0].Partitions) != 1 {
			return fmt.Errorf("%s-%d at %d: answer without the partition (%w)", from.topic, from.partition, offset, kerr.ErrorForCode(got.ErrorCode))
		}
		one := &got.Topics[0].Partitions[0]
		if err := kerr.ErrorForCode(one.ErrorCode); err != nil {
			return fmt.Errorf("%s-%d at %d: %w", from.topic, from.partition, offset, err)
		}
		records, next, err := countRecords(one.RecordBatches, offset, r.batchCRC, number%checkEvery == 0)
		if err != nil || next == offset {
			return fmt.Errorf("%s-%d at %d: %d bytes with no batch: %w", from.topic, from.partition, offset, len(one.RecordBatches), err)
		}
		offset = next
		r.consumed.add(records, records*int64(r.RecordBytes), time.Now())
	}
	return nil
}
