package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"odradek/bench"
)

// Sample are one side's figures of the same thing.
type Sample []float64

// Median is 0 of none.
func (s Sample) Median() float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Spread is half the distance between the smallest and the largest, as a part of the median.
func (s Sample) Spread() float64 {
	if len(s) == 0 || s.Median() == 0 {
		return 0
	}
	return (slices.Max(s) - slices.Min(s)) / 2 / math.Abs(s.Median())
}

// Measure is what a row compares.
type Measure struct {
	Name string // before that of what was run
	Unit string
	// Of is the figure of a run, CPU what its broker's CPU cost a GiB, in seconds; ok is false when the run has none.
	Of func(*bench.Result) (figure, cpu float64, ok bool)
	// Bound is what the run was limited by.
	Bound func(*bench.Result) string
}

// Measures are all that a run can be compared by.
var Measures = []Measure{
	{"produce", "MiB/s", partOf((*bench.Part).MiBPerSecond, produce), boundOf(produce)},
	{"consume", "MiB/s", partOf((*bench.Part).MiBPerSecond, consume), boundOf(consume)},
	{"produce_p99", "ms", latency(func(r *bench.Result) bench.Percentiles { return r.ProduceMs }, 99), boundOf(produce)},
	{"produce_p50", "ms", latency(func(r *bench.Result) bench.Percentiles { return r.ProduceMs }, 50), boundOf(produce)},
	{"end_to_end_p99", "ms", latency(func(r *bench.Result) bench.Percentiles { return r.EndToEndMs }, 99), boundOf(produce)},
	{"end_to_end_p50", "ms", latency(func(r *bench.Result) bench.Percentiles { return r.EndToEndMs }, 50), boundOf(produce)},
	{"write_gap", "ms", inTrouble(1, func(p bench.Phase) float64 { return p.WriteGapMs }), boundOf(produce)},
	{"read_gap", "ms", inTrouble(1, func(p bench.Phase) float64 { return p.ReadGapMs }), boundOf(produce)},
	{"produce_p99_before", "ms", inTrouble(0, func(p bench.Phase) float64 { return p.Produce.P99 }), boundOf(produce)},
	{"produce_p99_during", "ms", inTrouble(1, func(p bench.Phase) float64 { return p.Produce.P99 }), boundOf(produce)},
	{"produce_p99_after", "ms", inTrouble(2, func(p bench.Phase) float64 { return p.Produce.P99 }), boundOf(produce)},
	{"end_to_end_p99_during", "ms", inTrouble(1, func(p bench.Phase) float64 { return p.EndToEnd.P99 }), boundOf(produce)},
	{"loaded_rss", "MiB", memory, func(*bench.Result) string { return "" }},
}

// inTrouble is a figure of the phase before, during or after what was done to the cluster.
func inTrouble(phase int, of func(bench.Phase) float64) func(*bench.Result) (float64, float64, bool) {
	return func(r *bench.Result) (figure, cpu float64, ok bool) {
		if len(r.Phases) <= phase {
			return 0, 0, false
		}
		return of(r.Phases[phase]), 0, true
	}
}

// memory is what the brokers hold at the end of a run that is not held back by a rate.
func memory(r *bench.Result) (figure, cpu float64, ok bool) {
	return float64(r.Broker.RSSBytes) / (1 << 20), 0, r.Broker.RSSBytes > 0 && r.Workload.Rate == 0
}

func produce(r *bench.Result) *bench.Part { return &r.Produce }
func consume(r *bench.Result) *bench.Part { return &r.Consume }

func boundOf(part func(*bench.Result) *bench.Part) func(*bench.Result) string {
	return func(r *bench.Result) string { return part(r).Bound }
}

func partOf(figure func(*bench.Part) float64, part func(*bench.Result) *bench.Part) func(*bench.Result) (float64, float64, bool) {
	return func(r *bench.Result) (float64, float64, bool) {
		p := part(r)
		return figure(p), p.BrokerCPUPerGiB(), p.Records > 0 && r.Workload.Rate == 0
	}
}

// latency is told of runs at a rate only: without one it is the time in the client's own buffer. With trouble it is told by phase.
func latency(of func(*bench.Result) bench.Percentiles, percentile float64) func(*bench.Result) (float64, float64, bool) {
	return func(r *bench.Result) (float64, float64, bool) {
		figure := of(r).P50
		if percentile == 99 {
			figure = of(r).P99
		}
		return figure, r.Produce.BrokerCPUPerGiB(), r.Workload.Rate > 0 && of(r).Count > 0 && len(r.Phases) == 0
	}
}

// Row is one line of a comparison.
type Row struct {
	Name, Unit           string
	Ours, Peer           Sample
	OursCPU, PeerCPU     Sample // broker CPU-seconds a GiB
	OursBound, PeerBound string // the limit of most of the runs
}

// moreIsBetter is true of rates; of times and memory less is.
func (r Row) moreIsBetter() bool { return strings.HasSuffix(r.Unit, "/s") }

// Better says how many times as good ours is as the peer's, and between which such factors the rounds lie; ok is false where a side
// has no figure above 0.
func (r Row) Better() (factor, low, high float64, ok bool) {
	ours, peer := r.Ours, r.Peer
	if !r.moreIsBetter() {
		ours, peer = peer, ours
	}
	return times(ours, peer)
}

// Cheaper is Better of the brokers' CPU a GiB.
func (r Row) Cheaper() (factor, low, high float64, ok bool) { return times(r.PeerCPU, r.OursCPU) }

// times says how many times as large a is as b.
func times(a, b Sample) (factor, low, high float64, ok bool) {
	if len(a) == 0 || len(b) == 0 || slices.Min(a) <= 0 || slices.Min(b) <= 0 {
		return 0, 0, 0, false
	}
	return a.Median() / b.Median(), slices.Min(a) / slices.Max(b), slices.Max(a) / slices.Min(b), true
}

// Rows compares two sides' runs of one workload.
func Rows(name string, ours, peer []*bench.Result) []Row {
	var rows []Row
	for _, m := range Measures {
		row := Row{Name: m.Name + "_" + name, Unit: m.Unit}
		row.Ours, row.OursCPU, row.OursBound = m.of(ours)
		row.Peer, row.PeerCPU, row.PeerBound = m.of(peer)
		if len(row.Ours) > 0 && len(row.Peer) > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

func (m Measure) of(results []*bench.Result) (figures, cpus Sample, bound string) {
	count := map[string]int{}
	for _, r := range results {
		if figure, cpu, ok := m.Of(r); ok {
			figures, cpus = append(figures, figure), append(cpus, cpu)
			if count[m.Bound(r)]++; count[m.Bound(r)] > count[bound] {
				bound = m.Bound(r)
			}
		}
	}
	return figures, cpus, bound
}

// Line is the row for scripts. cpu_ratio is - where no CPU was measured.
func (r Row) Line() string {
	line := fmt.Sprintf("row=%s ours=%s peer=%s ratio=%s cpu_ratio=%s spread=%.2f unit=%s",
		r.Name, number(r.Ours.Median()), number(r.Peer.Median()), quotient(r.Ours, r.Peer), quotient(r.OursCPU, r.PeerCPU),
		max(r.Ours.Spread(), r.Peer.Spread()), r.Unit)
	if len(r.OursCPU) > 0 && r.OursCPU.Median() > 0 {
		line += fmt.Sprintf(" ours_cpu=%.2f peer_cpu=%.2f", r.OursCPU.Median(), r.PeerCPU.Median())
	}
	if r.OursBound != "" {
		line += fmt.Sprintf(" ours_limit=%s peer_limit=%s", r.OursBound, r.PeerBound)
	}
	return line + fmt.Sprintf(" rounds=%d", min(len(r.Ours), len(r.Peer)))
}

// number has three digits that count.
func number(v float64) string {
	switch {
	case math.Abs(v) >= 100:
		return fmt.Sprintf("%.0f", v)
	case math.Abs(v) >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func quotient(ours, peer Sample) string {
	if peer.Median() == 0 || len(ours) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f", ours.Median()/peer.Median())
}
