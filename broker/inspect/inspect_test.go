package inspect

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path"
	"strings"
	"testing"

	"odradek/broker/commitlog"
	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/record"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

const testDir = "data/t-0"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// smallSegments makes a log roll and index often.
func smallSegments() commitlog.Config {
	cfg := commitlog.DefaultConfig()
	cfg.SegmentBytes, cfg.IndexIntervalBytes, cfg.ProducerIDExpirationMs = 700, 100, 1<<60
	cfg.MessageTimestampAfterMaxMs = 1 << 60
	return cfg
}

// sampleLog writes a log of three segments, with three leader epochs, an idempotent producer, transactions and a codec.
func sampleLog(t testing.TB) *memenv.Disk {
	t.Helper()
	disk := memenv.NewDisk()
	l, err := commitlog.Open(disk, testDir, smallSegments(), commitlog.Options{Go: func(f func()) { f() }})
	must(t, err)
	const start = 1_700_000_000_000
	for i := range 12 {
		b := record.NewBuilder()
		switch i {
		case 2, 3:
			b.ProducerID, b.ProducerEpoch, b.BaseSequence = 7, 1, int32(2*(i-2))
		case 5, 8:
			b.ProducerID, b.ProducerEpoch, b.BaseSequence, b.Transactional = 9, 0, int32(2*(i-5)/3), true
		case 7:
			b.ProducerID, b.ProducerEpoch, b.BaseSequence, b.Transactional = 11, 0, 0, true
		case 6:
			b.Codec = record.Gzip
		}
		for j := range 2 {
			b.Append(record.Record{Timestamp: start + int64(10*i+j), Key: fmt.Appendf(nil, "key %d", j), Value: fmt.Appendf(nil, "value %d of batch %d", j, i)})
		}
		batch, err := b.Build()
		must(t, err)
		put(t, l, batch, int32(i/5))
		// The transaction of producer 11 is open when that of 9 is aborted.
		switch i {
		case 5:
			mark(t, l, record.ControlCommit, 9, start+55)
		case 8:
			mark(t, l, record.ControlAbort, 9, start+85)
		}
	}
	must(t, l.Close())
	return disk
}

func mark(t testing.TB, l *commitlog.Log, kind record.ControlType, producer, timestamp int64) {
	t.Helper()
	marker, err := record.MarkerBatch(record.Marker{Type: kind, CoordinatorEpoch: 3}, producer, 0, timestamp)
	must(t, err)
	put(t, l, marker, l.LastEpoch())
}

// put appends a batch as a follower does.
func put(t testing.TB, l *commitlog.Log, batch record.Batch, epoch int32) {
	t.Helper()
	batch.SetBaseOffset(l.EndOffset())
	batch.SetPartitionLeaderEpoch(epoch)
	_, err := l.AppendFollower(batch)
	must(t, err)
}

func verify(t testing.TB, disk env.Disk, name string) *Report {
	t.Helper()
	report, err := Verify(disk, name)
	must(t, err)
	return report
}

func TestAWholeLogHasNoProblem(t *testing.T) {
	report := verify(t, sampleLog(t), "data")
	if len(report.Problems) > 0 || len(report.Notes) > 0 || report.Batches != 14 || report.Records != 26 {
		t.Errorf("%+v", report)
	}
}

func flip(t testing.TB, disk env.Disk, name string, bit int64) {
	t.Helper()
	f, err := disk.Open(name, 0)
	must(t, err)
	defer f.Close()
	var b [1]byte
	_, err = f.ReadAt(b[:], bit/8)
	must(t, err)
	b[0] ^= 1 << (bit % 8)
	_, err = f.WriteAt(b[:], bit/8)
	must(t, err)
}

// batchesOf are where the batches of a segment's file begin, and where the last ends.
func batchesOf(t testing.TB, disk env.Disk, name string) (starts []int64) {
	t.Helper()
	content, err := env.ReadFile(disk, name, 1<<20)
	must(t, err)
	at := int64(0)
	for rest := content; len(rest) > 0; {
		batch, tail, err := record.Split(rest)
		must(t, err)
		starts = append(starts, at)
		at, rest = at+int64(len(batch)), tail
	}
	return append(starts, at)
}

// TestEveryFlippedBitIsFound flips each bit of each file of a log that was closed, one at a time. The file must be named, and in a
// segment the very batch.
func TestEveryFlippedBitIsFound(t *testing.T) {
	disk := sampleLog(t)
	names, err := disk.List(testDir)
	must(t, err)
	flipped, step := int64(0), int64(1)
	if testing.Short() {
		step = 13
	}
	for _, base := range names {
		name := path.Join(testDir, base)
		info, err := disk.Stat(name)
		must(t, err)
		kind, _ := commitlog.KindOf(base)
		isText, before := strings.HasSuffix(base, "-checkpoint"), said(t, disk, name)
		var starts []int64
		if kind == commitlog.FileSegment {
			starts = batchesOf(t, disk, name)
		}
		for bit := int64(0); bit < info.Size*8; bit += step {
			flip(t, disk, name, bit)
			problems := verify(t, disk, testDir).Problems
			same := isText && said(t, disk, name) == before
			flip(t, disk, name, bit)
			flipped++
			if !same && !named(problems, kind, name, starts, bit/8) {
				t.Fatalf("%s: bit %d of byte %d is not found, but %v", name, bit%8, bit/8, problems)
			}
		}
	}
	if flipped*step < 15_000 {
		t.Errorf("only %d bits were there", flipped)
	}
	if report := verify(t, disk, testDir); len(report.Problems) > 0 {
		t.Errorf("at the end: %v", report.Problems)
	}
}

// said is what a file says, as a dump shows it: texts can say the same in more than one way.
func said(t testing.TB, disk env.Disk, name string) string {
	t.Helper()
	var b strings.Builder
	must(t, Dump(disk, name, DumpOptions{}, func(item Item) error {
		_, err := fmt.Fprintln(&b, item)
		return err
	}))
	return b.String()
}

func named(problems []Problem, kind commitlog.FileKind, name string, starts []int64, at int64) bool {
	for _, p := range problems {
		switch {
		case kind == commitlog.FileSegment:
			if p.File == name && p.Batch > 0 && p.Position <= at && starts[p.Batch-1] == p.Position && starts[p.Batch] > at {
				return true
			}
		case p.File == name, kind == commitlog.FileEpochs && strings.Contains(p.What, name):
			return true
		}
	}
	return false
}

// TestOffsetsAndEpochsOfAnOpenLog: what the checkpoint says nothing of is held against its neighbours.
func TestOffsetsAndEpochsOfAnOpenLog(t *testing.T) {
	disk := sampleLog(t)
	must(t, disk.Remove(path.Join(testDir, "recovery-point-checkpoint")))
	name := path.Join(testDir, commitlog.FileName(commitlog.FileSegment, 0))
	starts := batchesOf(t, disk, name)
	for _, at := range []int64{7, 15} { // the last bytes of base offset and leader epoch, in a batch in the midst
		flip(t, disk, name, (starts[2]+at)*8+1)
		problems := verify(t, disk, testDir).Problems
		flip(t, disk, name, (starts[2]+at)*8+1)
		if len(problems) != 1 || problems[0].Batch != 3 || problems[0].Position != starts[2] || problems[0].Offset != 4 {
			t.Errorf("byte %d: %v", at, problems)
		}
	}
}

func TestWhatIsMissingOrLeftOver(t *testing.T) {
	second := func(t *testing.T, disk env.Disk, kind commitlog.FileKind) string {
		t.Helper()
		names, err := disk.List(testDir)
		must(t, err)
		for _, name := range names {
			if got, base := commitlog.KindOf(name); got == kind && base > 0 {
				return path.Join(testDir, name)
			}
		}
		t.Fatal("there is none")
		return ""
	}
	for what, c := range map[string]struct {
		change func(t *testing.T, disk env.Disk)
		want   string
	}{
		"a segment":   {func(t *testing.T, disk env.Disk) { must(t, disk.Remove(second(t, disk, commitlog.FileSegment))) }, "the log goes on at"},
		"an index":    {func(t *testing.T, disk env.Disk) { must(t, disk.Remove(second(t, disk, commitlog.FileTimeIndex))) }, "missing"},
		"a txn index": {func(t *testing.T, disk env.Disk) { must(t, disk.Remove(second(t, disk, commitlog.FileTxnIndex))) }, "it lacks the transaction of producer 9"},
		"a tail": {func(t *testing.T, disk env.Disk) {
			f, err := disk.Open(path.Join(testDir, commitlog.FileName(commitlog.FileSegment, 0)), 0)
			must(t, err)
			size, err := f.Size()
			must(t, err)
			must(t, f.Truncate(size-1))
		}, "are there"},
		"an entry of the time index": {func(t *testing.T, disk env.Disk) {
			f, err := disk.Open(path.Join(testDir, commitlog.FileName(commitlog.FileTimeIndex, 0)), 0)
			must(t, err)
			size, err := f.Size()
			must(t, err)
			must(t, f.Truncate(size-12))
		}, "latest time"},
	} {
		t.Run(what, func(t *testing.T) {
			disk := sampleLog(t)
			c.change(t, disk)
			problems := verify(t, disk, "data").Problems
			if len(problems) == 0 || !strings.Contains(fmt.Sprint(problems), c.want) {
				t.Errorf("%v, wanted %q", problems, c.want)
			}
		})
	}
}

func TestZerosAtTheEndAreNoProblem(t *testing.T) {
	disk := sampleLog(t)
	names, err := disk.List(testDir)
	must(t, err)
	last := ""
	for _, name := range names {
		if kind, _ := commitlog.KindOf(name); kind == commitlog.FileSegment {
			last = path.Join(testDir, name)
		}
	}
	f, err := disk.Open(last, 0)
	must(t, err)
	size, err := f.Size()
	must(t, err)
	must(t, f.Truncate(size+5_000))
	if report := verify(t, disk, last); len(report.Problems) > 0 || len(report.Notes) != 1 {
		t.Errorf("%+v", report)
	}
}

// TestDumpTranscript holds what a dump looks like; its lines of batches and records are kafka-dump-log's.
func TestDumpTranscript(t *testing.T) {
	disk := sampleLog(t)
	var b bytes.Buffer
	emit := func(item Item) error {
		_, err := fmt.Fprintln(&b, item)
		return err
	}
	must(t, Dump(disk, "data", DumpOptions{Data: true}, emit))
	must(t, Stat(disk, "data", emit))
	const golden = "testdata/dump.txt"
	if *rewrite {
		must(t, os.WriteFile(golden, b.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s\nwant\n%s", &b, want)
	}
}

func TestDumpOfWhatIsNotKnown(t *testing.T) {
	disk := memenv.NewDisk()
	f, err := disk.Open("letter.txt", os.O_CREATE)
	must(t, err)
	must(t, f.Close())
	err = Dump(disk, "letter.txt", DumpOptions{}, func(Item) error { return nil })
	if !errors.Is(err, ErrUnknownFile) {
		t.Errorf("%v", err)
	}
	must(t, Dump(disk, "/", DumpOptions{}, func(Item) error { return nil }))
}

// FuzzSegment: whatever stands in a segment's file, every byte of it is some piece, and nothing panics.
func FuzzSegment(f *testing.F) {
	disk := sampleLog(f)
	name := path.Join(testDir, commitlog.FileName(commitlog.FileSegment, 0))
	content, err := env.ReadFile(disk, name, 1<<20)
	must(f, err)
	f.Add(content)
	f.Add(append([]byte("rubbish"), content...))
	f.Add(make([]byte, 200))
	f.Fuzz(func(t *testing.T, content []byte) {
		disk := memenv.NewDisk()
		must(t, disk.MkdirAll(testDir))
		file, err := disk.Open(name, os.O_CREATE)
		must(t, err)
		_, err = file.WriteAt(content, 0)
		must(t, err)
		scan, err := openPieces(file)
		must(t, err)
		at := int64(0)
		for {
			p, err := scan.next()
			if err != nil {
				break
			}
			if p.position != at || p.size <= 0 {
				t.Fatalf("piece at %d of %d bytes, expected at %d", p.position, p.size, at)
			}
			at += p.size
		}
		if at != int64(len(content)) {
			t.Errorf("%d of %d bytes", at, len(content))
		}
		verify(t, disk, testDir)
		must(t, Dump(disk, name, DumpOptions{Decode: DecodeOffsets}, func(Item) error { return nil }))
		must(t, Stat(disk, testDir, func(Item) error { return nil }))
	})
}

// FuzzDecoders: records of internal topics come from producers too.
func FuzzDecoders(f *testing.F) {
	f.Add([]byte{0, 1, 0, 1, 'g', 0, 1, 't', 0, 0, 0, 0}, []byte{0, 3})
	f.Add([]byte{0, 2, 0, 1, 'g'}, []byte{0, 3, 0, 0})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		for _, decode := range []Decoder{DecodeOffsets, DecodeTransactions} {
			if k, v := decode(key, value); k == "" || v == "" {
				t.Errorf("%q, %q", k, v)
			}
		}
	})
}
