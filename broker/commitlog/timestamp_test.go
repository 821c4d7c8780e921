package commitlog

import (
	"testing"

	"odradek/broker/record"

	"pgregory.net/rapid"
)

// TestTimestampsAreFoundToTheRecord compares with a search through all records.
func TestTimestampsAreFoundToTheRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := DefaultConfig()
		cfg.SegmentBytes = rapid.Int64Range(400, 5_000).Draw(t, "segment.bytes")
		cfg.IndexIntervalBytes = rapid.SampledFrom([]int64{0, 300, 4_096}).Draw(t, "index.interval.bytes")
		disk := newDisk()
		l := openLog(t, disk, cfg)
		var all []stamped
		for i := range rapid.IntRange(0, 40).Draw(t, "batches") {
			b := record.NewBuilder()
			b.Codec = rapid.SampledFrom([]record.Codec{record.None, record.LZ4}).Draw(t, "codec")
			for range rapid.IntRange(1, 4).Draw(t, "records") {
				timestamp := rapid.Int64Range(0, 100).Draw(t, "timestamp") + int64(i)
				b.Append(record.Record{Timestamp: timestamp})
				all = append(all, stamped{int64(len(all)), timestamp, int32(i / 10)})
			}
			batch, err := b.Build()
			must(t, err)
			_, err = l.AppendLeader(batch, int32(i/10))
			must(t, err)
		}
		if rapid.Bool().Draw(t, "reopened") {
			must(t, l.Close())
			l = openLog(t, disk, cfg)
		}
		start := rapid.Int64Range(0, l.EndOffset()).Draw(t, "start")
		must(t, l.AdvanceStart(start))
		for range 10 {
			// The bound falls between batches, as a high watermark does.
			end := rapid.Int64Range(start, l.EndOffset()).Draw(t, "end")
			must(t, l.EachBatch(start, func(b record.Batch) bool {
				if b.BaseOffset() < end && end <= b.LastOffset() {
					end = b.NextOffset()
				}
				return true
			}))
			ts := rapid.Int64Range(-1, 150).Draw(t, "ts")
			want, greatest := notFound, notFound
			for _, r := range all[start:end] {
				if want == notFound && r.timestamp >= ts {
					want = r
				}
				if r.timestamp > greatest.timestamp {
					greatest = r
				}
			}
			offset, timestamp, epoch, err := l.OffsetForTimestamp(ts, end)
			must(t, err)
			if got := (stamped{offset, timestamp, epoch}); got != want {
				t.Fatalf("first of %d or later before %d: %+v, want %+v", ts, end, got, want)
			}
			offset, timestamp, epoch, err = l.MaxTimestamp(end)
			must(t, err)
			if got := (stamped{offset, timestamp, epoch}); got != greatest {
				t.Fatalf("greatest before %d: %+v, want %+v", end, got, greatest)
			}
		}
	})
}
