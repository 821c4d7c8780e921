package sim

import (
	"bytes"
	"strings"
	"testing"

	"odradek/chaos"
	"odradek/linearizability/history"
)

// A group's members come, go and vanish; its generations count up, its commits are accepted, and what is left of its offsets in the
// end is where the logs end.
func TestGroupsComeAndGo(t *testing.T) {
	if testing.Short() {
		t.Skip("thirteen seconds with five clients take long")
	}
	plan := smallPlan(fault(chaos.Crash, 1, chaos.LeaderOf("t0", 0), chaos.Params{}))
	for key, value := range map[string]string{
		"group.min.session.timeout.ms": "1000", "group.initial.rebalance.delay.ms": "100", "offsets.topic.num.partitions": "1",
		"offsets.topic.segment.bytes": "4096", "log.cleaner.backoff.ms": "300", "min.insync.replicas": "2",
	} {
		plan.Cluster.Config[key] = value
	}
	// Members settle well before they end, and end a while after producers do.
	plan.Phases = chaos.Phases{Calm: seconds(3), Faults: seconds(12), Heal: seconds(4), Read: seconds(6)}
	plan.Groups = []chaos.Group{{
		Name: "g", Topics: []string{"t0"}, Members: 2, Balancer: "range", Session: seconds(1.5), Stay: seconds(1.5), Away: seconds(0.3), Vanish: 0.5,
	}}
	o := observe(t, plan)
	o.pass()
	table, err := history.Collect(bytes.NewReader(o.written.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	generations, members, accepted := map[int32]bool{}, map[string]bool{}, 0
	for _, own := range table.Owns {
		generations[own.Generation] = true
		members[own.Process] = true
	}
	for _, commit := range table.Commits {
		if commit.Outcome == history.OK {
			accepted++
		}
	}
	if len(generations) < 3 || len(members) < 3 || accepted < 20 || len(table.Committed) != 1 || len(table.Committed[0].Positions) != 3 {
		t.Errorf("%d generations, %d members, %d commits accepted, committed at last: %+v", len(generations), len(members), accepted, table.Committed)
	}
	if !strings.Contains(o.written.String(), `"op":"commit"`) {
		t.Error("the history has no commit")
	}
}
