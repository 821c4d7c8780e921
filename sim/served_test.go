package sim

import (
	"fmt"
	"testing"
	"time"

	"odradek/chaos"
	"odradek/linearizability/history"
)

// What is served is told by phase: of the sends by when they were acknowledged, of the polls by when they ended.
func TestServedByPhase(t *testing.T) {
	at := func(s float64) int64 { return int64(s * 1e9) }
	phases := chaos.Phases{Calm: seconds(5), Faults: seconds(10), Heal: seconds(5), Read: seconds(5)}
	send := func(from, to float64) history.SendOp {
		return history.SendOp{Outcome: history.OK, Ended: true, Invoked: at(from), Done: at(to), Acks: history.AcksAll}
	}
	table := &history.Table{
		Sends: []history.SendOp{
			send(1, 1.25), send(4, 6), send(7, 7.5), {Outcome: history.Fail, Ended: true, Done: at(16)}, {Outcome: history.Info, Done: at(16)},
		},
		Reads: []history.ReadStep{{Done: at(24.9), Values: make([]history.ValueID, 7)}, {Done: at(99), Values: make([]history.ValueID, 1)}},
	}
	got := served(phases, table)
	for i, want := range []string{
		"calm: 1 sends acknowledged and 0 not, 0 records read in 5s; latency p50 250.111ms, p99 250.111ms, p99.9 250.111ms, longest 250.111ms",
		"faults: 2 sends acknowledged and 0 not, 0 records read in 10s; latency p50 500.223ms, p99 2.000895s, p99.9 2.000895s, longest 2.000895s",
		"heal: 0 sends acknowledged and 1 not, 0 records read in 5s",
		"read: 0 sends acknowledged and 0 not, 8 records read in 5s",
	} {
		if got[i].String() != want {
			t.Errorf("%s\n%s is expected", got[i], want)
		}
	}
}

// The same seed gives the same figures to the digit, and a fault that slows its clients down is seen in them.
func TestServedIsDeterministic(t *testing.T) {
	if testing.Short() {
		t.Skip("two universes")
	}
	plan := smallPlan(fault(chaos.SlowLink, 4, chaos.Everyone, chaos.Params{Delay: &chaos.Delay{Distribution: "constant", Mean: seconds(0.02)}}))
	var lines [2]string
	for i := range lines {
		result, err := Run(Options{Plan: plan, Program: program(t)})
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = fmt.Sprint(result.Served)
		calm, faults := result.Served[0].Latency, result.Served[1].Latency
		if slow := 20 * time.Millisecond; faults.ValueAtQuantile(75) < calm.ValueAtQuantile(75)+slow.Microseconds() {
			t.Errorf("calm %v, with slow links %v", result.Served[0], result.Served[1])
		}
	}
	if lines[0] != lines[1] {
		t.Errorf("%s\n%s", lines[0], lines[1])
	}
}
