// Package shrink makes a failing plan smaller while the same promise stays broken, and finds the fault that sealed it.
//
// First the outcome's seal: the schedule, by time, is bisected for the shortest prefix with which the promise is broken. What came
// after it did not matter. Up to its last fault the run is the one that failed, event by event, since nothing later can
// reach back: there the outcome was decided, which may be long before anybody could see it.
//
// Then what that prefix can do without, in rounds until none helps any more: faults, an operator's moves, clients, topics, nodes and
// partitions, points of buggify, time after the last fault, and the length of each fault. Every step is a run; one that breaks
// another promise, or none, is not taken. The result is minimal in the sense that none of these single steps is left to take.
package shrink

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	"odradek/chaos"
	"odradek/linearizability/verdict"
	"odradek/sim"
)

// RunsMax is how many runs a search takes when it is not told otherwise.
const RunsMax = 200

// Search says what to make smaller, and how.
type Search struct {
	// Failing is a run whose verdict is fail.
	Failing *sim.Result
	// Run runs a plan; it is called from several goroutines at a time.
	Run func(chaos.Plan) (*sim.Result, error)
	// Jobs is how many plans are tried at a time. It changes how long a search takes, and not what it finds.
	Jobs int
	// RunsMax bounds the runs; RunsMax of the package when 0.
	RunsMax int
	// Done is told of each run that is over, and what is left of the plan. May be nil.
	Done func(runs int, left chaos.Plan)
}

// Outcome is what a search came to.
type Outcome struct {
	Kind string // of the violation that stayed
	// Plan is the smallest that was found, and Result its run.
	Plan   chaos.Plan
	Result *sim.Result
	Sealed Sealed
	Runs   int
	// Whole says that no single step was left to take; otherwise the runs came to their bound.
	Whole bool
}

// Sealed is the prefix of a schedule with which the outcome is decided.
type Sealed struct {
	// Faults is how many, by time, of Of. With one less the promise holds. 0: it is broken without any.
	Faults, Of int
	// By is the last of them.
	By chaos.Fault
}

// String names the fault.
func (s Sealed) String() string {
	if s.Faults == 0 {
		return fmt.Sprintf("sealed without a fault: with none of the %d it is the same", s.Of)
	}
	return fmt.Sprintf("sealed by fault %d of %d: %s", s.Faults, s.Of, s.By)
}

// ErrNoViolation says that there is nothing to keep while a plan is made smaller.
var ErrNoViolation = errors.New("the run violated nothing")

// KindOf is the kind of violation that a search keeps: the history's before the run's own, since it is what users lose, and of those
// the first.
func KindOf(r *sim.Result) (string, error) {
	switch {
	case len(r.Report.Violations) > 0:
		return string(r.Report.Violations[0].Kind), nil
	case len(r.Violations) > 0:
		return r.Violations[0].Kind, nil
	}
	return "", ErrNoViolation
}

// Shrink makes the plan smaller.
func (s *Search) Shrink() (*Outcome, error) {
	kind, err := KindOf(s.Failing)
	if err != nil {
		return nil, err
	}
	w := &work{Search: s, left: cmp.Or(s.RunsMax, RunsMax)}
	w.Outcome = Outcome{Kind: kind, Plan: s.Failing.Plan, Result: s.Failing}
	if err := w.seal(); err != nil {
		return nil, err
	}
	for taken := true; taken && w.left > 0; {
		taken = false
		for _, way := range ways {
			yes, err := w.try(way)
			if err != nil {
				return nil, err
			}
			taken = taken || yes
		}
		w.Whole = !taken
	}
	w.Whole = w.Whole && w.left > 0
	return &w.Outcome, nil
}

// work is a search under way.
type work struct {
	*Search
	Outcome
	left int // runs
}

// seal bisects the schedule. Invariant: the first `enough` faults break the promise, the first `short` don't, by runs that were made.
func (w *work) seal() error {
	plan := w.Plan
	byTime := slices.Clone(plan.Schedule)
	slices.SortStableFunc(byTime, func(a, b chaos.Fault) int { return cmp.Compare(a.At, b.At) })
	prefix := func(n int) chaos.Plan {
		p := plan
		p.Schedule = slices.Clone(byTime[:n])
		return p
	}
	short, enough := -1, len(byTime)
	for first := true; enough-short > 1 && w.left > 0; first = false {
		middle := (short + enough) / 2
		if first {
			middle = 0 // most often nothing happens without faults, and all that follows relies on it
		}
		found, err := w.first([]chaos.Plan{prefix(middle)})
		if err != nil {
			return err
		}
		if found == 0 {
			enough = middle
		} else {
			short = middle
		}
	}
	w.Sealed = Sealed{Faults: enough, Of: len(byTime)}
	if enough > 0 {
		w.Sealed.By = byTime[enough-1]
	}
	return nil
}

// try takes the steps of one way for as long as there are some.
func (w *work) try(way way) (taken bool, err error) {
	for from := 0; w.left > 0; {
		var plans []chaos.Plan
		for _, p := range way(w.Plan) {
			if p.Validate() == nil {
				plans = append(plans, p)
			}
		}
		if from >= len(plans) {
			return taken, nil
		}
		found, err := w.first(plans[from:])
		if err != nil || found < 0 {
			return taken, err
		}
		// What was refused before will be refused again, most likely; the next round looks.
		taken, from = true, from+found
	}
	return taken, nil
}

// first runs plans until one breaks the promise, takes that one over and returns its index; -1 when none does. Several run at a time,
// but it is the first in their order that counts.
func (w *work) first(plans []chaos.Plan) (int, error) {
	for done := 0; done < len(plans) && w.left > 0; {
		batch := plans[done:min(len(plans), done+max(w.Jobs, 1), done+w.left)]
		results := make([]*sim.Result, len(batch))
		errs := make([]error, len(batch))
		var all sync.WaitGroup
		for i, p := range batch {
			all.Go(func() { results[i], errs[i] = w.Run(p) })
		}
		all.Wait()
		for i, r := range results {
			w.left--
			w.Runs++
			fails := errs[i] == nil && r.Verdict == verdict.Fail && slices.Contains(r.Kinds(), w.Kind)
			if fails {
				w.Plan, w.Result = batch[i], r
			}
			if w.Done != nil {
				w.Done(w.Runs, w.Plan)
			}
			if fails {
				return done + i, nil
			}
			if errs[i] != nil && !errors.Is(errs[i], sim.ErrHarness) { // a plan without an outcome is no smaller one
				return -1, errs[i]
			}
		}
		done += len(batch)
	}
	return -1, nil
}
