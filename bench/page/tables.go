package page

import (
	"fmt"

	"odradek/bench"
	"odradek/bench/compare"
	"odradek/reports"
)

func columns(words string, numbers ...string) []reports.Column {
	all := []reports.Column{{Name: words}}
	for _, each := range numbers {
		all = append(all, reports.Column{Name: each, Number: true})
	}
	return all
}

// percentileTable has a row for each side and latency.
func percentileTable(sides []Side) (reports.Table, bool) {
	t := reports.Table{Name: "Latencies, ms", Columns: columns("", "p50", "p90", "p99", "p99.9", "p99.99", "max", "timed")}
	for _, each := range []struct {
		name string
		of   func(*bench.Result) bench.Histogram
	}{{"produce", func(r *bench.Result) bench.Histogram { return r.Produced }}, {"end to end", func(r *bench.Result) bench.Histogram { return r.EndToEnd }}} {
		for _, side := range sides {
			var all []bench.Histogram
			for _, r := range side.Results {
				all = append(all, each.of(r))
			}
			if p := bench.Merged(all...).Percentiles(); p.Count > 0 {
				t.Rows = append(t.Rows, append([]string{prefixed(side, each.name)}, number(p.P50), number(p.P90), number(p.P99), number(p.P999), number(p.P9999), number(p.Max), fmt.Sprint(p.Count)))
			}
		}
	}
	return t, len(t.Rows) > 0
}

func prefixed(side Side, name string) string {
	if side.Name == "" {
		return name
	}
	return side.Name + ", " + name
}

// median is that of the rounds of a side.
func median(results []*bench.Result, of func(*bench.Result) float64) float64 {
	var s compare.Sample
	for _, r := range results {
		s = append(s, of(r))
	}
	return s.Median()
}

// costTable has what the brokers used: a row for each side and part, and one for each process where there are several. Of several
// rounds it has the medians.
func costTable(sides []Side) (reports.Table, bool) {
	t := reports.Table{
		Name: "What the brokers' processes used",
		Columns: columns("", "CPU s", "a GiB", "a million records", "RSS", "read calls", "write calls", "bytes in", "bytes out",
			"from disk", "to disk", "waits", "preempted"),
	}
	for _, side := range sides {
		first := side.Results[0]
		for i, each := range parts(first) {
			if each.Records == 0 || len(each.Processes) == 0 {
				continue
			}
			in := func(r *bench.Result) *bench.Part { return parts(r)[i].Part }
			t.Rows = append(t.Rows, costRow(prefixed(side, each.name), side, in, func(p *bench.Part) bench.Usage { return p.Broker }))
			if len(each.Processes) == 1 {
				continue
			}
			for k, process := range each.Processes {
				t.Rows = append(t.Rows, costRow(fmt.Sprintf("– pid %d", process.PID), side, in, func(p *bench.Part) bench.Usage { return p.Processes[k].Usage }))
			}
		}
	}
	return t, len(t.Rows) > 0
}

func costRow(name string, side Side, in func(*bench.Result) *bench.Part, of func(*bench.Part) bench.Usage) []string {
	middle := func(figure func(p *bench.Part, u bench.Usage) float64) float64 {
		return median(side.Results, func(r *bench.Result) float64 { return figure(in(r), of(in(r))) })
	}
	size := func(figure func(u bench.Usage) int64) string {
		return bytesOf(int64(middle(func(_ *bench.Part, u bench.Usage) float64 { return float64(figure(u)) })))
	}
	count := func(figure func(u bench.Usage) int64) string {
		return number(middle(func(_ *bench.Part, u bench.Usage) float64 { return float64(figure(u)) }))
	}
	return []string{
		name,
		number(middle(func(_ *bench.Part, u bench.Usage) float64 { return u.CPUSeconds })),
		number(middle(func(p *bench.Part, u bench.Usage) float64 { return u.CPUSeconds / (float64(p.Bytes) / (1 << 30)) })),
		number(middle(func(p *bench.Part, u bench.Usage) float64 { return 1e6 * u.CPUSeconds / float64(p.Records) })),
		size(func(u bench.Usage) int64 { return u.RSSBytes }),
		count(func(u bench.Usage) int64 { return u.ReadCalls }), count(func(u bench.Usage) int64 { return u.WriteCalls }),
		size(func(u bench.Usage) int64 { return u.MovedIn }), size(func(u bench.Usage) int64 { return u.MovedOut }),
		size(func(u bench.Usage) int64 { return u.DiskReadBytes }), size(func(u bench.Usage) int64 { return u.WrittenBytes }),
		count(func(u bench.Usage) int64 { return u.Switches }), count(func(u bench.Usage) int64 { return u.Preemptions }),
	}
}

// clientTable has what the client did and used, which is its own limit.
func clientTable(sides []Side) reports.Table {
	t := reports.Table{Name: "The client", Columns: columns("", "seconds", "records a second", "MiB/s", "CPU, s", "of one core", "sent on the wire", "received", "all cores busy")}
	t.Columns = append(t.Columns, reports.Column{Name: "limit"})
	for _, side := range sides {
		for i, each := range parts(side.Results[0]) {
			if each.Records == 0 {
				continue
			}
			figure := func(of func(p *bench.Part) float64) float64 {
				return median(side.Results, func(r *bench.Result) float64 { return of(parts(r)[i].Part) })
			}
			t.Rows = append(t.Rows, []string{
				prefixed(side, each.name),
				number(figure(func(p *bench.Part) float64 { return p.Seconds })),
				number(figure((*bench.Part).PerSecond)), number(figure((*bench.Part).MiBPerSecond)),
				number(figure(func(p *bench.Part) float64 { return p.Client })),
				fmt.Sprintf("%.0f %%", figure(func(p *bench.Part) float64 { return 100 * p.Client / p.Seconds })),
				bytesOf(int64(figure(func(p *bench.Part) float64 { return float64(p.Wire.SentBytes) }))),
				bytesOf(int64(figure(func(p *bench.Part) float64 { return float64(p.Wire.ReceivedBytes) }))),
				fmt.Sprintf("%.0f %%", figure(func(p *bench.Part) float64 { return 100 * p.Busy })),
				parts(side.Results[middle(side)])[i].Bound,
			})
		}
	}
	return t
}

// phaseTable has what clients got before, during and after what was done to the cluster: of several rounds, the medians.
func phaseTable(sides []Side) (reports.Table, bool) {
	t := reports.Table{
		Name:    "Before, during and after the faults; gaps are the longest of a partition, latencies in ms",
		Columns: columns("", "seconds", "written a second", "gap in writing, ms", "gap in reading, ms", "produce p50", "p99", "max", "end to end p50", "p99", "max"),
	}
	for _, side := range sides {
		for i, phase := range side.Results[0].Phases {
			figure := func(of func(bench.Phase) float64) string {
				return number(median(side.Results, func(r *bench.Result) float64 { return of(r.Phases[i]) }))
			}
			t.Rows = append(t.Rows, []string{
				prefixed(side, phase.Name), figure(func(p bench.Phase) float64 { return p.Seconds }), figure(func(p bench.Phase) float64 { return float64(p.Written) / max(p.Seconds, 1e-3) }),
				figure(func(p bench.Phase) float64 { return p.WriteGapMs }), figure(func(p bench.Phase) float64 { return p.ReadGapMs }),
				figure(func(p bench.Phase) float64 { return p.Produce.P50 }), figure(func(p bench.Phase) float64 { return p.Produce.P99 }), figure(func(p bench.Phase) float64 { return p.Produce.Max }),
				figure(func(p bench.Phase) float64 { return p.EndToEnd.P50 }), figure(func(p bench.Phase) float64 { return p.EndToEnd.P99 }), figure(func(p bench.Phase) float64 { return p.EndToEnd.Max }),
			})
		}
	}
	return t, len(t.Rows) > 0
}

// tables are all that the results have something for.
func tables(sides []Side) (all []reports.Table) {
	if t, ok := phaseTable(sides); ok {
		all = append(all, t)
	}
	if t, ok := percentileTable(sides); ok {
		all = append(all, t)
	}
	if t, ok := costTable(sides); ok {
		all = append(all, t)
	}
	return append(all, clientTable(sides))
}
