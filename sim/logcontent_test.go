package sim

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// rec is a record of a test's log: a value of "-" is a tombstone.
type rec struct {
	offset     int64
	key, value string
}

// logOf is a log with a batch for each record. A record without a key stands for a batch without records.
func logOf(records ...rec) (log []byte) {
	for _, r := range records {
		batch := kmsg.RecordBatch{FirstOffset: r.offset, Magic: 2, PartitionLeaderEpoch: 1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1}
		if r.key != "" {
			record := kmsg.Record{Key: []byte(r.key), Value: []byte(r.value)}
			if r.value == "-" {
				record.Value = nil
			}
			record.Length = int32(len(record.AppendTo(nil)) - 1)
			batch.NumRecords, batch.Records = 1, record.AppendTo(nil)
		}
		batch.Length = int32(len(batch.AppendTo(nil)) - batchPrefix)
		log = batch.AppendTo(log)
	}
	return log
}

func TestCompactedReplicasAreComparedByKey(t *testing.T) {
	whole := []rec{{0, "a", "1"}, {1, "b", "1"}, {2, "a", "2"}, {3, "c", "1"}, {4, "c", "-"}, {5, "d", "1"}}
	for _, c := range []struct {
		name    string
		other   []rec
		trimmed bool
		words   string
	}{
		{"the same", whole, false, ""},
		{"compacted", []rec{{1, "b", "1"}, {2, "a", "2"}, {4, "c", "-"}, {5, "d", "1"}}, false, ""},
		{"without the tombstone", []rec{{1, "b", "1"}, {2, "a", "2"}, {5, "d", "1"}}, false, ""},
		{"an empty batch", []rec{{0, "", ""}, {1, "b", "1"}, {2, "a", "2"}, {5, "d", "1"}}, false, ""},
		{"the newest is gone", []rec{{0, "a", "1"}, {1, "b", "1"}, {5, "d", "1"}}, false, `the newest value of key "a" at offset 2`},
		{"another value", []rec{{1, "b", "x"}, {2, "a", "2"}, {5, "d", "1"}}, false, `key "b" at offset 1`},
		{"another offset", []rec{{1, "b", "1"}, {3, "a", "2"}, {5, "d", "1"}}, false, `key "a"`},
		{"a key comes back", []rec{{1, "b", "1"}, {2, "a", "2"}, {3, "c", "1"}, {5, "d", "1"}}, false, `key "c" at offset 3`},
		{"shorter", whole[:5], false, "end at offsets 6 and 5"},
		{"the head is gone", whole[2:], false, `key "b" at offset 1`},
		{"the head may be gone", whole[2:], true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			words := differentKeys([]replica{{"node-1", logOf(whole...)}, {"node-2", logOf(c.other...)}}, c.trimmed)
			if (words == "") != (c.words == "") || !strings.Contains(words, c.words) {
				t.Errorf("%q, expected %q", words, c.words)
			}
		})
	}
	if words := differentKeys([]replica{{"node-1", logOf(whole...)[1:]}}, false); !strings.Contains(words, "no batch") {
		t.Errorf("%q", words)
	}
}

func TestTrimmedReplicasAreComparedFromTheCommonStart(t *testing.T) {
	whole := []rec{{0, "a", "1"}, {1, "b", "1"}, {2, "a", "2"}}
	same := fromCommonStart([]replica{{"node-1", logOf(whole...)}, {"node-2", logOf(whole[1:]...)}, {"node-3", logOf(whole[2:]...)}})
	if words := differentBytes(same); words != "" || len(same[0].log) != len(logOf(whole[2])) {
		t.Errorf("%q, %d bytes", words, len(same[0].log))
	}
	other := fromCommonStart([]replica{{"node-1", logOf(whole...)}, {"node-2", logOf(rec{1, "b", "2"}, whole[2])}})
	if words := differentBytes(other); words == "" {
		t.Error("another record is not seen")
	}
}
