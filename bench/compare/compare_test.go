package compare

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odradek/bench"
)

func TestSample(t *testing.T) {
	for _, each := range []struct {
		sample         Sample
		median, spread float64
	}{{nil, 0, 0}, {Sample{3}, 3, 0}, {Sample{4, 1, 2}, 2, 0.75}, {Sample{1, 3, 2, 4}, 2.5, 0.6}} {
		if m, s := each.sample.Median(), each.sample.Spread(); m != each.median || s != each.spread {
			t.Errorf("%v: %v ± %v", each.sample, m, s)
		}
	}
}

// The values are those of published tables of U: n = m = 4, U = 0 has p = 2/70; n = m = 5, U = 3 has p = 0.056.
func TestSignificance(t *testing.T) {
	for _, each := range []struct {
		a, b Sample
		p    float64
	}{
		{Sample{1, 2, 3, 4}, Sample{5, 6, 7, 8}, 2.0 / 70},
		{Sample{1, 2, 3, 4, 6}, Sample{5, 7, 8, 9, 3.5}, 14.0 / 252},
		{Sample{1, 2, 3}, Sample{1, 2, 3}, 1},
		{nil, Sample{1}, 1},
	} {
		for _, p := range []float64{Significance(each.a, each.b), Significance(each.b, each.a)} {
			if math.Abs(p-each.p) > 1e-9 {
				t.Errorf("%v, %v: p=%v, want %v", each.a, each.b, p, each.p)
			}
		}
	}
}

func closed(mibPerSecond, cpuPerGiB float64) *bench.Result {
	part := bench.Part{Records: 1, Bytes: 1 << 30, Seconds: 1024 / mibPerSecond, Broker: bench.Usage{CPUSeconds: cpuPerGiB}, Bound: "client"}
	return &bench.Result{Produce: part}
}

func TestRows(t *testing.T) {
	rows := Rows("1KB_rf1", []*bench.Result{closed(200, 1), closed(300, 1), closed(400, 2)}, []*bench.Result{closed(100, 4), closed(100, 4), closed(100, 4)})
	if len(rows) != 1 {
		t.Fatalf("%+v", rows)
	}
	want := "row=produce_1KB_rf1 ours=300 peer=100 ratio=3.000 cpu_ratio=0.250 spread=0.33 unit=MiB/s ours_cpu=1.00 peer_cpu=4.00 ours_limit=client peer_limit=client rounds=3"
	if got := rows[0].Line(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	open := &bench.Result{Workload: bench.Workload{Rate: 5}, ProduceMs: bench.Percentiles{P50: 1, P99: 2, Count: 10}, Produce: bench.Part{Records: 10, Bound: "rate"}}
	rows = Rows("x", []*bench.Result{open}, []*bench.Result{open})
	if len(rows) != 2 || rows[0].Name != "produce_p99_x" || rows[1].Name != "produce_p50_x" || rows[0].Ours[0] != 2 {
		t.Errorf("%+v", rows)
	}
	troubled := &bench.Result{Workload: open.Workload, ProduceMs: open.ProduceMs, Phases: []bench.Phase{{Produce: bench.Percentiles{P99: 3}}, {WriteGapMs: 500, Produce: bench.Percentiles{P99: 400}}, {}}}
	rows = Rows("kill", []*bench.Result{troubled}, []*bench.Result{troubled})
	if len(rows) != 6 || rows[0].Name != "write_gap_kill" || rows[0].Ours[0] != 500 || rows[3].Name != "produce_p99_during_kill" || rows[3].Ours[0] != 400 {
		t.Errorf("under faults: %+v", rows)
	}
	if line := (Row{Name: "start", Unit: "ms", Ours: Sample{20}, Peer: Sample{2000}}).Line(); line != "row=start ours=20.0 peer=2000 ratio=0.010 cpu_ratio=- spread=0.00 unit=ms rounds=1" {
		t.Error(line)
	}
}

func TestTable(t *testing.T) {
	row := Row{Name: "produce", Unit: "MiB/s", Peer: Sample{1, 2, 3, 4}, Ours: Sample{10, 20, 30, 40}}
	if table := Table("main", "this", []Row{row}); !strings.Contains(table, "+900.0% (p=0.029 n=4+4)") {
		t.Error(table)
	}
	row.Ours = Sample{2, 3, 4, 5}
	if table := Table("main", "this", []Row{row}); !strings.Contains(table, "~ (p=") {
		t.Error(table)
	}
}

// A directory as bench/turns leaves it becomes a page: results in the order in which they were measured, figures last.
func TestPage(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, r *bench.Result, began int) {
		r.Began = time.Unix(int64(began), 0)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		file(t, dir, name, string(text))
	}
	for round := range 3 {
		write(fmt.Sprintf("produce_1KB_rf1-ours-%d.json", round), closed(300, 1), 100+round)
		write(fmt.Sprintf("produce_1KB_rf1-peer-%d.json", round), closed(100, 4), 100+round)
	}
	write("produce_against_limit-ours-1.json", closed(70, 1), 50)
	write("produce_against_limit-limit-1.json", closed(100, 1), 51)
	file(t, dir, "start_rf1-ours.ms", "20\n30\n")
	file(t, dir, "start_rf1-peer.ms", "2000\n4000\n")
	file(t, dir, "notes.txt", "nothing of ours")
	groups, err := ReadGroups(dir, "ours", "peer")
	if err != nil {
		t.Fatal(err)
	}
	page := Page{Sides: [2]string{"ours", "peer"}, Commands: []string{"make bench-peer"}, Commit: "abc", Date: "2026-01-02", Machine: "2 cores", Groups: groups}
	text := page.Markdown()
	at := 0
	for _, want := range []string{
		"# Measured against the real Kafka", "at commit abc; 2 cores", "\n    make bench-peer\n",
		"\n| produce against limit | MiB/s | 70.0 | 100 | 0.700 | 0.00 | 1.00 | 1.00 | 1.000 | client | client | 1 |\n",
		"\n| produce 1KB rf1 | MiB/s | 300 | 100 | 3.000 | 0.00 | 1.00 | 4.00 | 0.250 | client | client | 3 |\n",
		"\n| start rf1 | ms | 25.0 | 3000 | 0.008 | 0.33 |  |  |  |  |  | 2 |\n",
	} {
		i := strings.Index(text[at:], want)
		if i < 0 {
			t.Fatalf("no %q behind the others in:\n%s", want, text)
		}
		at += i + len(want) - 1
	}
	file(t, dir, "idle-ours.MiB", "3")
	if _, err := ReadGroups(dir, "ours", "peer"); err == nil || !strings.Contains(err.Error(), "idle has nothing of peer") {
		t.Errorf("a side that is missing: %v", err)
	}
	file(t, dir, "idle-peer.MiB", "three")
	if _, err := ReadGroups(dir, "ours", "peer"); err == nil {
		t.Error("words pass for figures")
	}
}

func file(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBetter(t *testing.T) {
	for _, each := range []struct {
		row               Row
		factor, low, high float64
		ok                bool
	}{
		{Row{Unit: "MiB/s", Ours: Sample{200, 300, 400}, Peer: Sample{100, 100, 50}}, 3, 2, 8, true},
		{Row{Unit: "ms", Ours: Sample{2, 4}, Peer: Sample{30}}, 10, 7.5, 15, true},
		{Row{Unit: "ms", Ours: Sample{0}, Peer: Sample{30}}, 0, 0, 0, false},
		{Row{Unit: "ms", Ours: nil, Peer: Sample{30}}, 0, 0, 0, false},
	} {
		if factor, low, high, ok := each.row.Better(); factor != each.factor || low != each.low || high != each.high || ok != each.ok {
			t.Errorf("%+v: %v, %v to %v, %v", each.row, factor, low, high, ok)
		}
	}
	if factor, _, _, ok := (Row{OursCPU: Sample{2}, PeerCPU: Sample{8}}).Cheaper(); factor != 4 || !ok {
		t.Errorf("four times the CPU is %v", factor)
	}
}
