package cleaner

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/commitlog"
	"odradek/broker/env/memenv"
	"odradek/broker/record"
)

const (
	retentionFile         = "testdata/retention.json"
	retentionSegmentBytes = 1_500 // of the topics: two batches of batchBytes, not three
	retentionValueBytes   = 500
)

// keeping is a topic whose batches, of two records each, have the given ages in hours, and where the reference starts it after
// retention.ms and retention.bytes were set.
type keeping struct {
	Name     string
	Ages     []int
	Hours    int   `json:",omitempty"` // retention.ms; 0 for none
	Bytes    int64 `json:",omitempty"` // retention.bytes; 0 for none
	Start    int64 // of the reference
	LogBytes int64 // of what the reference was given
}

var keepings = []keeping{
	{Name: "nothing", Ages: []int{90, 80, 70, 60}},
	{Name: "old segments go", Ages: []int{90, 89, 88, 87, 30, 29, 28, 27}, Hours: 48},
	{Name: "a young record keeps its segment", Ages: []int{90, 89, 88, 30, 29, 28}, Hours: 48},
	{Name: "a young segment keeps what is behind it", Ages: []int{90, 89, 10, 9, 88, 87, 86, 85}, Hours: 48},
	{Name: "times out of order in a segment", Ages: []int{90, 10, 89, 88, 87, 86}, Hours: 48},
	{Name: "everything", Ages: []int{90, 89, 88, 87, 86}, Hours: 48},
	{Name: "one segment", Ages: []int{90}, Hours: 48},
	{Name: "nothing is old enough", Ages: []int{40, 39, 38, 37}, Hours: 48},
	{Name: "by size", Ages: []int{9, 8, 7, 6, 5, 4, 3, 2}, Bytes: 2_000},
	{Name: "by size, a segment at a time", Ages: []int{9, 8, 7, 6, 5, 4, 3, 2}, Bytes: 3_500},
	{Name: "by size, what fits", Ages: []int{9, 8, 7, 6}, Bytes: 1 << 20},
	{Name: "by the least size", Ages: []int{9, 8, 7, 6, 5}, Bytes: 1},
	{Name: "both, time takes more", Ages: []int{90, 89, 88, 87, 9, 8, 7, 6}, Hours: 48, Bytes: 4_000},
	{Name: "both, size takes more", Ages: []int{90, 89, 9, 8, 7, 6, 5, 4}, Hours: 48, Bytes: 1_500},
}

func (k keeping) batches(t tester, now time.Time) (batches []record.Batch) {
	for i, age := range k.Ages {
		b := record.NewBuilder()
		for range 2 {
			b.Append(record.Record{
				Timestamp: now.Add(-time.Duration(age) * time.Hour).UnixMilli(), Key: fmt.Appendf(nil, "key-%d", i), Value: make([]byte, retentionValueBytes/2),
			})
		}
		batch, err := b.Build()
		must(t, err)
		batches = append(batches, batch)
	}
	return batches
}

// TestRetentionLeavesWhatTheReferenceLeaves: the log starts at the same offset.
func TestRetentionLeavesWhatTheReferenceLeaves(t *testing.T) {
	content, err := os.ReadFile(retentionFile)
	must(t, err)
	var recorded []keeping
	must(t, json.Unmarshal(content, &recorded))
	if len(recorded) != len(keepings) {
		t.Fatalf("%d are recorded of %d: record again", len(recorded), len(keepings))
	}
	now := time.UnixMilli(1_700_000_000_000)
	for _, k := range recorded {
		t.Run(k.Name, func(t *testing.T) {
			cfg := configuration()
			cfg.Compacted, cfg.SegmentBytes = false, retentionSegmentBytes
			l, err := commitlog.Open(memenv.NewDisk(), "topic-0", cfg, inline)
			must(t, err)
			var bytes int64
			for _, batch := range k.batches(t, now) {
				bytes += int64(len(batch))
				_, err := l.AppendLeader(batch, 0)
				must(t, err)
			}
			if bytes != k.LogBytes {
				t.Fatalf("%d bytes, recorded are %d: record again", bytes, k.LogBytes)
			}
			if got := k.retention().NewStart(l.Segments(), 0, l.EndOffset(), now.UnixMilli()); got != k.Start {
				t.Errorf("starts at %d, the reference at %d", got, k.Start)
			}
		})
	}
}

func (k keeping) retention() Retention {
	r := Retention{Ms: -1, Bytes: -1}
	if k.Hours > 0 {
		r.Ms = int64(k.Hours) * time.Hour.Milliseconds()
	}
	if k.Bytes > 0 {
		r.Bytes = k.Bytes
	}
	return r
}

// TestRecordRetention needs a reference with log.retention.check.interval.ms=1000 that is older than half a minute.
func TestRecordRetention(t *testing.T) {
	if *recordFrom == "" {
		t.Skip("no -record address")
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(*recordFrom))
	must(t, err)
	defer client.Close()
	now := time.Now()
	name := func(i int) string { return fmt.Sprintf("retention-%d-%d", now.Unix(), i) }
	for i := range keepings {
		must(t, createTopic(client, name(i), map[string]string{
			"internal.segment.bytes": strconv.Itoa(retentionSegmentBytes), "retention.ms": "-1", "segment.ms": strconv.Itoa(math.MaxInt32),
			"message.timestamp.before.max.ms": "9223372036854775807",
		}))
	}
	time.Sleep(2 * time.Second) // until their leader knows
	for i := range keepings {
		keepings[i].LogBytes = 0
		for _, batch := range keepings[i].batches(t, now) {
			keepings[i].LogBytes += int64(len(batch))
			must(t, produceTo(client, name(i), batch))
		}
	}
	for i, k := range keepings {
		r := k.retention()
		must(t, setRetention(client, name(i), r))
	}
	time.Sleep(5 * time.Second)
	for i := range keepings {
		keepings[i].Start, err = startOf(client, name(i))
		must(t, err)
	}
	content, err := json.MarshalIndent(keepings, "", " ")
	must(t, err)
	must(t, os.WriteFile(retentionFile, append(content, '\n'), 0o644))
}

func setRetention(client *kgo.Client, name string, r Retention) error {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, name
	for key, value := range map[string]int64{"retention.ms": r.Ms, "retention.bytes": r.Bytes} {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		text := strconv.FormatInt(value, 10)
		c.Name, c.Value = key, &text
		resource.Configs = append(resource.Configs, c)
	}
	req.Resources = append(req.Resources, resource)
	resp, err := req.RequestWith(context.Background(), client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.Resources[0].ErrorCode)
}

func startOf(client *kgo.Client, name string) (int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic = name
	partition := kmsg.NewListOffsetsRequestTopicPartition()
	partition.CurrentLeaderEpoch, partition.Timestamp = -1, -2
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(context.Background(), client)
	if err != nil {
		return 0, err
	}
	answer := resp.Topics[0].Partitions[0]
	return answer.Offset, kerr.ErrorForCode(answer.ErrorCode)
}
