package cleaner

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"odradek/broker/commitlog"
	"odradek/broker/env/memenv"
	"odradek/broker/record"

	"pgregory.net/rapid"
)

// story is a log and what happens to it: what was written, how far it was synced, and what then lets records die. It can be told again
// and again, each time with a crash at another operation of the disk.
type story struct {
	batches []record.Batch
	synced  int // how many of them an fsync had acknowledged
	death   []string
	offset  int64 // of DeleteRecords
	bytes   int64 // of retention
	power   bool
	seed    uint64 // of what survives a loss of power
}

func drawStory(t *rapid.T) story {
	s := story{
		power: rapid.Bool().Draw(t, "power loss"), seed: rapid.Uint64Range(0, 50).Draw(t, "what survives"),
		death: rapid.SampledFrom([][]string{{"compact"}, {"delete"}, {"retain"}, {"delete", "compact"}, {"compact", "delete"}, {"compact", "retain", "compact"}}).Draw(t, "death"),
	}
	n := rapid.IntRange(8, 30).Draw(t, "batches")
	end := int64(0)
	for i := range n {
		var records []string
		for range rapid.IntRange(1, 3).Draw(t, "records") {
			r := fmt.Sprint("k", rapid.IntRange(0, 6).Draw(t, "key"))
			if rapid.IntRange(0, 5).Draw(t, "tombstone") > 0 {
				r += "=" + strings.Repeat("v", rapid.IntRange(0, 90).Draw(t, "size"))
			}
			records = append(records, r)
		}
		batch := keyed(t, nil, records...)
		batch.SetBaseOffset(end)
		batch.SetPartitionLeaderEpoch(int32(i / 10))
		end = batch.NextOffset()
		s.batches = append(s.batches, batch)
	}
	s.synced = rapid.IntRange(n/2, n).Draw(t, "synced")
	s.offset = rapid.Int64Range(1, end).Draw(t, "offset")
	s.bytes = rapid.Int64Range(0, 2_000).Draw(t, "bytes")
	return s
}

// telling is one time that a story is told.
type telling struct {
	story
	t      *rapid.T
	disk   *memenv.Disk
	log    *commitlog.Log
	before []entry
	full   int64 // the end of all that was written
	synced int64 // before it, fsyncs have acknowledged everything
	// start is what was acknowledged, asked what may have become durable without.
	start, asked int64
	clean        int64 // compaction may have cleaned what is before
}

func (s story) tell(t *rapid.T) *telling {
	w := &telling{story: s, t: t, disk: memenv.NewDisk()}
	w.log = openLog(t, w.disk)
	for i, batch := range s.batches {
		if i == s.synced {
			w.synced = w.log.EndOffset()
			must(t, w.log.Sync(w.synced))
		}
		_, err := w.log.AppendFollower(slices.Clone(batch))
		must(t, err)
	}
	w.full = w.log.EndOffset()
	if s.synced == len(s.batches) {
		w.synced = w.full
		must(t, w.log.Sync(w.full))
	}
	w.before, _ = contents(t, w.log)
	return w
}

// die has records die, until that is done or the disk fails.
func (w *telling) die() error {
	for _, how := range w.death {
		to := w.log.StartOffset()
		switch how {
		case "compact":
			plan := Consider(w.log.Segments(), 0, to, w.log.LastStableOffset(w.log.EndOffset()), policy, 5_000)
			if plan.DirtyBytes == 0 {
				continue
			}
			w.clean = max(w.clean, plan.End)
			if _, err := Clean(bg, w.log, plan, policy, options(1<<20, 5_000)); err != nil {
				return err
			}
			continue
		case "delete":
			to = max(to, w.offset)
		case "retain":
			to = Retention{Ms: -1, Bytes: w.bytes}.NewStart(w.log.Segments(), to, w.log.EndOffset(), 5_000)
		}
		w.asked = to
		if err := w.log.AdvanceStart(to); err != nil {
			return err
		}
		w.start = to
		if _, err := w.log.DropHead(); err != nil {
			return err
		}
	}
	return nil
}

// crashAt runs f, and stops the world before the nth operation of the disk. It returns the disk as it is then; crashed is false when f
// ended before.
func (w *telling) crashAt(nth int, f func() error) (crashed bool) {
	disk, ops := w.disk, 0
	var next *memenv.Disk
	disk.SetHook(func(memenv.Op) error {
		if ops++; ops == nth {
			next = w.crash(disk)
		}
		if next != nil {
			return memenv.ErrDead
		}
		return nil
	})
	err := f()
	disk.SetHook(nil)
	if next == nil {
		must(w.t, err)
		return false
	}
	w.disk = next
	return true
}

func (w *telling) crash(disk *memenv.Disk) *memenv.Disk {
	if !w.power {
		return disk.Kill()
	}
	loss := memenv.Loss{Torn: w.seed%2 == 0}
	if w.seed > 0 {
		loss.Rand = rand.New(rand.NewPCG(w.seed, 1))
	}
	return disk.PowerLoss(loss)
}

// check holds the log, as it was recovered, against what it must hold and may hold.
func (w *telling) check(when string) string {
	t, l := w.t, w.log
	start, end := l.StartOffset(), l.EndOffset()
	if start < w.start || start > w.asked {
		t.Fatalf("%s: starts at %d, acknowledged was %d, asked for %d", when, start, w.start, w.asked)
	}
	least := w.full
	if w.power {
		least = w.synced
	}
	if least = max(least, start); end < least || end > max(w.full, start) {
		t.Fatalf("%s: ends at %d, want %d to %d", when, end, least, w.full)
	}
	var may, must []entry
	within := func(e entry) bool { return e.offset >= start && e.offset < end }
	for _, e := range w.before {
		if within(e) {
			may = append(may, e)
		}
	}
	for _, e := range latest(w.before, w.clean) {
		if within(e) {
			must = append(must, e)
		}
	}
	got, batches := contents(t, l)
	got = slices.DeleteFunc(got, func(e entry) bool { return e.offset < start }) // of the batch that the start is in
	if !contains(may, got) || !contains(got, must) {
		t.Fatalf("%s: holds %v\nof     %v\nneeds  %v\nbatches %s", when, got, may, must, batches)
	}
	names, err := w.disk.List("topic-0")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".cleaned") || strings.HasSuffix(name, ".swap") || strings.HasSuffix(name, ".tmp") {
			t.Fatalf("%s: %s is left", when, name)
		}
	}
	return fmt.Sprint(start, end, got)
}

// TestEveryDeathSurvivesCrashes: records die by compaction, DeleteRecords and retention, and the world stops at each operation of the disk
// in turn. What was acknowledged is there, what a start was acknowledged for does not come back, compaction keeps the latest of each key
// at its offset; a crash in the recovery changes nothing of that; what one recovery has found, a loss of power later the next one finds.
func TestEveryDeathSurvivesCrashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		stride := 1
		if testing.Short() {
			stride = 5
		}
		nth := rapid.IntRange(1, stride).Draw(t, "first crash")
		for ; ; nth += stride {
			w := s.tell(t)
			if !w.crashAt(nth, w.die) {
				w.check("without a crash")
				return
			}
			again := 1 + nth*7%23 // somewhere in the recovery
			w.crashAt(again, func() (err error) {
				w.log, err = commitlog.Open(w.disk, "topic-0", configuration(), inline)
				return err
			})
			w.log = openLog(t, w.disk)
			found := w.check(fmt.Sprintf("crash at %d and at %d of the recovery", nth, again))
			w.disk = w.disk.PowerLoss(memenv.Loss{})
			w.log = openLog(t, w.disk)
			if got := w.check(fmt.Sprintf("crash at %d, recovered, without power", nth)); got != found {
				t.Fatalf("crash at %d: found\n%s\nand after a loss of power\n%s", nth, found, got)
			}
			// The round that was cut short is done, and ends where one without a crash would have.
			if w.clean > 0 {
				cleanAll(t, w.log, 0, 1<<20, 5_000)
				w.check("cleaned afterwards")
			}
		}
	})
}
