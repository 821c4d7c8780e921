package page

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"odradek/bench"
	"odradek/bench/compare"
	"odradek/reports"
)

func usage(cpu float64) bench.Usage {
	return bench.Usage{CPUSeconds: cpu, RSSBytes: 30 << 20, ReadCalls: 1000, WriteCalls: 900, MovedIn: 5 << 20, MovedOut: 6 << 20, WrittenBytes: 4 << 20, Switches: 77, Preemptions: 3}
}

// result is one of writing 1000 records of 1 KiB in two seconds, by two processes.
func result(t *testing.T, scale float64) *bench.Result {
	t.Helper()
	r := &bench.Result{
		Workload: bench.Workload{Name: "latency-1KB", Topics: 1, Partitions: 3, RecordBytes: 1024, Rate: 500, Seconds: 2, Producers: 1, Consumers: 1, Read: "beside", Acks: "all", Compression: "none", TopicConfigs: map[string]string{"flush.messages": "1"}},
		Began:    time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Produce: bench.Part{
			Records: 1000, Bytes: 1 << 20, Seconds: 2, Client: 0.5, Busy: 0.9, Cores: 2, Bound: "client", Wire: bench.Wire{SentBytes: 2 << 20, ReceivedBytes: 3 << 20},
			Broker: usage(2 * scale), Processes: []bench.Process{{PID: 11, Usage: usage(scale)}, {PID: 12, Usage: usage(scale)}},
		},
		Consume: bench.Part{Records: 1000, Bytes: 1 << 20, Seconds: 2, Bound: "rate"},
		Broker:  usage(2 * scale), Machine: bench.Machine{Cores: 2, CPU: "a model", System: "Linux 6", MemoryBytes: 8 << 30, Load: 1.5}, Command: "odradek bench --workload x",
		Series: []bench.Second{{At: 1, Long: 1, Produced: 400, Consumed: 390, Produce: bench.Percentiles{P50: scale, P99: 5 * scale, Count: 400}}, {At: 2, Long: 1, Produced: 600, Consumed: 610}},
	}
	r.Produced, r.EndToEnd = bench.HistogramOf(latencies(scale)...), bench.HistogramOf(latencies(2*scale)...)
	r.ProduceMs, r.EndToEndMs = r.Produced.Percentiles(), r.EndToEnd.Percentiles()
	return r
}

func latencies(scale float64) (all []time.Duration) {
	for i := range 1000 {
		all = append(all, time.Duration(scale*float64(i+1)*float64(time.Millisecond)))
	}
	return all
}

func written(t *testing.T, m reports.Measurement) string {
	t.Helper()
	var out bytes.Buffer
	if err := reports.WriteMeasurement(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// All that a result has is on its page, and a result that was written as JSON gives the same page.
func TestPageOfAResult(t *testing.T) {
	r := result(t, 1)
	page := written(t, Of(r))
	for _, words := range []string{
		"<h1>Benchmark: latency-1KB</h1>", "odradek bench --workload x", "client-bound", "Produce latency", "End to end latency", "Second by second", "– pid 12",
		"2 cores, a model, Linux 6, 8.00 GiB of memory", "a load of 1.50", "500 records a second, whatever comes back (open loop): 2 s", "flush.messages=1", "99.99",
		"<td class=\"number\">990</td>", "2.00 MiB", "from when a record was to be sent",
	} {
		if !strings.Contains(page, words) && !strings.Contains(strings.ToLower(page), strings.ToLower(words)) {
			t.Errorf("the page lacks %q", words)
		}
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	again := new(bench.Result)
	if err := json.Unmarshal(text, again); err != nil {
		t.Fatal(err)
	}
	if written(t, Of(again)) != page {
		t.Error("a result that was read again has another page")
	}
}

// What was done to the cluster is a band in what goes by seconds, and its phases are a table.
func TestPageUnderFaults(t *testing.T) {
	r := result(t, 1)
	r.Faults = []bench.Struck{{Words: "crash node 2", From: 0.5, To: 1.5}}
	r.Phases = []bench.Phase{{Name: "before", Seconds: 1}, {Name: "during", Seconds: 1, Written: 321, WriteGapMs: 512, ReadGapMs: 613}, {Name: "after", Seconds: 1}}
	r.Repeated = 17
	page := written(t, Of(r))
	for _, words := range []string{"<title>crash node 2, 0.5 s to 1.5 s</title>", "ms, longest gap in writing", ">512<", ">613<", ">321<", "crash node 2, from 0.5 s", "read 17 records again"} {
		if !strings.Contains(page, words) {
			t.Errorf("the page lacks %q", words)
		}
	}
}

// A percentile curve rises, and ends where there are no records for more.
func TestPercentileCurve(t *testing.T) {
	c := percentiles(bench.HistogramOf(latencies(1)...), "x", 0, false)
	last := c.Points[len(c.Points)-1]
	if last[0] > 1000 || last[0] < 900 || math.Abs(last[1]-999) > 2 {
		t.Errorf("the last point is %v", last)
	}
	for i := 1; i < len(c.Points); i++ {
		if c.Points[i][0] <= c.Points[i-1][0] || c.Points[i][1] < c.Points[i-1][1] {
			t.Errorf("%v after %v", c.Points[i], c.Points[i-1])
		}
	}
}

// A run that wrote one short time has a page too, without what it has nothing for.
func TestPageOfLittle(t *testing.T) {
	page := written(t, Of(&bench.Result{Produce: bench.Part{Records: 1, Bytes: 1, Seconds: 1, Bound: "waiting"}}))
	if strings.Contains(page, "<svg") || strings.Contains(page, "NaN") || strings.Contains(page, "Inf") || !strings.Contains(page, "no process was named") {
		t.Error(page)
	}
}

// A comparison has its ratios, its rows, and a section with the curves of both sides for each thing that was measured.
func TestPageOfAComparison(t *testing.T) {
	g := compare.Group{Name: "latency_1KB_rf1", Sides: [2]string{"ours", "peer"}}
	for _, scale := range []float64{1, 2, 1.5} {
		g.Results[0], g.Results[1] = append(g.Results[0], result(t, scale)), append(g.Results[1], result(t, 10*scale))
	}
	figures := compare.Group{Name: "start_rf1", Sides: g.Sides, Unit: "ms", Figures: [2]compare.Sample{{20, 30}, {2000, 2500}}}
	page := written(t, Comparison(compare.Page{Sides: g.Sides, Commit: "abc", Date: "2026-01-02", Machine: "2 cores", Commands: []string{"make bench-peer"}, Groups: []compare.Group{g, figures}}))
	for _, words := range []string{
		"<h1>Measured against the real Kafka</h1>", "produce p99 1KB rf1", "10 ×", "90 ×", " and 148", "How many times less CPU", "<h2 id=\"h-3\">latency 1KB rf1</h2>",
		"ours, Writing and reading", "peer, written", "start rf1", "2 cores",
	} {
		if !strings.Contains(page, words) {
			t.Errorf("the page lacks %q", words)
		}
	}
	if thin := strings.Count(page, `class="curve s1 thin"`); thin != 10 { // three rounds of two latencies; of the seconds, two rounds of two solid curves
		t.Errorf("%d thin curves", thin)
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.123: "0.12", 12.34: "12.3", 1234: "1234", 123_456: "123 k", 12_345_678: "12.3 M"} {
		if got := number(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	if got := bytesOf(3 << 30); got != "3.00 GiB" {
		t.Error(got)
	}
}
