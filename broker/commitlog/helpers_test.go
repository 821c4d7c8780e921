package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/record"
)

// tester is what testing.TB and rapid.T share.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

const testDir = "topic-0"

// inline runs the background's work at once, so that a run has one order of operations. No file that may be closed stays open.
var inline = Options{Go: func(f func()) { f() }, Files: NewFiles(0)}

func openLog(t tester, disk env.Disk, cfg Config) *Log {
	t.Helper()
	l, err := Open(disk, testDir, cfg, inline)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newLog(t tester, change func(*Config)) (*Log, *memenv.Disk) {
	t.Helper()
	cfg := DefaultConfig()
	cfg.VerifyTransactions = false
	if change != nil {
		change(&cfg)
	}
	disk := memenv.NewDisk()
	return openLog(t, disk, cfg), disk
}

func must(t tester, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t tester, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

// batchOf is a batch of n records stamped now, changed by change before it is built.
func batchOf(t tester, n int, change func(b *record.Builder)) record.Batch {
	t.Helper()
	return batchAt(t, n, time.Now().UnixMilli(), change)
}

func batchAt(t tester, n int, timestamp int64, change func(b *record.Builder)) record.Batch {
	t.Helper()
	b := record.NewBuilder()
	if change != nil {
		change(b)
	}
	for i := range n {
		b.Append(record.Record{Timestamp: timestamp, Value: fmt.Appendf(nil, "value %d of %d", i, n)})
	}
	batch, err := b.Build()
	must(t, err)
	return batch
}

func appendBatch(t tester, l *Log, n int, epoch int32) AppendInfo {
	t.Helper()
	info, err := l.AppendLeader(batchOf(t, n, nil), epoch)
	must(t, err)
	return info
}

// readAll is everything from offset on, read in pieces of at most max bytes.
func readAll(t tester, l *Log, from int64, max int) []byte {
	t.Helper()
	var all []byte
	for {
		s, err := l.Read(from, ReadLimits{MaxBytes: max, EndOffset: l.EndOffset(), AtLeastOne: true})
		must(t, err)
		if s.Len() == 0 {
			s.Release()
			return all
		}
		buf := make([]byte, s.Len())
		must(t, s.ReadInto(buf))
		from = s.NextOffset()
		s.Release()
		all = append(all, buf...)
	}
}

// offsets lists base and last offset of the batches.
func offsets(t tester, batches []byte) string {
	t.Helper()
	var out bytes.Buffer
	for len(batches) > 0 {
		batch, rest, err := record.Split(batches)
		must(t, err)
		must(t, batch.Verify())
		fmt.Fprintf(&out, "%d-%d ", batch.BaseOffset(), batch.LastOffset())
		batches = rest
	}
	return out.String()
}

func idempotent(id int64, epoch int16, sequence int32) func(b *record.Builder) {
	return func(b *record.Builder) { b.ProducerID, b.ProducerEpoch, b.BaseSequence = id, epoch, sequence }
}

func names(t tester, disk env.Disk) []string {
	t.Helper()
	list, err := disk.List(testDir)
	must(t, err)
	return list
}

func newDisk() *memenv.Disk { return memenv.NewDisk() }

func crcOf(batch record.Batch) uint32 { return crc32.Checksum(batch[21:], castagnoli) }
