package proc

import (
	"fmt"
	"io"
	"time"

	"odradek/chaos"
	"odradek/linearizability"
	"odradek/linearizability/verdict"
)

// Result is the outcome of a run.
type Result struct {
	Seed       uint64
	Verdict    verdict.Verdict
	Wall       time.Duration
	Faults     []chaos.Outcome
	Violations []string // of the run, each "kind: words"
	Report     linearizability.Report
}

// Line is the last line that `odradek chaos` prints: a universe's, without a hash.
func (r *Result) Line() string {
	return fmt.Sprintf("seed=%d verdict=%s wall=%.1fs operations=%d faults=%d violations=%d",
		r.Seed, r.Verdict, r.Wall.Seconds(), r.Report.Operations, len(r.Faults), len(r.Violations)+r.Report.Total())
}

// Explain says what was violated, in words and with the events that show it, what was allowed for, and what was left open.
func (r *Result) Explain(w io.Writer) {
	for _, words := range r.Violations {
		fmt.Fprintln(w, words)
	}
	fmt.Fprint(w, r.Report)
}
