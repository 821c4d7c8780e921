package page

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"odradek/bench"
	"odradek/reports"
)

// A Side is one of those that a page compares: its name, and its results of one workload, a round each.
type Side struct {
	Name    string
	Results []*bench.Result
}

// halfDistances is the axis of a percentile curve: how many records there are for one that is slower. Each decade is a nine.
var halfDistances = reports.Axis{Name: "percent of the records", Log: true, Ticks: []reports.Tick{
	{At: 1, Words: "0"}, {At: 2, Words: "50"}, {At: 10, Words: "90"}, {At: 100, Words: "99"}, {At: 1000, Words: "99.9"}, {At: 10000, Words: "99.99"},
}}

// curveStep is the factor between two points of a percentile curve, curveEnd its last.
const curveStep, curveEnd = 1.122018454301963, 10000 // twenty a decade

// percentiles is a curve as far as there are records for it.
func percentiles(h bench.Histogram, name string, side int, thin bool) reports.Curve {
	c := reports.Curve{Name: name, Side: side, Thin: thin}
	for x := 1.0; x < curveEnd*1.01 && x <= float64(h.Count()); x *= curveStep {
		percent := 100 * (1 - 1/x)
		c.Points = append(c.Points, [2]float64{x, h.At(percent)})
		if !thin {
			c.Tips = append(c.Tips, strings.TrimSpace(fmt.Sprintf("%s %s ms at %.3f %%", name, number(h.At(percent)), percent)))
		}
	}
	return c
}

// latencyChart has a curve a side, and the rounds of each below it; ok is false where nothing was timed.
func latencyChart(name, words string, sides []Side, of func(*bench.Result) bench.Histogram) (chart reports.Chart, ok bool) {
	chart = reports.Chart{Name: name, Words: words, X: halfDistances, Y: reports.Axis{Name: "ms", Log: true}}
	for i, side := range sides {
		var all []bench.Histogram
		for _, r := range side.Results {
			all = append(all, of(r))
		}
		whole := bench.Merged(all...)
		if whole.Count() == 0 {
			continue
		}
		ok = true
		for _, h := range all {
			if len(all) > 1 {
				chart.Curves = append(chart.Curves, percentiles(h, "", i, true))
			}
		}
		chart.Curves = append(chart.Curves, percentiles(whole, side.Name, i, false))
	}
	return chart, ok
}

// timed is a chart over the seconds of a run, of the middle one of each side's rounds and thinly of the others.
func timed(name, unit string, log bool, sides []Side, of ...func(bench.Second) float64) reports.Chart {
	chart := reports.Chart{Name: name, X: reports.Axis{Name: "seconds"}, Y: reports.Axis{Name: unit, Log: log}}
	for i, side := range sides {
		for k, r := range side.Results {
			for j, value := range of {
				curve := reports.Curve{Side: i, Dashed: j > 0, Thin: k != middle(side)}
				for _, s := range r.Series {
					v := value(s)
					if log && v == 0 {
						v = math.NaN()
					}
					curve.Points = append(curve.Points, [2]float64{s.At, v})
					if !curve.Thin {
						curve.Tips = append(curve.Tips, fmt.Sprintf("%s %s at %.0f s", number(v), unit, s.At))
					}
				}
				chart.Curves = append(chart.Curves, curve)
			}
			for _, f := range r.Faults {
				if k == middle(side) {
					chart.Bands = append(chart.Bands, reports.Band{Name: prefixed(side, f.Words), Side: i, From: f.From, To: f.To})
				}
			}
		}
	}
	return chart
}

// middle is which of a side's rounds has the median rate of writing.
func middle(side Side) int {
	order := make([]int, len(side.Results))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return int(math.Copysign(1, side.Results[a].Produce.PerSecond()-side.Results[b].Produce.PerSecond()))
	})
	return order[len(order)/2]
}

// named gives the curves of a timed chart their names in the legend: one a side and kind.
func named(chart reports.Chart, sides []Side, kinds ...string) reports.Chart {
	at := 0
	for _, side := range sides {
		for k := range side.Results {
			for _, kind := range kinds {
				if k == middle(side) {
					chart.Curves[at].Name = kind
					if side.Name != "" {
						chart.Curves[at].Name = side.Name + ", " + kind
					}
				}
				at++
			}
		}
	}
	return chart
}

// counted says from when to when the latencies of writing are.
func counted(w bench.Workload) string {
	switch {
	case w.Client == "batches":
		return "from the sending of a batch to its acknowledgement"
	case w.Rate == 0:
		return "from when the client's library took a record to its acknowledgement"
	}
	return "from when a record was to be sent to its acknowledgement"
}

// charts are all that the results have something for.
func charts(sides []Side) (all []reports.Chart) {
	add := func(chart reports.Chart, ok bool) {
		if ok {
			all = append(all, chart)
		}
	}
	add(latencyChart("Produce latency", counted(sides[0].Results[0].Workload), sides, func(r *bench.Result) bench.Histogram { return r.Produced }))
	add(latencyChart("End to end latency", "to a consumer that reads beside", sides, func(r *bench.Result) bench.Histogram { return r.EndToEnd }))
	has := func(value func(bench.Second) float64) bool {
		return slices.ContainsFunc(sides, func(s Side) bool {
			return slices.ContainsFunc(s.Results, func(r *bench.Result) bool {
				return slices.ContainsFunc(r.Series, func(t bench.Second) bool { return value(t) > 0 })
			})
		})
	}
	produced, consumed := func(s bench.Second) float64 { return float64(s.Produced) / s.Long }, func(s bench.Second) float64 { return float64(s.Consumed) / s.Long }
	rate := timed("Rate", "records a second", false, sides, produced, consumed)
	add(named(rate, sides, "written", "read"), has(produced))
	p50, p99 := func(s bench.Second) float64 { return s.Produce.P50 }, func(s bench.Second) float64 { return s.Produce.P99 }
	slow := timed("Produce latency, second by second", "ms", true, sides, p50, p99)
	add(named(slow, sides, "p50", "p99"), has(p50))
	late50, late99 := func(s bench.Second) float64 { return s.EndToEnd.P50 }, func(s bench.Second) float64 { return s.EndToEnd.P99 }
	late := timed("End to end latency, second by second", "ms", true, sides, late50, late99)
	add(named(late, sides, "p50", "p99"), has(late50) && sides[0].Results[0].Workload.Read == "beside")
	return all
}
