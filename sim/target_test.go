package sim

import (
	"testing"

	"odradek/chaos"
	"odradek/sim/host"
)

// A node that is asked to stop and starts again is not started by that while another fault has it down.
func TestRestartWaitsForWhoHoldsTheNodeDown(t *testing.T) {
	n := &host.Node{}
	target := &target{brokers: []*host.Node{n}, stopping: map[*host.Node]bool{n: true}, restart: map[*host.Node]bool{}}
	if err := target.startAll([]int{1}); err != nil || !target.restart[n] {
		t.Fatalf("%v, %v", err, target.restart)
	}
	if err := target.Apply(chaos.Act{Index: 1, Nodes: []int{1}, Fault: chaos.Fault{Kind: chaos.Stop, For: seconds(1)}}); err != nil {
		t.Fatal(err)
	}
	if err := target.ended(n, false); err != nil || target.restart[n] {
		t.Errorf("%v, %v", err, target.restart)
	}
}
