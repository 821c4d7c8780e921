package cleaner

import (
	"fmt"
	"math"
	"strings"

	"odradek/broker/commitlog"
	"odradek/broker/env"
	"odradek/broker/record"
)

// tester is what testing.TB and rapid.T share.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func must(t tester, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inline runs the background's work at once, so that a run has one order of operations.
var inline = commitlog.Options{Go: func(f func()) { f() }}

func configuration() commitlog.Config {
	cfg := commitlog.DefaultConfig()
	cfg.SegmentBytes, cfg.Compacted, cfg.FileDeleteDelayMs = 700, true, 0
	cfg.ProducerIDExpirationMs, cfg.SegmentMs = 1<<60, 1<<60
	cfg.MessageTimestampAfterMaxMs, cfg.VerifyTransactions = math.MaxInt64, false
	return cfg
}

func openLog(t tester, disk env.Disk) *commitlog.Log {
	t.Helper()
	l, err := commitlog.Open(disk, "topic-0", configuration(), inline)
	must(t, err)
	return l
}

var policy = Policy{LagMsMax: math.MaxInt64, DeleteRetentionMs: 1_000, SegmentBytes: 2_000}

func options(mapBytes, nowMs int64) Options {
	return Options{MapBytes: mapBytes, LoadFactor: 0.9, BufferBytes: 256, NowMs: nowMs}
}

// cleanAll runs rounds until the log is clean, and says where that is.
func cleanAll(t tester, l *commitlog.Log, firstDirty, mapBytes, nowMs int64) int64 {
	t.Helper()
	for {
		plan := Consider(l.Segments(), firstDirty, l.StartOffset(), l.LastStableOffset(l.EndOffset()), policy, nowMs)
		if plan.DirtyBytes == 0 {
			return firstDirty
		}
		result, err := Clean(bg, l, plan, policy, options(mapBytes, nowMs))
		must(t, err)
		if result.NextDirty <= firstDirty {
			t.Fatalf("no progress from %d, planned %+v", firstDirty, plan)
		}
		firstDirty = result.NextDirty
	}
}

// entry is one record as a test sees it.
type entry struct {
	offset     int64
	key, value string
	tombstone  bool
}

// contents reads every record that is no control record, and lists the batches as base-last(records), which must follow each
// other.
func contents(t tester, l *commitlog.Log) (entries []entry, batches string) {
	t.Helper()
	var list strings.Builder
	next := int64(0)
	err := l.EachBatch(l.StartOffset(), func(batch record.Batch) bool {
		must(t, batch.Verify())
		if batch.BaseOffset() < next {
			t.Fatalf("batch at %d after %d", batch.BaseOffset(), next)
		}
		next = batch.NextOffset()
		fmt.Fprintf(&list, "%d-%d(%d) ", batch.BaseOffset(), batch.LastOffset(), batch.NumRecords())
		for r, err := range batch.Records(1 << 20) {
			must(t, err)
			if !batch.IsControl() {
				entries = append(entries, entry{r.Offset, string(r.Key), string(r.Value), r.Value == nil})
			}
		}
		return true
	})
	must(t, err)
	return entries, list.String()
}

// committed reads what a consumer of committed records is shown, in pieces: it passes over a producer's records from where an aborted
// transaction begins to the marker that ends it.
func committed(t tester, l *commitlog.Log, bytesMax int) (entries []entry) {
	t.Helper()
	stable := l.LastStableOffset(l.EndOffset())
	for from := l.StartOffset(); from < stable; {
		slice, err := l.Read(from, commitlog.ReadLimits{MaxBytes: bytesMax, EndOffset: stable, AtLeastOne: true})
		must(t, err)
		if slice.Len() == 0 {
			slice.Release()
			return entries // what was at the end is gone
		}
		buf := make([]byte, slice.Len())
		must(t, slice.ReadInto(buf))
		aborted, err := l.AbortedTransactions(from, slice.NextOffset())
		must(t, err)
		skipped := map[int64]bool{}
		for len(buf) > 0 {
			var batch record.Batch
			batch, buf, err = record.Split(buf)
			must(t, err)
			for len(aborted) > 0 && aborted[0].FirstOffset <= batch.LastOffset() {
				skipped[aborted[0].ProducerID] = true
				aborted = aborted[1:]
			}
			for r, err := range batch.Records(1 << 20) {
				must(t, err)
				if batch.IsControl() {
					if marker, _, _ := record.ParseMarker(r); marker.Type == record.ControlAbort {
						delete(skipped, batch.ProducerID())
					}
				} else if !batch.IsTransactional() || !skipped[batch.ProducerID()] {
					entries = append(entries, entry{r.Offset, string(r.Key), string(r.Value), r.Value == nil})
				}
			}
		}
		from = slice.NextOffset()
		slice.Release()
	}
	return entries
}

// latest is the model of compaction: of the entries before end, those that are the last of their key there; all from end on.
func latest(entries []entry, end int64) (kept []entry) {
	last := map[string]int64{}
	for _, e := range entries {
		if e.offset < end {
			last[e.key] = e.offset
		}
	}
	for _, e := range entries {
		if e.offset >= end || last[e.key] == e.offset {
			kept = append(kept, e)
		}
	}
	return kept
}

// keyed is a batch of records "key" or "key=value"; a bare key is a tombstone.
func keyed(t tester, change func(b *record.Builder), records ...string) record.Batch {
	t.Helper()
	b := record.NewBuilder()
	if change != nil {
		change(b)
	}
	for _, each := range records {
		key, value, has := strings.Cut(each, "=")
		r := record.Record{Timestamp: 1_000, Key: []byte(key)}
		if has {
			r.Value = []byte(value)
		}
		b.Append(r)
	}
	batch, err := b.Build()
	must(t, err)
	return batch
}

func appendAll(t tester, l *commitlog.Log, epoch int32, batches ...record.Batch) {
	t.Helper()
	for _, batch := range batches {
		_, err := l.AppendCoordinator(batch, epoch, 0)
		must(t, err)
	}
}

// seal fills the active segment so that what is before it can be cleaned.
func seal(t tester, l *commitlog.Log) {
	t.Helper()
	before := len(l.Segments())
	for len(l.Segments()) == before {
		appendAll(t, l, l.LastEpoch(), keyed(t, nil, "filler="+strings.Repeat("x", 200)))
	}
}
