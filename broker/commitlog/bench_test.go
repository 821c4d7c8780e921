//go:build !wasip1

package commitlog

import (
	"testing"

	"odradek/broker/env"
	"odradek/broker/env/osenv"
	"odradek/broker/record"
)

// realDisk is the machine's, so that what is measured holds a system call.
func realDisk(t testing.TB) (env.Disk, string) { return osenv.New().Disk, t.TempDir() + "/log-0" }

func openReal(t testing.TB) *Log {
	t.Helper()
	disk, dir := realDisk(t)
	l, err := Open(disk, dir, DefaultConfig(), Options{})
	must(t, err)
	return l
}

// TestAppendAllocates nothing that grows with the records: the index takes memory now and then, and nothing else does.
func TestAppendAllocates(t *testing.T) {
	for name, change := range map[string]func(b *record.Builder){
		"plain":      nil,
		"idempotent": func(b *record.Builder) { b.ProducerID, b.ProducerEpoch, b.BaseSequence = 1, 0, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			l := openReal(t)
			batch := batchOf(t, 100, change)
			sequence := int32(0)
			allocs := testing.AllocsPerRun(2_000, func() {
				if change != nil {
					restamp(batch, sequence)
					sequence += 100
				}
				if _, err := l.AppendLeader(batch, 1); err != nil {
					t.Fatal(err)
				}
			})
			if allocs > 0 {
				t.Errorf("%v allocations an append of 100 records, want 0", allocs)
			}
			must(t, l.Close())
		})
	}
}

func TestReadAllocates(t *testing.T) {
	l := openReal(t)
	for range 500 {
		appendBatch(t, l, 10, 0)
	}
	buf := make([]byte, 1<<20)
	from := int64(0)
	allocs := testing.AllocsPerRun(2_000, func() {
		s, err := l.Read(from, ReadLimits{MaxBytes: 20_000, EndOffset: l.EndOffset()})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.ReadInto(buf); err != nil {
			t.Fatal(err)
		}
		if from = s.NextOffset(); from == l.EndOffset() {
			from = 0
		}
		s.Release()
	})
	if allocs > 0 {
		t.Errorf("%v allocations a read, want 0", allocs)
	}
	must(t, l.Close())
}

func BenchmarkAppendLeader(b *testing.B) {
	for _, size := range []struct {
		name    string
		records int
	}{{"1_record", 1}, {"100_records", 100}, {"10000_records", 10_000}} {
		b.Run(size.name, func(b *testing.B) {
			l := openReal(b)
			batch := batchOf(b, size.records, nil)
			b.SetBytes(int64(len(batch)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.AppendLeader(batch, 1); err != nil {
					b.Fatal(err)
				}
			}
			must(b, l.Delete())
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, where := range []string{"tail", "sequential", "random"} {
		b.Run(where, func(b *testing.B) {
			l := openReal(b)
			batch := batchOf(b, 50, nil)
			for range 20_000 {
				if _, err := l.AppendLeader(batch, 1); err != nil {
					b.Fatal(err)
				}
			}
			buf := make([]byte, 1<<20)
			end := l.EndOffset()
			from := int64(0)
			b.ReportAllocs()
			var bytes int64
			for b.Loop() {
				switch where {
				case "tail":
					from = end - 200
				case "random":
					from = (from*6364136223846793005 + 1442695040888963407) >> 1 & (1<<62 - 1) % end
				}
				s, err := l.Read(from, ReadLimits{MaxBytes: 64 << 10, EndOffset: end})
				if err != nil {
					b.Fatal(err)
				}
				if err := s.ReadInto(buf); err != nil {
					b.Fatal(err)
				}
				bytes += int64(s.Len())
				if from = s.NextOffset(); from == end {
					from = 0
				}
				s.Release()
			}
			b.ReportMetric(float64(bytes)/b.Elapsed().Seconds()/1e6, "MB/s")
			must(b, l.Delete())
		})
	}
}

// restamp gives an idempotent batch its sequence number and the CRC that goes with it, as a producer does.
func restamp(batch record.Batch, sequence int32) {
	const baseSequenceAt = 53
	for i := range 4 {
		batch[baseSequenceAt+i] = byte(sequence >> (24 - 8*i))
	}
	crc := crcOf(batch)
	for i := range 4 {
		batch[17+i] = byte(crc >> (24 - 8*i))
	}
}
