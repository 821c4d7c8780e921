package record

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"
)

// codecs are all codecs, with both framings of snappy.
var codecs = []struct {
	name   string
	codec  Codec
	xerial bool
}{
	{"none", None, false}, {"gzip", Gzip, false}, {"snappy", Snappy, false}, {"xerial", Snappy, true},
	{"lz4", LZ4, false}, {"zstd", Zstd, false},
}

func sampleRecords(n int) []Record {
	records := make([]Record, n)
	for i := range records {
		records[i] = Record{Offset: int64(i), Timestamp: 1_000 + int64(i%7), Key: fmt.Appendf(nil, "key-%d", i), Value: bytes.Repeat([]byte{byte(i)}, i)}
	}
	if n > 2 {
		records[1].Key = nil
		records[2].Value = nil
		records[2].Headers = []Header{{"a", []byte("b")}, {"empty", []byte{}}, {"null", nil}}
	}
	return records
}

func build(t testing.TB, b *Builder, records []Record) Batch {
	t.Helper()
	for _, r := range records {
		b.Append(r)
	}
	batch, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func collect(b Batch, limit int) ([]Record, error) {
	var records []Record
	for r, err := range b.Records(limit) {
		if err != nil {
			return records, err
		}
		records = append(records, r)
	}
	return records, nil
}

func TestRoundTrip(t *testing.T) {
	for _, c := range codecs {
		t.Run(c.name, func(t *testing.T) {
			b := NewBuilder()
			b.Codec, b.Xerial = c.codec, c.xerial
			want := sampleRecords(300)
			batch := build(t, b, want)
			if err := batch.Validate(); err != nil {
				t.Fatal(err)
			}
			got, err := collect(batch, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			equalRecords(t, got, want)
			if batch.MaxTimestamp() != 1_006 || batch.BaseTimestamp() != 1_000 {
				t.Errorf("timestamps %d to %d", batch.BaseTimestamp(), batch.MaxTimestamp())
			}
		})
	}
}

func equalRecords(t *testing.T, got, want []Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i, w := range want {
		if g := got[i]; fmt.Sprintf("%#v", g) != fmt.Sprintf("%#v", w) {
			t.Fatalf("record %d:\n got %#v\nwant %#v", i, g, w)
		}
	}
}

func TestDecompressIsBounded(t *testing.T) {
	for _, c := range codecs {
		t.Run(c.name, func(t *testing.T) {
			b := NewBuilder()
			b.Codec, b.Xerial = c.codec, c.xerial
			batch := build(t, b, []Record{{Value: make([]byte, 1<<20)}})
			if _, err := collect(batch, 1<<19); !errors.Is(err, ErrTooLarge) {
				t.Errorf("error %v, want ErrTooLarge", err)
			}
		})
	}
}

func TestHeaderFields(t *testing.T) {
	b := NewBuilder()
	b.BaseOffset, b.PartitionLeaderEpoch, b.Transactional = 77, 5, true
	b.ProducerID, b.ProducerEpoch, b.BaseSequence = 1<<40, 3, math.MaxInt32-1
	batch := build(t, b, sampleRecords(5))
	if err := batch.Validate(); err != nil {
		t.Fatal(err)
	}
	if batch.BaseOffset() != 77 || batch.LastOffset() != 81 || batch.NextOffset() != 82 || batch.PartitionLeaderEpoch() != 5 ||
		batch.ProducerID() != 1<<40 || batch.ProducerEpoch() != 3 || batch.NumRecords() != 5 || !batch.IsTransactional() || batch.IsControl() {
		t.Errorf("header reads %+v", batch[:HeaderSize])
	}
	if got := batch.LastSequence(); got != 2 {
		t.Errorf("last sequence %d, want 2: sequences wrap to 0", got)
	}
}

func TestStampsLieOutsideTheCRC(t *testing.T) {
	batch := build(t, NewBuilder(), sampleRecords(3))
	batch.SetBaseOffset(1 << 33)
	batch.SetPartitionLeaderEpoch(9)
	if err := batch.Validate(); err != nil {
		t.Error(err)
	}
	batch.SetLogAppendTime(5_000)
	if err := batch.Validate(); err != nil {
		t.Error(err)
	}
	records, err := collect(batch, 1<<20)
	if err != nil || records[2].Timestamp != 5_000 || records[2].Offset != 1<<33+2 || batch.TimestampType() != LogAppendTime {
		t.Errorf("records %+v, %v", records, err)
	}
}

func TestSequencesWrap(t *testing.T) {
	for _, c := range []struct{ from, n, want int32 }{
		{0, 0, 0}, {5, 3, 8}, {math.MaxInt32, 0, math.MaxInt32}, {math.MaxInt32, 1, 0}, {math.MaxInt32 - 1, 5, 3},
	} {
		if got := AddSequence(c.from, c.n); got != c.want {
			t.Errorf("%d + %d = %d, want %d", c.from, c.n, got, c.want)
		}
		if got := SubSequence(c.want, c.n); got != c.from {
			t.Errorf("%d - %d = %d, want %d", c.want, c.n, got, c.from)
		}
	}
}

func TestMarkerRoundTrip(t *testing.T) {
	batch, err := MarkerBatch(Marker{ControlCommit, 12}, 4, 2, 99)
	if err != nil {
		t.Fatal(err)
	}
	if err := batch.Validate(); err != nil || !batch.IsControl() {
		t.Fatal(err)
	}
	records, err := collect(batch, 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	m, ok, err := ParseMarker(records[0])
	if err != nil || !ok || m != (Marker{ControlCommit, 12}) {
		t.Errorf("marker %+v, %v, %v", m, ok, err)
	}
	if _, ok, err := ParseMarker(Record{Key: []byte{0, 0, 0, 9}}); ok || err != nil {
		t.Errorf("unknown type: %v, %v", ok, err)
	}
	if _, _, err := ParseMarker(Record{Key: []byte{0}}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("short key: %v", err)
	}
}
