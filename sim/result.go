package sim

import (
	"fmt"
	"io"
	"time"

	"odradek/chaos"
	"odradek/linearizability"
	"odradek/linearizability/verdict"
)

// Violation is a promise seen broken by the run itself, beside those that the history shows.
type Violation struct {
	Kind  string
	At    time.Duration // virtual; 0 when it is of no moment
	Words string
}

// String is the account for people.
func (v Violation) String() string {
	if v.At == 0 {
		return fmt.Sprintf("%s: %s", v.Kind, v.Words)
	}
	return fmt.Sprintf("%s: at %v: %s", v.Kind, v.At, v.Words)
}

// Result is the outcome of a universe.
type Result struct {
	Seed       uint64
	Plan       chaos.Plan
	Verdict    verdict.Verdict
	Hash       uint64 // of everything that happened
	Virtual    time.Duration
	Wall       time.Duration
	Calls      uint64 // host calls
	Operations int    // begun by clients
	Acked      int    // sends known to be done
	Faults     []chaos.Outcome
	Violations []Violation // of the run
	Report     verdict.Report
	Reached    []string // probes that the brokers reached, in the order of Probes
	Assertions []Assertion
	Served     []Served // by phase
}

// Count is the number of violations, of the run and of the history.
func (r *Result) Count() int { return len(r.Violations) + r.Report.Total() }

// Kinds lists what was violated, each kind once, those of the run first.
func (r *Result) Kinds() []string {
	var kinds []string
	seen := map[string]bool{}
	add := func(kind string) {
		if !seen[kind] {
			seen[kind] = true
			kinds = append(kinds, kind)
		}
	}
	for _, v := range r.Violations {
		add(v.Kind)
	}
	for _, v := range r.Report.Violations {
		add(string(v.Kind))
	}
	return kinds
}

// Line is the last line that `odradek sim --seed` prints.
func (r *Result) Line() string {
	return fmt.Sprintf("seed=%d verdict=%s hash=%016x virtual=%.4gs wall=%.1fs operations=%d faults=%d violations=%d",
		r.Seed, r.Verdict, r.Hash, r.Virtual.Seconds(), r.Wall.Seconds(), r.Operations, len(r.Faults), r.Count())
}

// Explain says what was violated, in words and with the events that show it, what was allowed for, and what was left open.
func (r *Result) Explain(w io.Writer) {
	counts := map[string]int{}
	for _, v := range r.Violations {
		if counts[v.Kind]++; counts[v.Kind] <= verdict.PerKindMax {
			fmt.Fprintln(w, v)
		}
	}
	for _, kind := range r.Kinds() {
		if more := counts[kind] - verdict.PerKindMax; more > 0 {
			fmt.Fprintf(w, "%s: and %d more\n", kind, more)
		}
	}
	fmt.Fprint(w, linearizability.Report{Report: r.Report})
}
