package sometimes_test

import (
	"testing"

	"odradek/broker/env/sometimes"
	"odradek/sim"
)

// Campaigns know every probe by its name, and the other way round: a probe that nobody lists could never be missed.
func TestCampaignsKnowEveryProbe(t *testing.T) {
	probes := sometimes.Probes()
	if len(probes) != len(sim.Probes) {
		t.Fatalf("%d probes in the broker, %d in campaigns", len(probes), len(sim.Probes))
	}
	for i, p := range probes {
		if string(p) != sim.Probes[i].Name {
			t.Errorf("%s is %s in campaigns", p, sim.Probes[i].Name)
		}
	}
}

// Without allocation and with nothing to do, in real builds.
func TestAProbeCostsNothingInARealBuild(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { sometimes.Reached(sometimes.Truncated) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
