package page

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"odradek/linearizability/history"
	"odradek/reports"
)

// latencyMax is the longest latency that a histogram tells apart, in microseconds: a day, the longest run.
const latencyMax = int64(24 * time.Hour / time.Microsecond)

// served is what became of one kind of operation in one phase.
type served struct {
	took *hdrhistogram.Histogram // of those that were done, in microseconds, to three digits
	bad  int
}

// latenciesOf sorts operations by the phase in which they ended and by kind. Left out are sends that nobody
// acknowledges, and what takes a consumer no time (an assignment) or its own (what it owns).
func latenciesOf(all []reports.Operation, phases []reports.Span) []reports.Latency {
	var table []reports.Latency
	for i, phase := range phases {
		last := i == len(phases)-1
		kinds := map[string]*served{}
		for _, o := range all {
			outside := o.To < phase.From || !last && o.To >= phase.To
			if outside || o.Kind == string(history.Assign) || o.Kind == string(history.Own) || strings.HasPrefix(o.Detail, "acks=0") {
				continue
			}
			kind := kinds[o.Kind]
			if kind == nil {
				kind = &served{took: hdrhistogram.New(1, latencyMax, 3)}
				kinds[o.Kind] = kind
			}
			if o.Outcome != reports.OutcomeOK {
				kind.bad++
				continue
			}
			_ = kind.took.RecordValue(max(1, int64(o.To-o.From))) // within latencyMax
		}
		for _, name := range slices.Sorted(maps.Keys(kinds)) {
			kind := kinds[name]
			at := func(q float64) reports.Time { return reports.Time(kind.took.ValueAtQuantile(q)) }
			table = append(table, reports.Latency{
				Phase: phase.Name, Kind: name, Done: int(kind.took.TotalCount()), Bad: kind.bad,
				P50: at(50), P99: at(99), Max: reports.Time(kind.took.Max()),
			})
		}
	}
	return table
}
