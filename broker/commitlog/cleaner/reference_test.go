package cleaner

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
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

var recordFrom = flag.String("record", "", "`host:port` of a reference whose cleaner looks every second at least: record what it leaves")

const (
	referenceFile     = "testdata/reference.json"
	referenceRolls    = 3_600_000 // segment.ms: batches that far apart are in different segments
	referenceDeleteMs = 6_000     // delete.retention.ms
)

// recording is what the reference left of the batches of a phase, and of all phases before it. Between phases it had time to
// compact, and longer than delete.retention.ms passed.
type recording struct {
	Batches   [][]byte
	Survivors []survivor
}

type survivor struct {
	Offset    int64
	Key       string
	Value     string
	Tombstone bool
}

// referencePhases makes the input: keyed records and tombstones of a few keys, in every codec, from idempotent producers and
// others. Time passes in the records, so that segments are closed; the last batch of a phase closes the one before it.
func referencePhases(t tester, startMs int64) (phases [][]record.Batch) {
	rnd := rand.New(rand.NewPCG(4, 3))
	sequence := map[int64]int32{}
	for phase := range 3 {
		var batches []record.Batch
		for i := range 30 {
			b := record.NewBuilder()
			b.Codec = record.Codec(rnd.IntN(5))
			if id := int64(rnd.IntN(3)); id > 0 {
				b.ProducerID, b.ProducerEpoch, b.BaseSequence = 1_000_000+id, 0, sequence[id]
			}
			now := startMs + int64(phase*30+i/6*5)*referenceRolls/4
			for range 1 + rnd.IntN(4) {
				r := record.Record{Timestamp: now, Key: fmt.Appendf(nil, "key-%d", rnd.IntN(25)), Headers: []record.Header{{Key: "h", Value: []byte{1}}}}
				if rnd.IntN(5) > 0 {
					r.Value = fmt.Appendf(nil, "value %d of phase %d", i, phase)
				}
				b.Append(r)
			}
			if b.ProducerID >= 0 {
				sequence[b.ProducerID-1_000_000] += int32(b.Len())
			}
			batch, err := b.Build()
			must(t, err)
			batches = append(batches, batch)
		}
		phases = append(phases, batches)
	}
	return phases
}

// TestCompactionLeavesWhatTheReferenceLeaves: the same records, at the same offsets.
func TestCompactionLeavesWhatTheReferenceLeaves(t *testing.T) {
	content, err := os.ReadFile(referenceFile)
	must(t, err)
	var phases []recording
	must(t, json.Unmarshal(content, &phases))
	cfg := configuration()
	cfg.SegmentBytes, cfg.SegmentMs = 1<<20, referenceRolls
	l, err := commitlog.Open(memenv.NewDisk(), "topic-0", cfg, inline)
	must(t, err)
	saved := policy
	defer func() { policy = saved }()
	policy.DeleteRetentionMs, policy.SegmentBytes = referenceDeleteMs, cfg.SegmentBytes
	clean := int64(0)
	for i, phase := range phases {
		for _, batch := range phase.Batches {
			_, err := l.AppendLeader(slices.Clone(batch), 0)
			must(t, err)
		}
		clean = cleanAll(t, l, clean, 1<<20, int64(i)*10*referenceDeleteMs)
		entries, _ := contents(t, l)
		var got []survivor
		for _, e := range entries {
			got = append(got, survivor{e.offset, e.key, e.value, e.tombstone})
		}
		if !slices.Equal(got, phase.Survivors) {
			t.Errorf("phase %d leaves %v\nthe reference %v", i, got, phase.Survivors)
		}
	}
	if len(phases) != 3 {
		t.Errorf("%d phases", len(phases))
	}
}

func TestRecordReference(t *testing.T) {
	if *recordFrom == "" {
		t.Skip("no -record address")
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(*recordFrom))
	must(t, err)
	defer client.Close()
	name := fmt.Sprint("compaction-", time.Now().Unix())
	must(t, createReferenceTopic(client, name))
	time.Sleep(time.Second) // until its leader knows
	var recordings []recording
	for i, batches := range referencePhases(t, time.Now().Add(-90*time.Hour).UnixMilli()) {
		if i > 0 {
			time.Sleep(2 * referenceDeleteMs * time.Millisecond)
		}
		var r recording
		for _, batch := range batches {
			r.Batches = append(r.Batches, batch)
			must(t, produceTo(client, name, batch))
		}
		time.Sleep(3 * time.Second)
		r.Survivors, err = readAll(client, name)
		must(t, err)
		recordings = append(recordings, r)
	}
	content, err := json.MarshalIndent(recordings, "", " ")
	must(t, err)
	must(t, os.MkdirAll("testdata", 0o755))
	must(t, os.WriteFile(referenceFile, append(content, '\n'), 0o644))
}

func createReferenceTopic(client *kgo.Client, name string) error {
	return createTopic(client, name, map[string]string{
		"cleanup.policy": "compact", "segment.ms": strconv.Itoa(referenceRolls), "delete.retention.ms": strconv.Itoa(referenceDeleteMs),
		"min.cleanable.dirty.ratio": "0.01", "message.timestamp.before.max.ms": "9223372036854775807",
	})
}

func createTopic(client *kgo.Client, name string, configs map[string]string) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 1, 1
	for key, value := range configs {
		topic.Configs = append(topic.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: key, Value: &value})
	}
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(context.Background(), client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.Topics[0].ErrorCode)
}

func produceTo(client *kgo.Client, name string, batch record.Batch) error {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 5_000
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic = name
	if err := nameTopic(client, name, &topic.TopicID); err != nil {
		return err
	}
	topic.Partitions = []kmsg.ProduceRequestTopicPartition{{Records: batch}}
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(context.Background(), client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
}

func nameTopic(client *kgo.Client, name string, id *[16]byte) error {
	req := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &name
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(context.Background(), client)
	if err != nil {
		return err
	}
	*id = resp.Topics[0].TopicID
	return kerr.ErrorForCode(resp.Topics[0].ErrorCode)
}

func readAll(client *kgo.Client, name string) (all []survivor, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	consumer, err := kgo.NewClient(kgo.SeedBrokers(client.OptValue(kgo.SeedBrokers).([]string)...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{name: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	for ctx.Err() == nil {
		consumer.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			all = append(all, survivor{r.Offset, string(r.Key), string(r.Value), r.Value == nil})
		})
	}
	return all, nil
}
