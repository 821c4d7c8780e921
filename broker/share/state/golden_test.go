package state

import (
	"bytes"
	_ "embed"
	"errors"
	"reflect"
	"strings"
	"testing"

	"odradek/broker/coord"
	"odradek/broker/coord/golden"
	"odradek/broker/metadata"
)

//go:embed testdata/kafka_records.hex
var kafkaRecords string

// TestGoldenRecords: what Kafka 4.3.1 wrote into __share_group_state is read; a snapshot is what this coordinator writes of it, byte by
// byte, which writes nothing but snapshots.
func TestGoldenRecords(t *testing.T) {
	m := New(func() *metadata.Image { return metadata.NewImage() })
	records := golden.Parse(t, kafkaRecords)
	for _, r := range records {
		if err := m.Replay(r.Record); err != nil {
			t.Fatalf("%s: %v", r.Name, err)
		}
		for key, e := range m.entries {
			got := key.record(e, e.createdMs)
			if bytes.Equal(got.Key, r.Key) && !bytes.Equal(got.Value, r.Value) {
				t.Errorf("%s is written as\n%x\nwant\n%x", r.Name, got.Value, r.Value)
			}
		}
	}
	topic := metadata.UUID(records[0].Key[9:25])
	want := &entry{leaderEpoch: 0, stateEpoch: 2, startOffset: 0, deliveryComplete: 11, createdMs: 1795522887343, batches: []Batch{{0, 9, 2, 1}, {10, 10, 4, 1}}}
	if got := m.entries[Key{"share", topic, 0}]; len(m.entries) != 2 || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestRecordsOfUnknownVersions: a value of a version that is not known is refused, a key of one is passed over.
func TestRecordsOfUnknownVersions(t *testing.T) {
	m := New(func() *metadata.Image { return metadata.NewImage() })
	for _, r := range golden.Parse(t, kafkaRecords) {
		value, key := bytes.Clone(r.Value), bytes.Clone(r.Key)
		value[1], key[1] = 9, 9
		if err := m.Replay(coord.Record{Key: r.Key, Value: value}); !errors.Is(err, errMalformed) || !strings.Contains(err.Error(), "version 9") {
			t.Errorf("%s: %v", r.Name, err)
		}
		if err := m.Replay(coord.Record{Key: key, Value: r.Value}); err != nil || len(m.entries) != 0 {
			t.Errorf("%s with another key: %v, %v", r.Name, err, m.entries)
		}
	}
}
