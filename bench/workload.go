package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Workload is how much is written and read, and how. Producers are idempotent and wait for all in-sync replicas.
type Workload struct {
	BootstrapServers  []string
	Records           int
	RecordBytes       int
	Partitions        int32
	ReplicationFactor int16
	PIDs              []int // the broker's processes, when they run on this machine
}

// bufferedRecordsMax is how many records the producer holds before it waits: enough that it never waits for a single batch.
const bufferedRecordsMax = 50_000

// readPatience is how long a consumer waits for the next record before it gives up.
const readPatience = 30 * time.Second

// Result is what a workload took. Latencies are from handing a record to the client library to its acknowledgement: while the
// producer goes as fast as it can, that is mostly the time in its own buffer.
type Result struct {
	Bytes            int64
	Records          int
	Produce, Consume time.Duration
	LatencyUs        *hdrhistogram.Histogram
	// CPU is what the broker's processes used in both parts, RSSBytes what they held at the end, together; 0 without PIDs.
	CPU      time.Duration
	RSSBytes int64
}

const mib = 1 << 20

// Line is the result for scripts.
func (r Result) Line() string {
	line := fmt.Sprintf("produced_per_s=%.0f produced_mib_per_s=%.1f consumed_mib_per_s=%.1f p50_ms=%.1f p99_ms=%.1f p999_ms=%.1f",
		float64(r.Records)/r.Produce.Seconds(), float64(r.Bytes)/mib/r.Produce.Seconds(), float64(r.Bytes)/mib/r.Consume.Seconds(),
		r.latencyMs(50), r.latencyMs(99), r.latencyMs(99.9))
	if r.RSSBytes > 0 {
		line += fmt.Sprintf(" broker_cpu_s_per_gib=%.2f broker_rss_mib=%.0f", r.CPU.Seconds()*1024*mib/float64(r.Bytes), float64(r.RSSBytes)/mib)
	}
	return line
}

func (r Result) latencyMs(quantile float64) float64 {
	return float64(r.LatencyUs.ValueAtQuantile(quantile)) / 1000
}

// Run makes a topic, writes all records to it, reads them all back and deletes it.
func (w Workload) Run(ctx context.Context) (Result, error) {
	topic := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	result := Result{
		Bytes: int64(w.Records) * int64(w.RecordBytes), Records: w.Records,
		LatencyUs: hdrhistogram.New(1, time.Hour.Microseconds(), 3),
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(w.BootstrapServers...), kgo.ClientID("odradek-bench"), kgo.DefaultProduceTopic(topic),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(bufferedRecordsMax), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		return result, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(ctx, w.Partitions, w.ReplicationFactor, nil, topic); err != nil {
		return result, fmt.Errorf("topic %s: %w", topic, err)
	}
	defer admin.DeleteTopic(context.WithoutCancel(ctx), topic) // what was measured stands without it
	before, err := usage(w.PIDs)
	if err != nil {
		return result, err
	}
	if result.Produce, err = w.produce(ctx, client, result.LatencyUs); err != nil {
		return result, fmt.Errorf("produce: %w", err)
	}
	if result.Consume, err = w.consume(ctx, topic); err != nil {
		return result, fmt.Errorf("consume: %w", err)
	}
	after, err := usage(w.PIDs)
	result.CPU, result.RSSBytes = after.cpu-before.cpu, after.rssBytes
	return result, err
}

// produce writes until the last record is acknowledged.
func (w Workload) produce(ctx context.Context, client *kgo.Client, latencyUs *hdrhistogram.Histogram) (time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	value := payload(w.RecordBytes)
	var mu sync.Mutex
	began := time.Now()
	for range w.Records {
		sent := time.Now()
		client.Produce(ctx, &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				cancel(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			_ = latencyUs.RecordValue(time.Since(sent).Microseconds()) // fails above an hour
		})
	}
	err := client.Flush(ctx)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return time.Since(began), err
}

// consume reads all that was written, from a client of its own.
func (w Workload) consume(ctx context.Context, topic string) (time.Duration, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(w.BootstrapServers...), kgo.ClientID("odradek-bench"),
		kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	began := time.Now()
	for read := 0; read < w.Records; {
		patience, cancel := context.WithTimeout(ctx, readPatience)
		fetches := client.PollFetches(patience)
		cancel()
		if err := fetches.Err(); err != nil {
			return 0, fmt.Errorf("after %d of %d records: %w", read, w.Records, err)
		}
		for records := fetches.RecordIter(); !records.Done(); read++ {
			if record := records.Next(); len(record.Value) != w.RecordBytes {
				return 0, fmt.Errorf("a record of %d bytes, %d were written", len(record.Value), w.RecordBytes)
			}
		}
	}
	return time.Since(began), nil
}

// payload is bytes that no codec makes smaller, the same in every run.
func payload(n int) []byte {
	random := rand.NewChaCha8([32]byte{1})
	value := make([]byte, n)
	_, _ = random.Read(value) // never fails
	return value
}
