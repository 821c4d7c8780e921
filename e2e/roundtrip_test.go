//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const roundTripPartitions = 3

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// TestRoundTrip sends the whole input through three replicas with acks=all, by each client and with each codec, and
// demands every line back, once, in order within its partition.
func TestRoundTrip(t *testing.T) {
	in, c := testInput(t), startCluster(t)
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run("kcat/"+codec, func(t *testing.T) {
			topic := createTopic(t, c, "kcat-"+codec, roundTripPartitions)
			started := time.Now()
			if err := kcatProduce(c, in, topic, codec); err != nil {
				t.Fatal(err)
			}
			sent := time.Since(started)
			collected := newCollector(in)
			for partition := range int32(roundTripPartitions) {
				kcatConsume(t, c, topic, partition, collected)
			}
			report(t, collected, in, sent, time.Since(started)-sent)
		})
		t.Run("franz-go/"+codec, func(t *testing.T) {
			topic := createTopic(t, c, "franz-"+codec, roundTripPartitions)
			started := time.Now()
			franzProduce(t, c, in, topic, codecs[codec])
			sent := time.Since(started)
			collected := newCollector(in)
			if err := franzConsume(t, c, topic, collected); err != nil {
				t.Fatal(err)
			}
			report(t, collected, in, sent, time.Since(started)-sent)
		})
	}
}

func report(t *testing.T, collected *collector, in *input, sent, read time.Duration) {
	t.Helper()
	if collected.left != 0 {
		t.Fatalf("%d of %d lines did not come back", collected.left, len(in.index))
	}
	t.Logf("%d lines, %d bytes: sent in %v, read and checked in %v", len(in.index), in.bytes, sent, read)
}

func client(t *testing.T, c *cluster, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(options, kgo.SeedBrokers(c.bootstrap...), kgo.MetadataMinAge(clientPatience))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func createTopic(t *testing.T, c *cluster, name string, partitions int32) string {
	t.Helper()
	if _, err := kadm.NewClient(client(t, c)).CreateTopic(t.Context(), partitions, 3, nil, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// kcatProduce sends the input and returns when kcat has ended, which is when all is acknowledged.
func kcatProduce(c *cluster, in *input, topic, codec string) error {
	out, err := exec.Command("kcat", "-P", "-q", "-b", strings.Join(c.bootstrap, ","), "-t", topic, "-z", codec,
		"-X", "acks=all", "-X", "enable.idempotence=true", "-X", "queue.buffering.max.messages=1000000", "-l", in.path).CombinedOutput()
	if err != nil {
		return fmt.Errorf("kcat: %w: %s", err, out)
	}
	return nil
}

func kcatConsume(t *testing.T, c *cluster, topic string, partition int32, collected *collector) {
	t.Helper()
	command := exec.Command("kcat", "-C", "-q", "-e", "-b", strings.Join(c.bootstrap, ","), "-t", topic,
		"-p", strconv.Itoa(int(partition)), "-o", "beginning", "-X", "check.crcs=true")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(make([]byte, 1<<20), 16<<20)
	for lines.Scan() {
		if err := collected.add(partition, lines.Text()); err != nil {
			t.Fatal(err)
		}
	}
	if err := command.Wait(); err != nil {
		t.Fatal(err)
	}
}

func franzProduce(t *testing.T, c *cluster, in *input, topic string, codec kgo.CompressionCodec) {
	t.Helper()
	cl := client(t, c, kgo.ProducerBatchCompression(codec), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	file, err := os.Open(in.path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var failed atomic.Value
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 1<<20), 16<<20)
	for lines.Scan() {
		cl.Produce(t.Context(), kgo.StringRecord(lines.Text()), func(_ *kgo.Record, err error) {
			if err != nil {
				failed.Store(err)
			}
		})
	}
	if err := cl.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := failed.Load(); err != nil {
		t.Fatal(err)
	}
}

// franzConsume reads until nothing is left or something is wrong. It may run beside the test's own goroutine.
func franzConsume(t *testing.T, c *cluster, topic string, collected *collector) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.bootstrap...), kgo.MetadataMinAge(clientPatience),
		kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer cl.Close()
	for collected.left > 0 {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		fetches := cl.PollFetches(ctx)
		cancel()
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("%d lines left: %w", collected.left, err)
		}
		for records := fetches.RecordIter(); !records.Done(); {
			record := records.Next()
			if err := collected.add(record.Partition, string(record.Value)); err != nil {
				return err
			}
		}
	}
	return nil
}
