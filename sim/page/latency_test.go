package page

import (
	"slices"
	"testing"

	"odradek/reports"
)

// An operation counts in the phase in which it ends, under its kind; what never ended, and what nobody acknowledges, does not.
func TestLatenciesByPhaseAndKind(t *testing.T) {
	phases := []reports.Span{{Name: "calm", From: 0, To: 1000}, {Name: "faults", From: 1000, To: 2000}}
	operation := func(kind string, from, to reports.Time, outcome, detail string) reports.Operation {
		return reports.Operation{Kind: kind, From: from, To: to, Outcome: outcome, Detail: detail}
	}
	all := []reports.Operation{
		operation("send", 100, 200, reports.OutcomeOK, "acks=all"), operation("send", 100, 400, reports.OutcomeOK, "acks=1"),
		operation("send", 900, 1000, reports.OutcomeFail, "acks=all"), operation("send", 0, 1, reports.OutcomeOK, "acks=0"),
		operation("poll", 0, 700, reports.OutcomeOK, ""), operation("poll", 900, 2500, reports.OutcomeOK, ""),
		operation("assign", 5, 5, reports.OutcomeOK, ""), operation("own", 5, 900, reports.OutcomeOK, ""),
		operation("poll", 900, reports.Never, reports.OutcomeUnknown, ""),
	}
	want := []reports.Latency{
		{Phase: "calm", Kind: "poll", Done: 1, P50: 700, P99: 700, Max: 700},
		{Phase: "calm", Kind: "send", Done: 2, P50: 100, P99: 300, Max: 300},
		{Phase: "faults", Kind: "poll", Done: 1, P50: 1600, P99: 1600, Max: 1600},
		{Phase: "faults", Kind: "send", Bad: 1},
	}
	if got := latenciesOf(all, phases); !slices.Equal(got, want) {
		t.Errorf("%+v\nis expected, not\n%+v", want, got)
	}
}
