package sim

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"odradek/chaos"
	"odradek/linearizability/history"
	"odradek/linearizability/verdict"
)

func failed() *Result {
	r := &Result{Seed: 7, Verdict: verdict.Fail, Hash: 0xab, Virtual: 60 * time.Second, Wall: 1500 * time.Millisecond, Operations: 12}
	r.Violations = []Violation{{Kind: "broker-died", At: 3 * time.Second, Words: "node-1 exited with code 2"}}
	for range 12 {
		r.Violations = append(r.Violations, Violation{Kind: "replicas-differ", Words: "t0-0"})
	}
	r.Report.Add(verdict.Violation{Kind: verdict.LostWrite, Partition: history.Partition{Topic: "t0"}, Words: "gone"})
	r.Report.Unknown = []string{"a window took too long"}
	r.Report.Allow("lost-acks-one")
	return r
}

func TestLineOfAResult(t *testing.T) {
	want := "seed=7 verdict=fail hash=00000000000000ab virtual=60s wall=1.5s operations=12 faults=0 violations=14"
	if got := failed().Line(); got != want {
		t.Errorf("%s\n%s is expected", got, want)
	}
	r := failed()
	if r.Virtual = 45500 * time.Millisecond; !strings.Contains(r.Line(), "virtual=45.5s") {
		t.Error(r.Line())
	}
}

func TestExplanationOfAResult(t *testing.T) {
	var out bytes.Buffer
	failed().Explain(&out)
	for _, line := range []string{
		"broker-died: at 3s: node-1 exited with code 2\n", "replicas-differ: t0-0\n", "replicas-differ: and 2 more\n", "lost-write: t0-0: gone\n",
		"allowed: lost-acks-one 1\n", "unknown: a window took too long\n",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("%q is missing in\n%s", line, &out)
		}
	}
	if got := failed().Kinds(); !slices.Equal(got, []string{"broker-died", "replicas-differ", "lost-write"}) {
		t.Errorf("%v", got)
	}
}

func TestTally(t *testing.T) {
	tally := newTally()
	tally.Wall = time.Minute
	tally.add(RecordOf(1, &Result{Verdict: verdict.Pass, Virtual: time.Minute, Assertions: []Assertion{
		{Kind: "sometimes", Name: "rare", False: 3}, {Kind: "sometimes", Name: "common", True: 2}, {Kind: "always", Name: "sound", True: 1},
	}}, nil))
	tally.add(RecordOf(2, &Result{Verdict: verdict.Unknown, Virtual: time.Minute}, nil))
	tally.add(RecordOf(3, nil, ErrHarness))
	tally.add(RecordOf(9, failed(), nil))
	tally.add(RecordOf(8, &Result{Verdict: verdict.Fail, Violations: []Violation{{Kind: "replicas-differ"}}}, nil))
	if want := "seeds=5 passed=1 failed=2 unknown=2 seeds_per_hour=300 virtual_per_wall=3.0"; tally.Line() != want {
		t.Errorf("%s\n%s is expected", tally.Line(), want)
	}
	if never := tally.Never(); !slices.Equal(never, []string{"rare"}) {
		t.Errorf("never: %v", never)
	}
	if kinds := tally.Kinds(); !slices.Equal(kinds, []string{"replicas-differ", "broker-died", "lost-write"}) {
		t.Errorf("%v", kinds)
	}
}

// A campaign runs each seed once, stops when it is told to, and its tally does not depend on how many run at a time.
func TestCampaign(t *testing.T) {
	if testing.Short() {
		t.Skip("four universes")
	}
	c := &Campaign{First: 3, Last: 5, For: chaos.RunMin, Jobs: 2, Program: program(t)}
	var seeds []uint64
	c.Done = func(seed uint64, _ *Result, err error) bool {
		if err != nil {
			t.Error(err)
		}
		seeds = append(seeds, seed)
		return true
	}
	tally := c.Run(t.Context())
	slices.Sort(seeds)
	if !slices.Equal(seeds, []uint64{3, 4, 5}) || tally.Passed != 3 || tally.Virtual != 3*chaos.RunMin {
		t.Errorf("seeds %v: %s, %v, %v", seeds, tally.Line(), tally.Virtual, tally.ByKind)
	}
	c.Last, c.Jobs, c.Done = 1<<40, 1, func(uint64, *Result, error) bool { return false }
	if tally := c.Run(t.Context()); tally.Seeds() > 2 {
		t.Errorf("after being told to stop, %s", tally.Line())
	}
}

// A plan that can't be run is the harness's error and no verdict.
func TestPlanThatIsNone(t *testing.T) {
	plan := smallPlan()
	plan.Cluster.Nodes = 0
	if _, err := Run(Options{Plan: plan}); !errors.Is(err, ErrHarness) {
		t.Errorf("%v", err)
	}
}

func TestProgramsThatAreNone(t *testing.T) {
	if _, err := LoadProgram(t.Context(), t.TempDir()+"/no.wasm"); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("%v", err)
	}
}
