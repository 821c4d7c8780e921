package cleaner

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"odradek/broker/commitlog"
	"odradek/broker/env/memenv"
	"odradek/broker/record"

	"pgregory.net/rapid"
)

var bg = context.Background()

// fill appends random batches to a log of small segments, and returns what compaction may see of them: the records that were
// not aborted.
func fill(t *rapid.T, l *commitlog.Log, batches int) (visible []entry) {
	epoch, inTxn, sequence := int32(0), map[int64][]entry{}, int32(0)
	for range rapid.IntRange(1, batches).Draw(t, "batches") {
		epoch += int32(rapid.IntRange(0, 6).Draw(t, "new epoch") / 6)
		id := rapid.SampledFrom([]int64{-1, -1, 7, 8, 9}).Draw(t, "producer")
		offset := l.EndOffset()
		if id == 9 && inTxn[id] != nil && rapid.Bool().Draw(t, "ends") {
			abort := rapid.Bool().Draw(t, "aborts")
			kind := record.ControlCommit
			if abort {
				kind = record.ControlAbort
			} else {
				visible = append(visible, inTxn[id]...)
			}
			marker, err := record.MarkerBatch(record.Marker{Type: kind}, id, 0, 1_000)
			must(t, err)
			appendAll(t, l, epoch, marker)
			inTxn[id] = nil
			continue
		}
		var records []string
		var entries []entry
		for i := range rapid.IntRange(1, 4).Draw(t, "records") {
			e := entry{offset: offset + int64(i), key: fmt.Sprint("k", rapid.IntRange(0, 9).Draw(t, "key"))}
			text := e.key
			if e.tombstone = rapid.IntRange(0, 4).Draw(t, "tombstone") == 0; !e.tombstone {
				e.value = strings.Repeat("v", rapid.IntRange(0, 60).Draw(t, "size"))
				text += "=" + e.value
			}
			records, entries = append(records, text), append(entries, e)
		}
		codec := record.Codec(rapid.IntRange(0, 4).Draw(t, "codec"))
		appendAll(t, l, epoch, keyed(t, func(b *record.Builder) {
			b.Codec = codec
			if id >= 0 {
				b.ProducerID, b.ProducerEpoch, b.BaseSequence, b.Transactional = id, 0, sequence, id == 9
				sequence += int32(len(records))
			}
		}, records...))
		if id == 9 {
			inTxn[id] = append(inTxn[id], entries...)
		} else {
			visible = append(visible, entries...)
		}
	}
	if open := inTxn[9]; open != nil { // not decided: beyond the last stable offset
		visible = append(visible, open...)
	}
	slices.SortFunc(visible, func(a, b entry) int { return int(a.offset - b.offset) })
	return visible
}

// survivors are the entries of the model: what was aborted before clean goes wherever it is.
func survivors(visible []entry, clean int64) []entry { return latest(visible, clean) }

// cleanPart leaves out the aborted records that no round has reached.
func cleanPart(entries []entry, end int64) []entry {
	i := slices.IndexFunc(entries, func(e entry) bool { return e.offset >= end })
	if i < 0 {
		return entries
	}
	return entries[:i]
}

// TestCleanIsLatestWins: whatever was written, and however small the offset map, what is left of the clean part is the last
// record of each key, at its own offset; the rest of the log is as it was; producers and leader epochs are what they were,
// also for who knows only the cleaned log.
func TestCleanIsLatestWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := memenv.NewDisk()
		l := openLog(t, disk)
		visible := fill(t, l, 40)
		before, _ := contents(t, l)
		ends, lastEpoch := l.ProducerEnds(), l.LastEpoch()
		var epochs []int64
		for epoch := range lastEpoch + 1 {
			_, end := l.EpochEndOffset(epoch)
			epochs = append(epochs, end)
		}
		end := l.EndOffset()
		mapBytes := rapid.SampledFrom([]int64{4 * KeyBytes, 9 * KeyBytes, 1 << 20}).Draw(t, "map")
		clean := cleanAll(t, l, 0, mapBytes, 5_000)
		check := func(l *commitlog.Log) {
			got, batches := contents(t, l)
			if want := cleanPart(survivors(visible, clean), clean); !slices.Equal(cleanPart(got, clean), want) {
				t.Fatalf("clean to %d: %v\nwant %v\nbatches %s", clean, cleanPart(got, clean), want, batches)
			}
			if rest := got[len(cleanPart(got, clean)):]; !slices.Equal(rest, before[len(cleanPart(before, clean)):]) {
				t.Fatalf("from %d on: %v", clean, rest)
			}
			stable := l.LastStableOffset(end)
			want := slices.DeleteFunc(latest(visible, clean), func(e entry) bool { return e.offset >= stable })
			if got := committed(t, l, rapid.IntRange(1, 400).Draw(t, "bytes a read")); !slices.Equal(got, want) {
				t.Fatalf("a reader of committed records sees %v\nwant %v\nbatches %s", got, want, batches)
			}
			if l.EndOffset() != end || l.LastEpoch() != lastEpoch {
				t.Fatalf("log ends at %d in epoch %d, was %d in %d", l.EndOffset(), l.LastEpoch(), end, lastEpoch)
			}
		}
		check(l)
		must(t, l.Close())
		check(openLog(t, disk))

		replica := openLog(t, memenv.NewDisk())
		must(t, openLog(t, disk).EachBatch(0, func(batch record.Batch) bool {
			_, err := replica.AppendFollower(slices.Clone(batch))
			must(t, err)
			return true
		}))
		check(replica)
		if got := replica.ProducerEnds(); !reflect.DeepEqual(got, ends) {
			t.Fatalf("a replica knows producers %v, want %v", got, ends)
		}
		for epoch := range lastEpoch + 1 {
			if _, got := replica.EpochEndOffset(epoch); got != epochs[epoch] {
				t.Fatalf("a replica has epoch %d end at %d, want %d", epoch, got, epochs[epoch])
			}
		}
	})
}

// TestCleanSurvivesCrashes: at whatever operation of the disk the process dies or the power goes, no record is lost that
// compaction keeps, none comes back changed, and the next round ends where one without a crash would have.
func TestCleanSurvivesCrashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := memenv.NewDisk()
		l := openLog(t, disk)
		visible := fill(t, l, 24)
		must(t, l.Sync(l.EndOffset()))
		end := l.EndOffset()
		before, _ := contents(t, l)
		plan := Consider(l.Segments(), 0, 0, l.LastStableOffset(end), policy, 5_000)
		power := rapid.Bool().Draw(t, "power loss")
		stride := rapid.IntRange(1, 4).Draw(t, "stride")
		for countdown := 1; plan.DirtyBytes > 0; countdown += stride {
			ops, next := 0, (*memenv.Disk)(nil)
			disk.SetHook(func(memenv.Op) error {
				if ops++; ops == countdown {
					next = disk.Kill()
					if power {
						next = disk.PowerLoss(memenv.Loss{})
					}
				}
				if next != nil {
					return memenv.ErrDead
				}
				return nil
			})
			_, err := Clean(bg, l, plan, policy, options(1<<20, 5_000))
			disk.SetHook(nil)
			if next == nil {
				must(t, err)
				break
			}
			disk = next
			l = openLog(t, disk)
			got, _ := contents(t, l)
			if l.EndOffset() != end || !contains(before, got) || !contains(got, cleanPart(survivors(visible, plan.End), plan.End)) {
				t.Fatalf("crash %d: log ends at %d with %v", countdown, l.EndOffset(), got)
			}
		}
		got, batches := contents(t, l)
		if want := cleanPart(survivors(visible, plan.End), plan.End); !slices.Equal(cleanPart(got, plan.End), want) {
			t.Fatalf("%v\nwant %v\nbatches %s", got, want, batches)
		}
		names, err := disk.List("topic-0")
		must(t, err)
		for _, name := range names {
			if strings.Contains(name, ".cleaned") || strings.Contains(name, ".swap") {
				t.Fatalf("%s is left", name)
			}
		}
	})
}

// contains says that part is a subsequence of whole.
func contains(whole, part []entry) bool {
	for _, e := range whole {
		if len(part) > 0 && e == part[0] {
			part = part[1:]
		}
	}
	return len(part) == 0
}

func keys(entries []entry) string {
	var out []string
	for _, e := range entries {
		if e.key != "filler" {
			out = append(out, fmt.Sprintf("%d:%s=%s", e.offset, e.key, e.value))
		}
	}
	return strings.Join(out, " ")
}

// TestTombstones: a tombstone stays for delete.retention.ms from the first round on, and goes by a round after that.
func TestTombstones(t *testing.T) {
	l := openLog(t, memenv.NewDisk())
	appendAll(t, l, 0, keyed(t, nil, "a=1", "b=1"), keyed(t, nil, "a", "c=2"))
	steps := []struct {
		nowMs int64
		want  string
	}{{5_000, "1:b=1 2:a= 3:c=2"}, {5_999, "1:b=1 2:a= 3:c=2"}, {6_000, "1:b=1 3:c=2"}, {9_000, "1:b=1 3:c=2"}}
	clean := int64(0)
	for _, step := range steps {
		seal(t, l)
		clean = cleanAll(t, l, clean, 1<<20, step.nowMs)
		got, batches := contents(t, l)
		if keys(got) != step.want {
			t.Errorf("at %d: %s, want %s (batches %s)", step.nowMs, keys(got), step.want, batches)
		}
	}
}

// TestMarkers: a marker outlives its transaction's records by delete.retention.ms, from the first round on that finds none.
func TestMarkers(t *testing.T) {
	l := openLog(t, memenv.NewDisk())
	txn := func(sequence int32) func(b *record.Builder) {
		return func(b *record.Builder) {
			b.ProducerID, b.ProducerEpoch, b.BaseSequence, b.Transactional = 5, 0, sequence, true
		}
	}
	abort, err := record.MarkerBatch(record.Marker{Type: record.ControlAbort}, 5, 0, 1_000)
	must(t, err)
	commit, err := record.MarkerBatch(record.Marker{Type: record.ControlCommit}, 5, 0, 1_000)
	must(t, err)
	appendAll(t, l, 0, keyed(t, nil, "z=0"), keyed(t, txn(0), "a=1"), abort, keyed(t, txn(1), "b=1"), commit, keyed(t, nil, "a=2"))
	clean := int64(0)
	for _, step := range []struct {
		nowMs int64
		want  string
	}{{5_000, "0-0(1) 2-2(1) 3-3(1) 4-4(1) 5-5(1) "}, {5_500, "0-0(1) 2-2(1) 3-3(1) 4-4(1) 5-5(1) "},
		{6_400, "0-0(1) 2-2(1) 3-3(1) 4-4(1) 5-5(1) "}, {6_500, "0-0(1) 3-3(1) 4-4(1) 5-5(1) "}} {
		seal(t, l)
		clean = cleanAll(t, l, clean, 1<<20, step.nowMs)
		if _, got := contents(t, l); !strings.HasPrefix(got, step.want) {
			t.Errorf("at %d: %s, want %s", step.nowMs, got, step.want)
		}
	}
}

// TestTruncationOverridesARound: what is replaced while the log is cut is not put in the place of what is left.
func TestTruncationOverridesARound(t *testing.T) {
	l := openLog(t, memenv.NewDisk())
	for i := range 40 {
		appendAll(t, l, 0, keyed(t, nil, fmt.Sprintf("k%d=%d", i%3, i)))
	}
	plan := Consider(l.Segments(), 0, 0, l.EndOffset(), policy, 5_000)
	cut := false
	o := options(1<<20, 5_000)
	read := 0
	o.Throttle = func(context.Context, int) error {
		if read++; read > 30 && !cut { // the dirty part is read, a segment is being written
			cut = true
			return l.TruncateTo(2)
		}
		return nil
	}
	_, err := Clean(bg, l, plan, policy, o)
	if !errors.Is(err, commitlog.ErrChanged) && !errors.Is(err, commitlog.ErrOffsetOutOfRange) {
		t.Fatalf("error %v", err)
	}
	got, _ := contents(t, l)
	if !cut || keys(got) != "0:k0=0 1:k1=1" {
		t.Errorf("cut %v: %s", cut, keys(got))
	}
}
