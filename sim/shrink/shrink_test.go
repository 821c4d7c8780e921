package shrink

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"odradek/chaos"
	"odradek/linearizability/verdict"
	"odradek/sim"
)

// world says which plans break the promise.
type world struct {
	breaks func(chaos.Plan) bool
	runs   atomic.Int64
}

func (w *world) run(p chaos.Plan) (*sim.Result, error) {
	w.runs.Add(1)
	r := &sim.Result{Seed: p.Seed, Plan: p, Verdict: verdict.Pass}
	if w.breaks(p) {
		r.Verdict = verdict.Fail
		r.Violations = []sim.Violation{{Kind: "replicas-differ"}}
		r.Report.Add(verdict.Violation{Kind: verdict.LostWrite})
	} else if len(p.Schedule)%2 == 1 { // another bug, which is not to be taken for this one
		r.Verdict = verdict.Fail
		r.Violations = []sim.Violation{{Kind: "broker-died"}}
	}
	return r, nil
}

func has(p chaos.Plan, kind chaos.Kind) bool {
	return slices.ContainsFunc(p.Schedule, func(f chaos.Fault) bool { return f.Kind == kind })
}

// bigPlan is a drawn plan with much in it.
func bigPlan(t *testing.T) chaos.Plan {
	for seed := range uint64(1000) {
		p := chaos.Draw(seed)
		if len(p.Schedule) > 20 && len(p.Producers) > 1 && p.Cluster.Nodes == 5 && has(p, chaos.Crash) && has(p, chaos.Pause) && len(p.Groups) > 0 {
			return p
		}
	}
	t.Fatal("no seed has a plan of that kind")
	return chaos.Plan{}
}

func search(t *testing.T, w *world, plan chaos.Plan, jobs int) *Outcome {
	t.Helper()
	failing, err := w.run(plan)
	if err != nil {
		t.Fatal(err)
	}
	s := &Search{Failing: failing, Run: w.run, Jobs: jobs, RunsMax: 5000}
	o, err := s.Shrink()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Two faults are needed, three nodes and a producer: that is what is left, and the later of the two sealed it.
func TestWhatIsNeededIsLeft(t *testing.T) {
	plan := bigPlan(t)
	w := &world{breaks: func(p chaos.Plan) bool {
		return has(p, chaos.Crash) && has(p, chaos.Pause) && p.Cluster.Nodes >= 3 && len(p.Producers) >= 1
	}}
	o := search(t, w, plan, 1)
	if o.Kind != "lost-write" || !o.Whole || o.Runs != int(w.runs.Load())-1 {
		t.Errorf("kept %s, whole %v, %d runs of %d", o.Kind, o.Whole, o.Runs, w.runs.Load()-1)
	}
	p := o.Plan
	if len(p.Schedule) != 2 || !has(p, chaos.Crash) || !has(p, chaos.Pause) {
		t.Errorf("faults left: %v", p.Schedule)
	}
	if p.Cluster.Nodes != 3 && !strings.Contains(fmt.Sprint(p.Schedule), "node") {
		t.Errorf("%d nodes", p.Cluster.Nodes)
	}
	if len(p.Producers) != 1 || len(p.Consumers)+len(p.Groups)+len(p.Copiers)+len(p.Deleters)+len(p.Reassignments) != 0 {
		t.Errorf("clients left: %+v", p)
	}
	if p.Phases.Faults >= plan.Phases.Faults || p.Phases.Heal != plan.Phases.Heal {
		t.Errorf("phases %+v, before %+v", p.Phases, plan.Phases)
	}
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	if kind := o.Sealed.By.Kind; kind != chaos.Crash && kind != chaos.Pause || o.Sealed.Of != len(plan.Schedule) {
		t.Errorf("%s", o.Sealed)
	}
	if words := strings.Join(o.Words(&plan), "\n"); !strings.Contains(words, "sealed by fault ") || !strings.Contains(words, "needed: ") {
		t.Error(words)
	}
	if other := search(t, w, plan, 4); !slices.EqualFunc(other.Plan.Schedule, p.Schedule, func(a, b chaos.Fault) bool { return a.String() == b.String() }) {
		t.Errorf("with four at a time %v is left, with one %v", other.Plan.Schedule, p.Schedule)
	}
}

// The seal is at the first prefix that breaks the promise, whatever comes after.
func TestSeal(t *testing.T) {
	plan := bigPlan(t)
	byTime := slices.SortedStableFunc(slices.Values(plan.Schedule), func(a, b chaos.Fault) int { return int(a.At - b.At) })
	for _, at := range []int{1, 2, 7, len(byTime) - 1, len(byTime)} {
		w := &world{breaks: func(p chaos.Plan) bool { return len(p.Schedule) >= at }}
		if o := search(t, w, plan, 1); o.Sealed.Faults != at || o.Sealed.By.String() != byTime[at-1].String() {
			t.Errorf("%s; fault %d seals it", o.Sealed, at)
		}
	}
	w := &world{breaks: func(chaos.Plan) bool { return true }}
	if o := search(t, w, plan, 1); o.Sealed.Faults != 0 || !strings.Contains(o.Sealed.String(), "without a fault") || len(o.Plan.Schedule) != 0 {
		t.Errorf("%s; %v", o.Sealed, o.Plan.Schedule)
	}
}

// A search keeps to its bound and says so.
func TestSearchIsBounded(t *testing.T) {
	plan := bigPlan(t)
	w := &world{breaks: func(p chaos.Plan) bool { return len(p.Schedule) == len(plan.Schedule) }}
	failing, _ := w.run(plan)
	s := &Search{Failing: failing, Run: w.run, RunsMax: 9}
	o, err := s.Shrink()
	if err != nil || o.Whole || o.Runs != 9 || w.runs.Load() != 10 {
		t.Errorf("%d runs, %v, whole %v", o.Runs, err, o.Whole)
	}
	if words := o.Words(&plan); !strings.Contains(words[len(words)-1], "bound") {
		t.Error(words)
	}
}

// A plan without an outcome is not taken; any other error ends the search; what violated nothing has nothing to keep.
func TestSearchAndErrors(t *testing.T) {
	plan := bigPlan(t)
	w := &world{breaks: func(chaos.Plan) bool { return true }}
	failing, _ := w.run(plan)
	s := &Search{Failing: failing, Run: func(chaos.Plan) (*sim.Result, error) { return nil, sim.ErrHarness }}
	if o, err := s.Shrink(); err != nil || len(o.Plan.Schedule) != len(plan.Schedule) {
		t.Errorf("%v", err)
	}
	interrupted := errors.New("interrupted")
	s.Run = func(chaos.Plan) (*sim.Result, error) { return nil, interrupted }
	if _, err := s.Shrink(); !errors.Is(err, interrupted) {
		t.Errorf("%v", err)
	}
	s.Failing = &sim.Result{}
	if _, err := s.Shrink(); !errors.Is(err, ErrNoViolation) {
		t.Errorf("%v", err)
	}
}
