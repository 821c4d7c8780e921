// Package verdict has the words in which every checker speaks: what was violated, how it can be seen, and what that makes of
// the run as a whole.
package verdict

import (
	"fmt"
	"strings"

	"odradek/linearizability/history"
)

// A Verdict is the outcome of a check. Unknown is a check that gave up; it is never a pass.
type Verdict string

// The verdicts.
const (
	Pass    Verdict = "pass"
	Fail    Verdict = "fail"
	Unknown Verdict = "unknown"
)

// A Kind names what a violation violates.
type Kind string

// The kinds of violation. Packages validate and model say what each means exactly and what is allowed beside it.
const (
	LostWrite           Kind = "lost-write"
	Unseen              Kind = "unseen"
	Duplicate           Kind = "duplicate"
	InconsistentOffsets Kind = "inconsistent-offsets"
	WrongAck            Kind = "wrong-ack"
	Reordered           Kind = "reordered"
	NonMonotonicPoll    Kind = "non-monotonic-poll"
	PollSkip            Kind = "poll-skip"
	Phantom             Kind = "phantom"
	AbortedRead         Kind = "aborted-read"
	Undeleted           Kind = "undeleted"
	Resurrected         Kind = "resurrected"
	TornTransaction     Kind = "torn-transaction"
	CopiedTwice         Kind = "copied-twice"
	CopySkipped         Kind = "copy-skipped"
	TwoOwners           Kind = "two-owners"
	StaleCommit         Kind = "stale-commit"
	CommitWentBack      Kind = "commit-went-back"
	LostCommit          Kind = "lost-commit"
	Undelivered         Kind = "undelivered"
	TakenAgain          Kind = "taken-again"
	NotLinearizable     Kind = "not-linearizable"
)

// A Violation is one promise seen broken.
type Violation struct {
	Kind      Kind              `json:"kind"`
	Partition history.Partition `json:"partition"`
	Words     string            `json:"words"`
	Events    []history.Event   `json:"-"` // the few that show it, by time
}

// String is the account for people: a sentence, and a line an event.
func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s", v.Kind, v.Partition, v.Words)
	for i := range v.Events {
		line, err := history.AppendEvent(nil, &v.Events[i])
		if err != nil {
			continue // an event read from a history can be written; one made by hand in a test may not
		}
		fmt.Fprintf(&b, "\n    %s", strings.TrimSuffix(string(line), "\n"))
	}
	return b.String()
}

// A Report is what a checker found.
type Report struct {
	Violations []Violation    // at most PerKindMax of a kind, in the order in which they were found
	Counts     map[Kind]int   // all of them
	Allowed    map[string]int // exceptions that were made, by their name
	Unknown    []string       // what was given up, and why
	Notes      []string       // what else a reader of the verdict should know
}

// PerKindMax bounds a report: one fault of a broker can break the same promise for each record of a run.
const PerKindMax = 10

// Add counts a violation and keeps it while there is room.
func (r *Report) Add(v Violation) {
	if r.Counts == nil {
		r.Counts = map[Kind]int{}
	}
	r.Counts[v.Kind]++
	if r.Counts[v.Kind] <= PerKindMax {
		r.Violations = append(r.Violations, v)
	}
}

// Allow counts an exception.
func (r *Report) Allow(name string) {
	if r.Allowed == nil {
		r.Allowed = map[string]int{}
	}
	r.Allowed[name]++
}

// Total is the number of violations.
func (r Report) Total() int {
	n := 0
	for _, c := range r.Counts {
		n += c
	}
	return n
}

// Verdict is Fail when anything was violated, else Unknown when anything was given up, else Pass.
func (r Report) Verdict() Verdict {
	switch {
	case len(r.Violations) > 0:
		return Fail
	case len(r.Unknown) > 0:
		return Unknown
	}
	return Pass
}

// Merge takes over what another checker found. Each has kept PerKindMax of a kind.
func (r *Report) Merge(other Report) {
	kept := map[Kind]int{}
	for _, v := range other.Violations {
		r.Add(v)
		kept[v.Kind]++
	}
	for kind, n := range other.Counts {
		r.Counts[kind] += n - kept[kind]
	}
	for name, n := range other.Allowed {
		for range n {
			r.Allow(name)
		}
	}
	r.Unknown = append(r.Unknown, other.Unknown...)
	r.Notes = append(r.Notes, other.Notes...)
}
