package workload

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"odradek/chaos"
	"odradek/linearizability/history"
)

func TestPadding(t *testing.T) {
	for _, c := range []struct {
		value string
		size  int
		want  string
	}{
		{"p-1", 10, "p-1 ......"},
		{"p-1", 4, "p-1 "},
		{"p-1", 3, "p-1"},
		{"p-12345", 3, "p-12345"},
	} {
		got := padded(c.value, c.size)
		if string(got) != c.want || identity(&kgo.Record{Value: got}) != c.value {
			t.Errorf("%q to %d: %q, and back %q", c.value, c.size, got, identity(&kgo.Record{Value: got}))
		}
	}
}

// What a poll gave is cut where offsets have gaps, so that the history never claims an offset that had no record.
func TestRunsAreCutAtGaps(t *testing.T) {
	record := func(offset int64, value string) *kgo.Record {
		return &kgo.Record{Offset: offset, Value: []byte(value + " ..")}
	}
	fetched := kgo.FetchTopicPartition{Topic: "t", FetchPartition: kgo.FetchPartition{
		Partition: 1, Records: []*kgo.Record{record(3, "a"), record(4, "b"), record(6, "c"), record(7, "d"), record(20, "e")},
	}}
	want := []history.Run{
		{Topic: "t", Partition: 1, Offset: 3, Values: []string{"a", "b"}},
		{Topic: "t", Partition: 1, Offset: 6, Values: []string{"c", "d"}},
		{Topic: "t", Partition: 1, Offset: 20, Values: []string{"e"}},
	}
	if got := appendRuns(nil, fetched); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

func TestBackoffGrowsToItsLimit(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: 50 * time.Millisecond, 1: 100 * time.Millisecond, 3: 400 * time.Millisecond, 4: 500 * time.Millisecond, 1 << 30: 500 * time.Millisecond} {
		if got := backoff(failures); got != want {
			t.Errorf("after %d failures %v", failures, got)
		}
	}
}

// Only an error that says that no broker can have the record makes a send a definite failure; all else may hide an append.
func TestFailuresThatAreDefinite(t *testing.T) {
	for _, err := range []error{kgo.ErrMaxBuffered, kerr.MessageTooLarge} {
		if !neverSent(err) {
			t.Errorf("%v is definite", err)
		}
	}
	for _, err := range []error{kgo.ErrRecordTimeout, kgo.ErrRecordRetries, kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut, kerr.NotLeaderForPartition, errors.New("?")} {
		if neverSent(err) {
			t.Errorf("%v is not definite", err)
		}
	}
}

func TestProducersThatCannotBe(t *testing.T) {
	sound := chaos.Producer{Topics: []string{"t"}, Acks: "all", BatchBytes: 100, RecordsPerSecond: 1, ValueBytes: 20, MaxInFlight: 1}
	if _, err := producerOptions(sound); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*chaos.Producer){
		"acks":        func(p *chaos.Producer) { p.Acks = "2" },
		"compression": func(p *chaos.Producer) { p.Compression = "brotli" },
	} {
		p := sound
		change(&p)
		if _, err := producerOptions(p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A reader goes through its topics' partitions in the cluster's order, from the beginning.
func TestReaderBeginsAtTheBeginning(t *testing.T) {
	cluster := chaos.Cluster{Topics: []chaos.Topic{{Name: "a", Partitions: 2}, {Name: "b", Partitions: 1}, {Name: "c", Partitions: 1}}}
	r := newReader(nil, cluster, []string{"c", "a"})
	if want := []place{{"a", 0}, {"a", 1}, {"c", 0}}; !reflect.DeepEqual(r.order, want) {
		t.Errorf("%v", r.order)
	}
	for _, at := range r.order {
		if r.positions[at] != history.PositionEarliest {
			t.Errorf("%v at %d", at, r.positions[at])
		}
	}
}
