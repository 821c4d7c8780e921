package bench

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"
)

// produceTimeout is how long the broker may wait for replicas.
const produceTimeout = 30 * time.Second

// place is a partition, and what is to be known of it by who fetches it.
type place struct {
	topic     string
	topicID   kadm.TopicID
	partition int32
	next, end int64 // offsets of what is still to be read
}

// places are the partitions, by the address of who leads them.
func (r *run) places(ctx context.Context) (map[string][]*place, error) {
	client, err := r.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	metadata, err := admin.Metadata(ctx, r.topics...)
	if err != nil {
		return nil, err
	}
	ends, err := admin.ListEndOffsets(ctx, r.topics...)
	if err != nil {
		return nil, err
	}
	addresses := make(map[int32]string)
	for _, each := range metadata.Brokers {
		addresses[each.NodeID] = net.JoinHostPort(each.Host, strconv.Itoa(int(each.Port)))
	}
	places := make(map[string][]*place)
	for _, topic := range r.topics {
		details := metadata.Topics[topic]
		for _, each := range details.Partitions.Sorted() {
			end, ok := ends.Lookup(topic, each.Partition)
			address := addresses[each.Leader]
			if !ok || end.Err != nil || address == "" {
				return nil, fmt.Errorf("%s-%d: no leader or no end offset: %w", topic, each.Partition, end.Err)
			}
			places[address] = append(places[address], &place{topic: topic, topicID: details.ID, partition: each.Partition, end: end.Offset})
		}
	}
	return places, nil
}

// produceBatches sends the same batch again and again, to one partition after the other, each producer to every broker by a
// connection of its own.
func (r *run) produceBatches(ctx context.Context) error {
	batch, records, err := makeBatch(r.payload, int(r.BatchBytes))
	if err != nil {
		return err
	}
	r.batchCRC = batchCRC(batch)
	places, err := r.places(ctx)
	if err != nil {
		return err
	}
	var sent atomic.Int64
	senders, ctx := errgroup.WithContext(ctx)
	for range r.Producers {
		for address, led := range places {
			senders.Go(func() error {
				s := sender{run: r, batch: batch, records: int64(records), sent: &sent}
				return s.produce(ctx, address, led)
			})
		}
	}
	return senders.Wait()
}

// sender is a producer's connection to one broker.
type sender struct {
	*run
	link     *link
	batch    []byte
	records  int64         // of the batch
	sent     *atomic.Int64 // records, by all
	requests []request     // one for each partition that the broker leads
	turn     int           // of the next to send
	begun    []time.Time   // of the requests under way, in their order
	ended    bool
}

// request is a produce request around the batch.
type request struct{ head, tail []byte }

// produce sends as long as there is something to send, with InFlight requests under way, and waits for all answers.
func (s *sender) produce(ctx context.Context, address string, to []*place) (err error) {
	if s.link, err = s.openLink(ctx, address); err != nil {
		return err
	}
	defer s.link.close()
	for _, each := range to {
		s.requests = append(s.requests, s.around(each))
	}
	for {
		if err := s.fill(); err != nil {
			return err
		}
		if len(s.begun) == 0 {
			return nil
		}
		for once := true; once || len(s.begun) > 0 && s.link.waiting(); once = false {
			if err := s.acknowledged(); err != nil {
				return err
			}
		}
	}
}

// around is what is sent before the batch and behind it.
func (s *sender) around(to *place) request {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = acks(s.Acks), int32(produceTimeout.Milliseconds())
	topic, partition := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	topic.Topic, topic.TopicID = to.topic, to.topicID
	partition.Partition, partition.Records = to.partition, s.batch
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	whole := s.link.request(req)
	at := bytes.LastIndex(whole, s.batch)
	return request{whole[:at:at], whole[at+len(s.batch):]}
}

// fill sends until enough are under way.
func (s *sender) fill() error {
	for len(s.begun) < s.InFlight && !s.ended {
		if s.Records > 0 && s.sent.Add(s.records) > s.Records+s.records-1 || s.Seconds > 0 && time.Since(s.started) >= duration(s.Seconds) {
			s.ended = true
			return nil
		}
		next := s.requests[s.turn%len(s.requests)]
		s.turn++
		s.begun = append(s.begun, time.Now())
		if err := s.link.send(net.Buffers{next.head, s.batch, next.tail}); err != nil {
			return err
		}
	}
	return nil
}

// acknowledged takes the answer to the oldest request.
func (s *sender) acknowledged() error {
	answer := kmsg.NewPtrProduceResponse()
	if err := s.link.take(answer, 0); err != nil {
		return err
	}
	for _, topic := range answer.Topics {
		for _, each := range topic.Partitions {
			if err := kerr.ErrorForCode(each.ErrorCode); err != nil {
				return fmt.Errorf("%s-%d: %w", topic.Topic, each.Partition, err)
			}
		}
	}
	now := time.Now()
	s.produced.add(s.records, s.records*int64(s.RecordBytes), now)
	s.produced.observed(now.Sub(s.begun[0]))
	s.begun = append(s.begun[:0], s.begun[1:]...)
	return nil
}

func acks(name string) int16 {
	if name == "1" {
		return 1
	}
	return -1
}

// consumeBatches fetches all partitions, each by one request after the other; the consumers share them, each with a connection of
// its own to every broker. It looks into the batches' headers only, and holds the bytes of one answer in some against what was
// written, by their CRC.
func (r *run) consumeBatches(ctx context.Context) error {
	places, err := r.places(ctx)
	if err != nil {
		return err
	}
	readers, ctx := errgroup.WithContext(ctx)
	for address, led := range places {
		for number := range r.Consumers {
			var share []*place
			for i := number; i < len(led); i += r.Consumers {
				share = append(share, led[i])
			}
			if len(share) > 0 {
				readers.Go(func() error { return r.fetchAll(ctx, address, share) })
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

// fetchAll reads partitions of one broker up to their ends, with a request of each under way.
func (r *run) fetchAll(ctx context.Context, address string, from []*place) error {
	l, err := r.openLink(ctx, address)
	if err != nil {
		return err
	}
	defer l.close()
	var asked []*place // in the order of their requests
	ask := func(p *place) error {
		if p.next >= p.end {
			return nil
		}
		asked = append(asked, p)
		return l.send(net.Buffers{l.request(r.fetchOf(p))})
	}
	for _, each := range from {
		if err := ask(each); err != nil {
			return err
		}
	}
	for number := 0; len(asked) > 0; number++ {
		p := asked[0]
		asked = append(asked[:0], asked[1:]...)
		answer := kmsg.NewPtrFetchResponse()
		if err := l.take(answer, r.MaxFetchBytes); err != nil {
			return err
		}
		if err := r.fetched(p, answer, number%checkEvery == 0); err != nil {
			return fmt.Errorf("%s-%d at %d: %w", p.topic, p.partition, p.next, err)
		}
		if err := ask(p); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) fetchOf(p *place) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = fetchWaitMs, 1, r.MaxFetchBytes
	topic, partition := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	topic.Topic, topic.TopicID = p.topic, p.topicID
	partition.Partition, partition.FetchOffset, partition.PartitionMaxBytes = p.partition, p.next, r.MaxFetchBytes
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	return req
}

// fetched counts what a partition's answer holds.
func (r *run) fetched(p *place, answer *kmsg.FetchResponse, check bool) error {
	if len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 {
		return fmt.Errorf("answer without the partition (%w)", kerr.ErrorForCode(answer.ErrorCode))
	}
	one := &answer.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(one.ErrorCode); err != nil {
		return err
	}
	records, next, err := countRecords(one.RecordBatches, p.next, r.batchCRC, check)
	if err != nil {
		return err
	}
	if next == p.next {
		return fmt.Errorf("%d bytes with no batch", len(one.RecordBatches))
	}
	p.next = next
	r.consumed.add(records, records*int64(r.RecordBytes), time.Now())
	return nil
}
