package sim

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"odradek/chaos"
	"odradek/linearizability/verdict"
)

// What a campaign says of probes, and when it holds itself to them.
func TestProbesOfATally(t *testing.T) {
	tally := newTally()
	for seed := range uint64(RequiredSeeds - 1) {
		tally.add(RecordOf(seed, &Result{Verdict: verdict.Pass, Reached: []string{"truncated"}}, nil))
	}
	if missed := tally.Missed(); missed != nil {
		t.Errorf("a campaign of %d seeds is held to %v", tally.Seeds(), missed)
	}
	tally.add(RecordOf(RequiredSeeds, &Result{Verdict: verdict.Pass, Reached: []string{"isr-of-one"}}, nil))
	missed := tally.Missed()
	if !slices.Contains(missed, "tail-cut") || slices.Contains(missed, "truncated") || slices.Contains(missed, "fetch-session-evicted") {
		t.Errorf("missed %v", missed)
	}
	var out bytes.Buffer
	tally.PrintProbes(&out)
	for _, words := range []string{"sometimes: isr-of-one 1, truncated 199\n", "never: append-outlived-isr, ", "\nrequired and never reached: append-outlived-isr, "} {
		if !strings.Contains(out.String(), words) {
			t.Errorf("%q is missing in\n%s", words, &out)
		}
	}
}

// Of two replicas one is alone in sync when the other's process has died, and its broker says so.
func TestBrokersTellOfProbes(t *testing.T) {
	if testing.Short() {
		t.Skip("campaigns show it too")
	}
	plan := smallPlan(fault(chaos.Crash, 3, chaos.Node(2), chaos.Params{}))
	plan.Cluster.Topics[0].ReplicationFactor = 2
	plan.Cluster.Topics[0].Config["min.insync.replicas"] = "1"
	o := observe(t, plan)
	result := o.pass()
	if !slices.Contains(result.Reached, "isr-of-one") {
		t.Errorf("reached %v", result.Reached)
	}
	if slices.Contains(result.Reached, "share-lock-ended") {
		t.Error("there is no share group, and one of its locks ended")
	}
}
