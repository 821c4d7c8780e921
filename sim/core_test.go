package sim

import (
	"slices"
	"testing"

	"odradek/chaos"
)

// One node is never healed: the others elect leaders without it, take writes, and come to the end.
func TestTheCoreGoesOn(t *testing.T) {
	for _, c := range []struct {
		kind    chaos.Kind
		clients bool
		short   bool
		runs    bool // the process is there, for all the good that it does
	}{
		{chaos.Crash, false, true, false},
		{chaos.Isolate, true, false, true},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			if testing.Short() && !c.short {
				t.Skip("one is enough in a hurry")
			}
			plan := smallPlan(chaos.Fault{At: seconds(7), Kind: c.kind, Target: chaos.Node(1), Stays: true, Params: chaos.Params{Clients: c.clients}})
			plan.Phases.Heal, plan.Phases.Read = seconds(8), seconds(5)
			o := observe(t, plan)
			o.at(plan.Phases.End().D().Seconds()-0.1, func() {
				if o.brokers[0].Running() != c.runs {
					t.Errorf("the node that is left broken runs: %v", o.brokers[0].Running())
				}
				for index := range int32(3) {
					if isr, leader := o.isr(index); leader == 1 || slices.Contains(isr, 1) || len(isr) != 2 {
						t.Errorf("t0-%d: leader %d, ISR %v", index, leader, isr)
					}
				}
			})
			o.pass()
		})
	}
}

// The core owes what a healed cluster does.
func TestACoreThatDoesNotGoOn(t *testing.T) {
	if testing.Short() {
		t.Skip("another shows it")
	}
	plan := doomed()
	plan.Schedule = chaos.Schedule{{At: seconds(4), Kind: chaos.Crash, Target: chaos.Node(1), Stays: true}}
	o := observe(t, plan)
	o.at(4.5, func() { o.cut("node-2", "node-3") })
	o.demand("no-progress")
}
