package commitlog

import (
	"bytes"
	"testing"

	"odradek/broker/record"

	"pgregory.net/rapid"
)

// TestReadsAreWholeBatchesWithinLimits: any read gives exactly the batches from the one that holds the offset on, as many as
// the limits and the segment allow.
func TestReadsAreWholeBatchesWithinLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := DefaultConfig()
		cfg.SegmentBytes = rapid.Int64Range(500, 40_000).Draw(t, "segment.bytes")
		cfg.IndexIntervalBytes = rapid.SampledFrom([]int64{0, 300, 4_096}).Draw(t, "index.interval.bytes")
		l := openLog(t, newDisk(), cfg)
		var batches []record.Batch
		for range rapid.IntRange(1, 150).Draw(t, "batches") {
			n := rapid.IntRange(1, 9).Draw(t, "records")
			batch := batchAt(t, n, 5, nil)
			_, err := l.AppendLeader(batch, 0)
			must(t, err)
			batches = append(batches, batch)
		}
		for range rapid.IntRange(1, 40).Draw(t, "reads") {
			from := rapid.Int64Range(0, l.EndOffset()).Draw(t, "from")
			limits := ReadLimits{
				MaxBytes:   rapid.IntRange(0, 8_000).Draw(t, "max bytes"),
				EndOffset:  rapid.Int64Range(0, l.EndOffset()+2).Draw(t, "end"),
				AtLeastOne: rapid.Bool().Draw(t, "at least one"),
			}
			slice, err := l.Read(from, limits)
			must(t, err)
			got := make([]byte, slice.Len())
			must(t, slice.ReadInto(got))
			if want := expectedRead(l, batches, from, limits); !bytes.Equal(got, want) {
				t.Fatalf("read at %d %+v: %s, want %s", from, limits, offsets(t, got), offsets(t, want))
			}
			if len(got) > 0 && !bytes.HasSuffix(got, batches[batchAtOffset(batches, slice.NextOffset()-1)]) {
				t.Fatalf("next offset %d after %s", slice.NextOffset(), offsets(t, got))
			}
			slice.Release()
		}
	})
}

func batchAtOffset(batches []record.Batch, offset int64) int {
	for i, b := range batches {
		if b.LastOffset() >= offset {
			return i
		}
	}
	return -1
}

func expectedRead(l *Log, batches []record.Batch, from int64, limits ReadLimits) (want []byte) {
	if from >= min(limits.EndOffset, l.EndOffset()) {
		return nil
	}
	segment := l.segments[l.segmentAt(from)]
	for _, b := range batches {
		switch {
		case b.LastOffset() < from:
		case b.LastOffset() >= limits.EndOffset || b.BaseOffset() >= segment.nextOffset:
			return want
		case len(want)+len(b) > limits.MaxBytes && (len(want) > 0 || !limits.AtLeastOne):
			return want
		default:
			want = append(want, b...)
		}
	}
	return want
}

func TestReadOutOfRange(t *testing.T) {
	l, _ := newLog(t, nil)
	appendBatch(t, l, 5, 0)
	must(t, l.AdvanceStart(2))
	for offset, want := range map[int64]error{1: ErrOffsetOutOfRange, -1: ErrOffsetOutOfRange, 6: ErrOffsetOutOfRange, 2: nil, 5: nil} {
		s, err := l.Read(offset, ReadLimits{MaxBytes: 1 << 20, EndOffset: 5})
		if want == nil {
			must(t, err)
		} else {
			wantErr(t, err, want)
		}
		if got := s.NextOffset(); s.Len() == 0 && got != offset {
			t.Errorf("an empty slice at %d goes on at %d", offset, got)
		}
		s.Release()
	}
	wantErr(t, l.AdvanceStart(6), ErrOffsetOutOfRange)
	must(t, l.AdvanceStart(1))
	if l.StartOffset() != 2 {
		t.Errorf("start went back to %d", l.StartOffset())
	}
}

func TestSlicesOutliveTruncation(t *testing.T) {
	l, _ := newLog(t, func(c *Config) { c.SegmentBytes = 500 })
	for range 10 {
		appendBatch(t, l, 2, 0)
	}
	slices := map[int64]Slice{}
	want := map[int64]string{}
	for _, from := range []int64{0, 4, 12, 18} {
		s, err := l.Read(from, ReadLimits{MaxBytes: 1 << 20, EndOffset: l.EndOffset()})
		must(t, err)
		buf := make([]byte, s.Len())
		must(t, s.ReadInto(buf))
		slices[from], want[from] = s, string(buf)
	}
	must(t, l.TruncateTo(5))
	for range 10 {
		appendBatch(t, l, 3, 1)
	}
	for from, s := range slices {
		buf := make([]byte, s.Len())
		must(t, s.ReadInto(buf))
		if string(buf) != want[from] {
			t.Errorf("slice at %d changed to %s", from, offsets(t, buf))
		}
		s.Release()
	}
	if got := offsets(t, readAll(t, l, 0, 200)); got != "0-1 2-3 4-6 7-9 10-12 13-15 16-18 19-21 22-24 25-27 28-30 31-33 " {
		t.Errorf("log holds %s", got)
	}
}

// TestTailReadsNeedNoScan: who reads where the last read or the last append ended costs no read of the file but the data.
func TestTailReadsNeedNoScan(t *testing.T) {
	l, disk := newLog(t, nil)
	for range 200 {
		appendBatch(t, l, 1, 0)
	}
	reads := countReads(disk)
	for _, from := range []int64{150, 199, 200} {
		s, err := l.Read(from, ReadLimits{MaxBytes: 1 << 20, EndOffset: 200})
		must(t, err)
		s.Release()
	}
	s, err := l.Read(160, ReadLimits{MaxBytes: 1 << 20, EndOffset: 190}) // a high watermark in the tail
	must(t, err)
	if s.NextOffset() != 190 {
		t.Errorf("next offset %d", s.NextOffset())
	}
	s.Release()
	if *reads != 0 {
		t.Errorf("%d reads for the tail", *reads)
	}
	s, err = l.Read(3, ReadLimits{MaxBytes: 500, EndOffset: 200})
	must(t, err)
	s.Release()
	*reads = 0
	again, err := l.Read(s.NextOffset(), ReadLimits{MaxBytes: 1 << 20, EndOffset: 200})
	must(t, err)
	again.Release()
	if *reads != 0 || again.Len() == 0 {
		t.Errorf("%d reads to go on where a read ended", *reads)
	}
}

func TestEachBatch(t *testing.T) {
	l, _ := newLog(t, func(c *Config) { c.SegmentBytes = 500 })
	for range 10 {
		appendBatch(t, l, 2, 0)
	}
	var seen []int64
	must(t, l.EachBatch(3, func(b record.Batch) bool {
		must(t, b.Verify())
		seen = append(seen, b.BaseOffset())
		return b.BaseOffset() < 14
	}))
	if len(seen) != 7 || seen[0] != 2 || seen[6] != 14 {
		t.Errorf("saw %v", seen)
	}
}
