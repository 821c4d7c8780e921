package commitlog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"odradek/broker/env/memenv"
	"odradek/broker/record"

	"pgregory.net/rapid"
)

// universe runs a log against what it must hold, through crashes at any operation of the disk.
type universe struct {
	t    *rapid.T
	disk *memenv.Disk
	cfg  Config
	log  *Log

	// What was appended and not truncated, and that of it which the state of the producers is made of: after a crash or a truncation
	// it may lack what the segments before the first one said, and a snapshot may bring it back later.
	batches []record.Batch
	told    []record.Batch
	start   int64
	end     int64
	epoch   int32
	synced  int64 // before it, everything was acknowledged by Sync or is durable by a truncation

	running   bool // an operation that a crash may hit is under way
	countdown int  // operations until the crash; 0 is none
	crash     func() *memenv.Disk
	next      *memenv.Disk // after the crash
	power     bool
}

// unsure is what an operation that a crash has cut short may have done.
type unsure struct {
	appended record.Batch // may be there
	cut      int64        // the end may be as low as this; -1 is no truncation
	starts   []int64      // may be the start
	restart  bool         // nothing is promised of the records
}

func (u *universe) open() {
	u.arm()
	u.running = true
	defer func() { u.running = false }()
	for {
		l, err := Open(u.disk, testDir, u.cfg, inline)
		if err == nil {
			u.log = l
			u.arm()
			return
		}
		if u.next == nil {
			u.t.Fatalf("open: %v", err)
		}
		u.disk, u.next = u.next, nil // crashed again while recovering: once more, unharmed
	}
}

// arm lets the disk crash after some operations from now on, or not at all.
func (u *universe) arm() {
	u.countdown = rapid.IntRange(0, 80).Draw(u.t, "operations until the crash")
	power := rapid.Bool().Draw(u.t, "power loss")
	seed := rapid.Uint64Range(0, 50).Draw(u.t, "what survives")
	disk := u.disk
	u.crash = func() *memenv.Disk {
		u.power = u.power || power
		if !power {
			return disk.Kill()
		}
		loss := memenv.Loss{Torn: seed%2 == 0}
		if seed > 0 {
			loss.Rand = rand.New(rand.NewPCG(seed, 1))
		}
		return disk.PowerLoss(loss)
	}
	disk.SetHook(func(memenv.Op) error {
		if !u.running || u.countdown == 0 {
			return nil
		}
		if u.countdown--; u.countdown == 0 {
			u.next = u.crash()
			return memenv.ErrDead
		}
		return nil
	})
}

// do runs an operation, and recovers when it crashed. ok says that it was done.
func (u *universe) do(what string, might unsure, op func() error) (ok bool) {
	u.running = true
	err := op()
	u.running = false
	if u.next == nil {
		if err != nil {
			u.t.Fatalf("%s: %v", what, err)
		}
		return true
	}
	if might.starts == nil {
		might.starts = []int64{u.start}
	}
	u.disk, u.next = u.next, nil
	u.open()
	u.recovered(what, might)
	return false
}

// recovered checks what the log holds after a crash, and goes on from there.
func (u *universe) recovered(during string, might unsure) {
	l := u.log
	start, end := l.StartOffset(), l.EndOffset()
	full, high := u.batches, u.end
	if might.appended != nil {
		full, high = append(full[:len(full):len(full)], might.appended), might.appended.NextOffset()
	}
	low := u.end
	if u.power {
		low = u.synced
	}
	if might.cut >= 0 {
		low = min(low, might.cut)
	}
	emptied := end == start && contains(might.starts, start) && start > low
	switch {
	case might.restart:
	case !contains(might.starts, start):
		u.t.Fatalf("start %d after a crash in %s, want one of %v", start, during, might.starts)
	case !emptied && (end < low || end > high):
		u.t.Fatalf("end %d after a crash in %s (power %v), want %d to %d", end, during, u.power, low, high)
	}
	var want []byte
	var kept []record.Batch
	for _, batch := range full {
		if batch.LastOffset() >= end {
			continue
		}
		kept = append(kept, batch)
		if batch.BaseOffset() >= l.segments[0].base && batch.LastOffset() >= start {
			want = append(want, batch...)
		}
	}
	if got := readAll(u.t, l, start, 900); !bytes.Equal(got, want) {
		u.t.Fatalf("after a crash in %s: %s\n%x\nwant %s\n%x", during, offsets(u.t, got), got, offsets(u.t, want), want)
	}
	u.batches, u.start, u.end, u.synced, u.power = kept, start, end, end, false
	u.told = u.rememberedOf(kept)
	u.check()
}

func contains(list []int64, x int64) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

// check compares what the log derives from its records.
func (u *universe) check() {
	l := u.log
	if l.StartOffset() != u.start || l.EndOffset() != u.end {
		u.t.Fatalf("log holds %d to %d, want %d to %d", l.StartOffset(), l.EndOffset(), u.start, u.end)
	}
	if l.SyncedOffset() < u.synced || l.SyncedOffset() > u.end {
		u.t.Fatalf("synced to %d, want %d to %d", l.SyncedOffset(), u.synced, u.end)
	}
	var epochs epochCache
	state := producersOf(u.told)
	for _, batch := range u.batches {
		epochs.assign(max(batch.PartitionLeaderEpoch(), 0), batch.BaseOffset())
	}
	epochs.truncateFromStart(u.start)
	epochs.truncateFromEnd(u.end)
	if got, want := epochString(&l.epochs, u.end), epochString(&epochs, u.end); got != want {
		u.t.Fatalf("epochs %s, want %s", got, want)
	}
	if got, want := l.producers.snapshot(u.end), state.snapshot(u.end); !bytes.Equal(got, want) {
		u.t.Fatalf("producers\n%x, want\n%x", got, want)
	}
	stable := l.LastStableOffset(u.end)
	u.checkAborted(u.start, stable)
	if mid := (u.start + stable) / 2; mid <= stable {
		u.checkAborted(u.start, mid)
		u.checkAborted(max(mid, u.start), stable)
	}
	for _, batch := range u.batches {
		if batch.LastOffset() >= u.start && l.EpochAt(max(batch.BaseOffset(), u.start)) != batch.PartitionLeaderEpoch() {
			u.t.Fatalf("epoch of %d is %d, want %d", batch.BaseOffset(), l.EpochAt(batch.BaseOffset()), batch.PartitionLeaderEpoch())
		}
	}
}

// checkAborted compares the aborted transactions of a part of the log with those of its records. Where a
// transaction began that is older than the first segment, the log may know or not.
func (u *universe) checkAborted(from, end int64) {
	got, err := u.log.AbortedTransactions(from, end)
	must(u.t, err)
	byMarker := map[int64]AbortedTxn{}
	for i, a := range got {
		if i > 0 && a.FirstOffset < got[i-1].FirstOffset {
			u.t.Fatalf("aborted transactions out of order: %v", got)
		}
		byMarker[a.LastOffset] = a
	}
	base, state := u.log.segments[0].base, newProducerState()
	for _, batch := range u.inSegments(u.batches) {
		want, ok := state.applyBatch(batch)
		if !ok || want.LastOffset < from || want.FirstOffset >= end {
			continue
		}
		known := byMarker[want.LastOffset]
		if known.ProducerID != want.ProducerID || known.LastOffset != want.LastOffset || max(known.FirstOffset, base) > want.FirstOffset {
			u.t.Fatalf("aborted from %d to %d: %+v, want %+v", from, end, got, want)
		}
		if known.FirstOffset >= base && known.FirstOffset != want.FirstOffset {
			u.t.Fatalf("aborted from %d to %d: %+v, want %+v", from, end, got, want)
		}
		delete(byMarker, want.LastOffset)
	}
	for _, a := range byMarker {
		if a.FirstOffset >= base {
			u.t.Fatalf("aborted from %d to %d: %+v, which is not in the log", from, end, a)
		}
	}
}

func (u *universe) inSegments(batches []record.Batch) []record.Batch {
	return slices.DeleteFunc(slices.Clone(batches), func(b record.Batch) bool { return b.BaseOffset() < u.log.segments[0].base })
}

// rememberedOf is what the log's state of the producers is made of, of these batches: those of its segments, which it has to know, and as
// many before them as snapshots told.
func (u *universe) rememberedOf(batches []record.Batch) []record.Batch {
	end, known := u.log.EndOffset(), u.inSegments(batches)
	for from := range len(batches) - len(known) {
		if state := producersOf(batches[from:]); bytes.Equal(u.log.producers.snapshot(end), state.snapshot(end)) {
			return slices.Clip(batches[from:])
		}
	}
	return known
}

func producersOf(batches []record.Batch) producerState {
	state := newProducerState()
	for _, batch := range batches {
		state.applyBatch(batch)
	}
	return state
}

// epochString lists the epochs that hold records.
func epochString(c *epochCache, end int64) string {
	var out bytes.Buffer
	for _, e := range c.entries {
		if e.start < end {
			fmt.Fprintf(&out, "%d@%d ", e.epoch, e.start)
		}
	}
	return out.String()
}

func (u *universe) append(t *rapid.T) {
	u.epoch += int32(rapid.IntRange(0, 5).Draw(t, "new epoch") / 5)
	size := rapid.SampledFrom([]int{1, 80, 3_000}).Draw(t, "bytes")
	id := rapid.Int64Range(-1, 2).Draw(t, "producer")
	n := rapid.IntRange(1, 4).Draw(t, "records")
	batch := batchAt(t, n, 1_000, func(b *record.Builder) {
		if id >= 0 {
			idempotent(id, int16(u.epoch), int32(u.end))(b)
			b.Transactional = rapid.Bool().Draw(t, "transactional") || u.inTxn(id)
		}
		b.Append(record.Record{Timestamp: u.end, Value: make([]byte, size)})
	})
	u.appendBatch(batch)
}

func (u *universe) marker(t *rapid.T) {
	id := rapid.Int64Range(0, 2).Draw(t, "producer")
	kind := rapid.SampledFrom([]record.ControlType{record.ControlCommit, record.ControlAbort}).Draw(t, "kind")
	batch, err := record.MarkerBatch(record.Marker{Type: kind}, id, int16(u.epoch), 5)
	must(t, err)
	u.appendBatch(batch)
}

func (u *universe) inTxn(id int64) bool { return u.log.producers.lookup(id).txnFirstOffset >= 0 }

func (u *universe) appendBatch(batch record.Batch) {
	batch.SetBaseOffset(u.end)
	batch.SetPartitionLeaderEpoch(u.epoch)
	kept := bytes.Clone(batch)
	if u.do("append", unsure{appended: kept, cut: -1}, func() error {
		_, err := u.log.AppendCoordinator(batch, u.epoch, 0)
		return err
	}) {
		u.batches, u.told, u.end = append(u.batches, kept), append(u.told, kept), record.Batch(kept).NextOffset()
	}
}

func (u *universe) truncate(t *rapid.T) {
	offset := rapid.Int64Range(u.start, u.end+1).Draw(t, "offset")
	cut := u.end
	kept := u.batches
	for len(kept) > 0 && kept[len(kept)-1].LastOffset() >= offset {
		kept = kept[:len(kept)-1]
		cut = u.batches[len(kept)].BaseOffset()
	}
	var pin Slice
	if rapid.Bool().Draw(t, "with a slice out") {
		pin, _ = u.log.Read(u.start, ReadLimits{MaxBytes: 1 << 20, EndOffset: u.end})
	}
	start := min(u.start, cut)
	if u.do("truncate", unsure{cut: cut, starts: []int64{u.start, start}}, func() error { return u.log.TruncateTo(offset) }) {
		if cut < u.end {
			u.synced = min(u.synced, cut)
		}
		u.batches, u.end, u.start = kept, cut, start
		u.told = u.rememberedOf(kept)
		pin.Release()
	}
}

func (u *universe) restart(t *rapid.T) {
	offset := rapid.Int64Range(0, u.end+20).Draw(t, "offset")
	might := unsure{cut: 0, restart: true}
	if u.do("restart", might, func() error { return u.log.TruncateAndStartAt(offset) }) {
		u.batches, u.told, u.start, u.end, u.synced = nil, nil, offset, offset, offset
	}
}

func (u *universe) advance(t *rapid.T) {
	offset := rapid.Int64Range(u.start, u.end).Draw(t, "offset")
	if u.do("advance", unsure{cut: -1, starts: []int64{u.start, offset}}, func() error { return u.log.AdvanceStart(offset) }) {
		u.start = offset
	}
}

func (u *universe) dropHead(*rapid.T) {
	u.do("drop head", unsure{cut: -1}, func() error {
		_, err := u.log.DropHead()
		return err
	})
}

func (u *universe) sync(*rapid.T) {
	if u.do("sync", unsure{cut: -1}, func() error { return u.log.Sync(u.end) }) {
		u.synced = u.end
	}
}

func (u *universe) reopen(*rapid.T) {
	if !u.do("close", unsure{cut: -1}, func() error { return u.log.Close() }) {
		return
	}
	u.synced = u.end
	u.do("open", unsure{cut: -1}, func() error {
		u.open()
		return nil
	})
}

// TestLogSurvivesCrashes: after a crash at any operation the log is a prefix of what was appended; a process that dies loses
// nothing, a loss of power nothing that Sync has acknowledged; nothing that was truncated comes back; epochs and producers are
// those of the records.
func TestLogSurvivesCrashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := DefaultConfig()
		cfg.SegmentBytes = rapid.SampledFrom([]int64{4_000, 9_000, 30_000}).Draw(t, "segment.bytes")
		cfg.IndexIntervalBytes = rapid.SampledFrom([]int64{0, 100, 4_096}).Draw(t, "index.interval.bytes")
		cfg.ProducerIDExpirationMs, cfg.VerifyTransactions = 1<<60, false
		cfg.Preallocate = rapid.Bool().Draw(t, "preallocate")
		cfg.FileDeleteDelayMs = rapid.SampledFrom([]int64{0, 1 << 40}).Draw(t, "file.delete.delay.ms")
		u := &universe{t: t, disk: memenv.NewDisk(), cfg: cfg}
		u.open()
		u.recovered("the first open", unsure{cut: -1, starts: []int64{0}})
		t.Repeat(map[string]func(*rapid.T){
			"append": u.append, "append again": u.append, "append more": u.append, "marker": u.marker,
			"truncate": u.truncate, "restart": u.restart, "advance": u.advance, "drop head": u.dropHead, "sync": u.sync, "reopen": u.reopen,
			"": func(*rapid.T) { u.check() },
			"crash": func(*rapid.T) {
				u.countdown = 1
				u.do("nothing", unsure{cut: -1}, func() error {
					_, err := u.disk.List(testDir)
					return err
				})
			},
		})
	})
}
