package txn

import (
	"bytes"
	_ "embed"
	"errors"
	"strings"
	"testing"

	"odradek/broker/coord"
	"odradek/broker/coord/golden"
)

var (
	//go:embed testdata/kafka_records.hex
	kafkaRecords string
	//go:embed testdata/v0.hex
	valueOfVersion0 string
)

// TestGoldenRecords: what Kafka 4.3.1 wrote into __transaction_state, one record in each state, is read, and is what this coordinator
// writes of it, byte by byte.
func TestGoldenRecords(t *testing.T) {
	seen := map[State]bool{}
	for _, r := range golden.Parse(t, kafkaRecords) {
		w := newWorld()
		if err := w.machine.Replay(r.Record); err != nil {
			t.Errorf("%s: %v", r.Name, err)
			continue
		}
		for _, transaction := range w.machine.transactions {
			got := transaction.record()
			if !bytes.Equal(got.Key, r.Key) || !bytes.Equal(got.Value, r.Value) {
				t.Errorf("%s is written as\n%x %x\nwant\n%x %x", r.Name, got.Key, got.Value, r.Key, r.Value)
			}
			seen[transaction.state] = true
		}
	}
	if len(seen) != int(CompleteAbort)+1 {
		t.Errorf("records in the states %v", seen)
	}
}

// TestValueOfVersion0 is what was written before the fields that are tagged.
func TestValueOfVersion0(t *testing.T) {
	record := golden.Parse(t, valueOfVersion0)[0]
	got, err := decode("tx", record.Value)
	if err != nil || got.producer != 1000 || got.epoch != 1 || got.timeoutMs != 60_000 || got.state != Ongoing ||
		!got.partitions[Partition{"t", 2}] || len(got.partitions) != 1 || got.startMs != 6 || got.updatedMs != 5 || got.previous != none || got.next != none {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestRecordsOfUnknownVersions: a value of a version that is not known is refused, a key of one is passed over.
func TestRecordsOfUnknownVersions(t *testing.T) {
	for _, r := range golden.Parse(t, kafkaRecords) {
		w := newWorld()
		value := bytes.Clone(r.Value)
		value[1] = 9
		if err := w.machine.Replay(coord.Record{Key: r.Key, Value: value}); !errors.Is(err, errMalformed) || !strings.Contains(err.Error(), "version 9") {
			t.Errorf("%s: %v", r.Name, err)
		}
		key := bytes.Clone(r.Key)
		key[1] = 9
		if err := w.machine.Replay(coord.Record{Key: key, Value: r.Value}); err != nil || len(w.machine.transactions) != 0 {
			t.Errorf("%s with another key: %v, %v", r.Name, err, w.machine.transactions)
		}
	}
}

// FuzzReplay feeds a machine with records: none may be more than refused.
func FuzzReplay(f *testing.F) {
	for _, r := range append(golden.Parse(f, kafkaRecords), golden.Parse(f, valueOfVersion0)...) {
		f.Add(r.Key, r.Value)
	}
	f.Fuzz(func(_ *testing.T, key, value []byte) {
		m := newWorld().machine
		for range 2 {
			_ = m.Replay(coord.Record{Key: key, Value: value})
		}
		_ = m.Replay(coord.Record{Key: key})
	})
}
