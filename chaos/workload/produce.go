package workload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"odradek/chaos"
	"odradek/linearizability/history"
)

// tickMin bounds how often a producer wakes: faster rates send several records a time.
const tickMin = 20 * time.Millisecond

// Produce sends records at the plan's rate until ctx ends, then waits for what is under way. seed decides keys.
func Produce(ctx context.Context, p *Process, plan chaos.Producer, seed uint64) error {
	options, err := producerOptions(plan)
	if err != nil {
		return err
	}
	client, err := p.client(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	producer := &producer{process: p, plan: plan, client: client, random: rand.New(rand.NewPCG(seed, 0))}
	every := max(tickMin, time.Duration(float64(time.Second)/plan.RecordsPerSecond))
	perTick := plan.RecordsPerSecond * every.Seconds()
	for due := perTick; pause(ctx, every); due += perTick {
		for ; due >= 1; due-- {
			producer.send()
		}
	}
	flush, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	// What is not through by then stays without an end in the history, which is what it is: unknown.
	if err := client.Flush(flush); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func producerOptions(plan chaos.Producer) ([]kgo.Opt, error) {
	codec, err := compression(plan.Compression)
	if err != nil {
		return nil, err
	}
	options := []kgo.Opt{
		kgo.ProducerLinger(plan.Linger.D()),
		kgo.ProducerBatchMaxBytes(int32(max(plan.BatchBytes, plan.ValueBytes+batchOverhead))),
		kgo.ProducerBatchCompression(codec),
		kgo.RecordPartitioner(kgo.UniformBytesPartitioner(stickyBytes, false, true, nil)),
		kgo.RecordDeliveryTimeout(deliveryTimeout),
		kgo.MaxBufferedRecords(2 * recordsBufferedMax),
	}
	switch plan.Acks {
	case "all":
		options = append(options, kgo.RequiredAcks(kgo.AllISRAcks()))
	case "1":
		options = append(options, kgo.RequiredAcks(kgo.LeaderAck()))
	case "0":
		options = append(options, kgo.RequiredAcks(kgo.NoAck()))
	default:
		return nil, fmt.Errorf("acks %q: 0, 1 or all is allowed", plan.Acks)
	}
	if !plan.Idempotent {
		options = append(options, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(plan.MaxInFlight))
	}
	return options, nil
}

// stickyBytes is how much goes to one partition before a producer without keys turns to another. The library's 64 KiB would
// leave most partitions of a short run without a record.
const stickyBytes = 2 << 10

// batchOverhead is more than a batch's header and a record's own fields take: a batch must hold at least one record.
const batchOverhead = 256

func compression(name string) (kgo.CompressionCodec, error) {
	switch name {
	case "", "none":
		return kgo.NoCompression(), nil
	case "gzip":
		return kgo.GzipCompression(), nil
	case "snappy":
		return kgo.SnappyCompression(), nil
	case "lz4":
		return kgo.Lz4Compression(), nil
	case "zstd":
		return kgo.ZstdCompression(), nil
	}
	return kgo.CompressionCodec{}, fmt.Errorf("compression %q: none, gzip, snappy, lz4 or zstd is allowed", name)
}

type producer struct {
	process *Process
	plan    chaos.Producer
	client  *kgo.Client
	random  *rand.Rand
	sent    int
}

// send begins one send, unless too many are under way: an open loop against a cluster that is cut off would only
// measure the client's memory.
func (p *producer) send() {
	if p.client.BufferedProduceRecords() >= recordsBufferedMax {
		return
	}
	topic := p.plan.Topics[p.sent%len(p.plan.Topics)]
	value := p.process.Name + "-" + strconv.Itoa(p.sent)
	p.sent++
	record := &kgo.Record{Topic: topic, Value: padded(value, p.plan.ValueBytes)}
	event := history.Event{Op: history.Send, Topic: topic, Partition: -1, Value: value, Acks: acks(p.plan.Acks), Idempotent: p.plan.Idempotent}
	if p.plan.Keys > 0 {
		event.Key = "k" + strconv.Itoa(p.random.IntN(p.plan.Keys))
		record.Key = []byte(event.Key)
	}
	if p.plan.Tombstones > 0 && p.random.Float64() < p.plan.Tombstones {
		event.Tombstone = true
		record.Value, record.Headers = nil, []kgo.RecordHeader{{Key: tombstoneHeader, Value: []byte(value)}}
	}
	id := p.process.invoke(event)
	p.client.Produce(context.Background(), record, func(r *kgo.Record, err error) {
		switch {
		case err == nil && event.Acks == history.AcksNone:
			p.process.end(id, history.Send, history.OK, history.Event{Partition: r.Partition, Offset: -1})
		case err == nil:
			p.process.end(id, history.Send, history.OK, history.Event{Partition: r.Partition, Offset: r.Offset})
		case neverSent(err):
			p.process.end(id, history.Send, history.Fail, history.Event{Error: err.Error()})
		default:
			p.process.end(id, history.Send, history.Info, history.Event{Error: err.Error()})
		}
	})
}

// neverSent says that no broker can have the record. Any other error may hide an attempt whose answer was lost.
func neverSent(err error) bool {
	return errors.Is(err, kgo.ErrMaxBuffered) || errors.Is(err, kerr.MessageTooLarge)
}

func acks(name string) history.Acks {
	switch name {
	case "0":
		return history.AcksNone
	case "1":
		return history.AcksOne
	}
	return history.AcksAll
}

// padded is value, a space, and filling up to size bytes.
func padded(value string, size int) []byte {
	if len(value) >= size {
		return []byte(value)
	}
	out := bytes.Repeat([]byte{'.'}, size)
	copy(out, value)
	out[len(value)] = ' '
	return out
}

// tombstoneHeader is the header by which a record without a value is known.
const tombstoneHeader = "value"

// identity is what is unique in a record: of its value, or of a tombstone's header.
func identity(record *kgo.Record) string {
	value := record.Value
	for _, h := range record.Headers {
		if value == nil && h.Key == tombstoneHeader {
			value = h.Value
		}
	}
	unique, _, _ := bytes.Cut(value, []byte{' '})
	return string(unique)
}
