package bench

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestParseStat(t *testing.T) {
	stat := "4711 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 13 14 20 0 5 0 100 123456 30 18446744073709551615 1 1"
	cpu, rssBytes, err := parseStat([]byte(stat), 4096)
	if cpu != 2*time.Second || rssBytes != 30*4096 || err != nil {
		t.Errorf("%v, %d, %v", cpu, rssBytes, err)
	}
	for _, bad := range []string{"", "4711 (a", "4711 (a) S 1 2", "1 (a) S 1 2 3 4 5 6 7 8 9 10 x 50 13 14 20 0 5 0 100 123456 30 1"} {
		if _, _, err := parseStat([]byte(bad), 4096); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestParseMachine(t *testing.T) {
	busy, idle := parseMachine([]byte("cpu  100 20 30 400 50 6 7 8 90 10\ncpu0 1 1 1 1 1 1 1 1 1 1\n"))
	if busy != 1710*time.Millisecond || idle != 4500*time.Millisecond {
		t.Errorf("%v busy, %v idle", busy, idle)
	}
}

func TestUsageOfThisProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here")
	}
	before, err := UsageOf([]int{os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	for used := before; used.CPUSeconds == before.CPUSeconds; { // a busy machine gives little time: it takes until a tick of it is used
		if used, err = UsageOf([]int{os.Getpid()}); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if _, err := os.ReadFile("/proc/self/stat"); err != nil {
			t.Fatal(err)
		}
	}
	after, err := UsageOf([]int{os.Getpid(), os.Getpid()})
	if err != nil || before.RSSBytes < 1<<20 || after.CPUSeconds <= 2*before.CPUSeconds || after.RSSBytes < before.RSSBytes*3/2 || after.ReadCalls < 2*before.ReadCalls+20 {
		t.Errorf("%+v, then twice %+v: %v", before, after, err)
	}
	if _, err := UsageOf([]int{1 << 30}); err == nil {
		t.Error("a process that does not exist used something")
	}
}

func TestBound(t *testing.T) {
	for _, each := range []struct {
		want string
		rate int
		part Part
	}{
		{"rate", 100, Part{Records: 1000, Seconds: 10, Busy: 1, Cores: 2}},
		{"waiting", 200, Part{Records: 1000, Seconds: 10, Busy: 0.5, Cores: 2}},
		{"client", 0, Part{Seconds: 10, Busy: 0.95, Cores: 2, Client: 10, Broker: Usage{CPUSeconds: 8}}},
		{"broker", 0, Part{Seconds: 10, Busy: 0.95, Cores: 2, Client: 8, Broker: Usage{CPUSeconds: 10}}},
		{"others", 0, Part{Seconds: 10, Busy: 0.95, Cores: 2, Client: 5, Broker: Usage{CPUSeconds: 2}}},
	} {
		if got := each.part.bound(each.rate); got != each.want {
			t.Errorf("%+v: %s, want %s", each.part, got, each.want)
		}
	}
}

func TestLine(t *testing.T) {
	produced := newRecorder()
	for ms := range 1000 {
		produced.timed(512<<20/1000, time.Duration(ms+1)*time.Millisecond, time.Now())
	}
	r := &Result{Produce: Part{Bytes: 512 << 20, Records: 1000, Seconds: 2}, Consume: Part{Bytes: 512 << 20, Records: 1000, Seconds: 1}}
	r.latencies(produced, newRecorder())
	want := "produced_per_s=500 produced_mib_per_s=256.0 consumed_mib_per_s=512.0 p50_ms=500.2 p99_ms=990.2 p999_ms=999.4"
	if got := r.Line(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	r.Broker = Usage{CPUSeconds: 3, RSSBytes: 100 << 20}
	if got := r.Line(); got != want+" broker_cpu_s_per_gib=6.00 broker_rss_mib=100" {
		t.Error(got)
	}
	var text bytes.Buffer
	if err := r.Histograms(func(string) (io.WriteCloser, error) { return nopCloser{&text}, nil }); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "#[Max     =") || strings.Count(text.String(), "1/(1-Percentile)") != 1 {
		t.Errorf("histograms: %s", text.String())
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func TestPresets(t *testing.T) {
	if len(Presets()) < 5 {
		t.Fatalf("presets: %v", Presets())
	}
	for _, name := range Presets() {
		if w, err := Preset(name); err != nil || w.Name != name {
			t.Errorf("%s: %q, %v", name, w.Name, err)
		}
	}
	if _, err := Preset("nothing"); err == nil || !strings.Contains(err.Error(), "default") {
		t.Errorf("a preset that is not there: %v", err)
	}
}

func TestBadWorkloads(t *testing.T) {
	for _, text := range []string{
		"", "{}", `{"records": 1, "rekords": 2}`, `{"records": 1, "acks": "2"}`, `{"records": -1}`, `{"seconds": 1, "client": "raw"}`,
		`{"records": 1, "compressible": 1.5}`, `{"records": 1, "record_bytes": 10, "record_bytes_max": 5}`,
		`{"records": 1, "client": "batches", "rate": 5}`, `{"records": 1, "record_bytes": 5, "record_sizes": [{"bytes": 1, "share": 1}]}`,
		`{"records": 1, "record_sizes": [{"bytes": 1}]}`, `{"records": 1, "record_sizes": [{"bytes": -1, "share": 1}]}`, `{"records": 1, "key_skew": 1}`,
		`{"records": 1, "transaction_records": 5, "acks": "1"}`, `{"records": 1, "backlog_seconds": 1}`, `{"seconds": 1, "read": "beside", "backlog_seconds": 1}`, `{"records": 1, "rate": -5}`,
	} {
		if _, err := ParseWorkload([]byte(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

// Values say when they were meant to be sent, and any change of their bytes is found.
func TestPayload(t *testing.T) {
	for _, w := range []Workload{{RecordBytes: 100}, {RecordBytes: 5}, {RecordBytes: 0}, {RecordBytes: 50, RecordBytesMax: 500, Keys: 7, Compressible: 0.5}, {RecordSizes: []SizeShare{{20, 3}, {300, 1}}}} {
		p := newPayload(w)
		for sequence := range uint64(1000) {
			intended := p.began.Add(time.Duration(sequence) * time.Millisecond)
			value := p.value(nil, sequence, intended)
			number, got, stamped, err := p.stamp(value, true)
			if err != nil || stamped != (p.least >= stampBytes) || stamped && (!got.Equal(intended) || number != sequence) || len(value) != p.size(sequence) {
				t.Fatalf("%+v: value %d: %v, %v, %v", w, sequence, got, stamped, err)
			}
			if len(value) <= stampBytes {
				continue
			}
			value[stampBytes+rand.IntN(len(value)-stampBytes)] ^= 1
			if _, _, _, err := p.stamp(value, true); err == nil {
				t.Fatalf("%+v: value %d with a flipped bit passes", w, sequence)
			}
			if _, _, _, err := p.stamp(value[:len(value)-1], false); err == nil && w.RecordBytesMax == 0 {
				t.Fatalf("%+v: value %d cut short passes", w, sequence)
			}
		}
	}
}

// Sizes and keys come in the shares that were asked for.
func TestShares(t *testing.T) {
	const n = 100_000
	p := newPayload(Workload{RecordSizes: []SizeShare{{1000, 1}, {100, 9}}, Keys: 100, KeySkew: 1})
	sizes, keys := map[int]int{}, map[string]int{}
	for sequence := range uint64(n) {
		sizes[p.size(sequence)]++
		keys[string(p.key(sequence))]++
	}
	if p.least != 100 || p.most != 1000 || len(sizes) != 2 || sizes[1000] < n*9/100 || sizes[1000] > n*11/100 {
		t.Errorf("sizes %v, %d to %d", sizes, p.least, p.most)
	}
	// The harmonic number of 100 is 5.19: the first key has a share of 0.193, the tenth a tenth of it.
	if len(keys) != 100 || keys["key-0"] < n*18/100 || keys["key-0"] > n*21/100 || keys["key-9"] < n*15/1000 || keys["key-9"] > n*24/1000 {
		t.Errorf("%d keys, the first %d times and the tenth %d", len(keys), keys["key-0"], keys["key-9"])
	}
}

// Who reads late has caught up when what was written at one look is read at the next.
func TestCatchingUp(t *testing.T) {
	var c catching
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	c.look(500, 0, at(1))
	if backlog, took := c.result(at(2)); backlog != 0 || took != 0 {
		t.Errorf("without a backlog: %d, %v", backlog, took)
	}
	c.begin(1000, 2000, at(10))
	c.look(2200, 1500, at(11))
	c.look(2400, 2199, at(12))
	c.look(2600, 2400, at(13))
	c.look(2800, 2500, at(14)) // and falls behind
	if backlog, took := c.result(at(20)); backlog != 1000 || took != 3 {
		t.Errorf("%d, %v", backlog, took)
	}
	c.caught = time.Time{}
	if _, took := c.result(at(20)); took != 10 {
		t.Errorf("never before the end: %v", took)
	}
}

func TestBatch(t *testing.T) {
	p := newPayload(Workload{RecordBytes: 100})
	batch, records, err := makeBatch(p, 10_000)
	if err != nil || records < 80 || len(batch) > 10_000 {
		t.Fatalf("%d records in %d bytes, %v", records, len(batch), err)
	}
	var decoded kmsg.RecordBatch
	if err := decoded.ReadFrom(batch); err != nil || int(decoded.NumRecords) != records || int(decoded.LastOffsetDelta) != records-1 {
		t.Fatalf("%+v, %v", decoded, err)
	}
	rest := decoded.Records
	for i := range records {
		var record kmsg.Record
		if err := record.ReadFrom(rest); err != nil || int(record.OffsetDelta) != i || len(record.Value) != 100 {
			t.Fatalf("record %d: %+v, %v", i, record, err)
		}
		rest = rest[len(record.AppendTo(nil)):]
	}
	if len(rest) > 0 {
		t.Errorf("%d bytes behind the records", len(rest))
	}
	two := append(bytes.Clone(batch), batch...)
	got, next, err := countRecords(append(two, batch[:100]...), 0, batchCRC(batch), true)
	if err != nil || got != int64(2*records) || next != int64(records) {
		t.Errorf("%d records, next %d, %v", got, next, err)
	}
	two[len(two)-1] ^= 1
	if _, _, err := countRecords(two, 0, batchCRC(batch), true); err == nil {
		t.Error("a flipped bit passes")
	}
	if _, _, err := countRecords(batch, 0, batchCRC(batch)+1, true); err == nil {
		t.Error("another batch passes")
	}
}
