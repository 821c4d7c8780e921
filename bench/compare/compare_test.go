package compare

import (
	"math"
	"strings"
	"testing"

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

func TestPage(t *testing.T) {
	page := Page{Commands: []string{"make bench-peer"}, Commit: "abc", Date: "2026-01-02", Machine: "2 cores", Rows: []string{
		"row=produce_1KB_rf1 ours=300 peer=100 ratio=3.000 cpu_ratio=0.250 spread=0.33 unit=MiB/s ours_cpu=1.00 peer_cpu=4.00 ours_limit=client peer_limit=broker rounds=3",
		"row=start_rf1 ours=20.0 peer=2000 ratio=0.010 cpu_ratio=- spread=0.00 unit=ms rounds=1",
	}}
	text, err := page.Markdown()
	for _, want := range []string{
		"\n    make bench-peer\n", "commit abc; 2 cores",
		"\n| produce 1KB rf1 | MiB/s | 300 | 100 | 3.000 | 0.33 | 1.00 | 4.00 | 0.250 | client | broker | 3 |\n",
		"\n| start rf1 | ms | 20.0 | 2000 | 0.010 | 0.00 |  |  |  |  |  | 1 |\n",
	} {
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("%v, without %q:\n%s", err, want, text)
		}
	}
	for _, bad := range []string{"", "ours=1", "row=x y"} {
		page.Rows = []string{bad}
		if _, err := page.Markdown(); err == nil {
			t.Errorf("%q is taken for a row", bad)
		}
	}
}
