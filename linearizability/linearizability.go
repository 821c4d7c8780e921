// Package linearizability judges a history: what clients of a cluster did and saw, written in the format of package history.
// Package validate holds it against Kafka's promises in linear time, package model searches with porcupine for the one log
// that explains it. Neither knows the broker, nor where the history comes from: a simulated universe, real processes, or
// somebody else's Kafka.
package linearizability

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"odradek/linearizability/history"
	"odradek/linearizability/model"
	"odradek/linearizability/validate"
	"odradek/linearizability/verdict"
)

// Names that callers of Check need.
type (
	Promises  = history.Promises
	Violation = verdict.Violation
	Verdict   = verdict.Verdict
)

// The verdicts: Unknown is a check that gave up, and never a pass.
const (
	Pass    = verdict.Pass
	Fail    = verdict.Fail
	Unknown = verdict.Unknown
)

// A Report is what the checkers make of a history.
type Report struct {
	Verdict    Verdict
	Operations int // begun: sends, polls, assigns, offsets
	// Acknowledged is how many sends a replica, or all, confirmed.
	Acknowledged int
	verdict.Report
}

// Check judges a history that has been read, by promises that may be others than its own.
func Check(t *history.Table, p Promises) Report {
	found := validate.Check(t, p)
	found.Merge(model.Check(t, p, model.Limits{}))
	acknowledged := 0
	for i := range t.Sends {
		if t.Sends[i].Acknowledged() {
			acknowledged++
		}
	}
	return Report{Verdict: found.Verdict(), Operations: t.Operations, Acknowledged: acknowledged, Report: found}
}

// Page writes porcupine's page of the operations that no one log explains, where there are such in a window of the search (package model).
// It says whether there are.
func Page(w io.Writer, t *history.Table, p Promises) (written bool, err error) {
	return model.Page(w, t, p, model.Limits{})
}

// Line is the last line of odradek check: "verdict=pass operations=1200 violations=0".
func (r Report) Line() string {
	return fmt.Sprintf("verdict=%s operations=%d violations=%d", r.Verdict, r.Operations, r.Total())
}

// String is the account for people, without the last line: each violation with the events that show it, what more there is of
// its kind, what was allowed and what was given up.
func (r Report) String() string {
	var b strings.Builder
	for _, v := range r.Violations {
		fmt.Fprintln(&b, v)
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Counts)) {
		if more := r.Counts[kind] - verdict.PerKindMax; more > 0 {
			fmt.Fprintf(&b, "%s: and %d more\n", kind, more)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Allowed)) {
		fmt.Fprintf(&b, "allowed: %s %d\n", name, r.Allowed[name])
	}
	for _, words := range r.Unknown {
		fmt.Fprintf(&b, "unknown: %s\n", words)
	}
	for _, words := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", words)
	}
	return b.String()
}
