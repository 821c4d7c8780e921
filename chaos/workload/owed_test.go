package workload_test

import (
	"testing"

	"odradek/chaos"
	"odradek/chaos/workload"
	"odradek/linearizability/history"
)

func TestUnwrittenTopics(t *testing.T) {
	seconds := func(s float64) chaos.Duration { return chaos.Duration(s * 1e9) }
	// It heals from 5 s to 8 s, so sends are looked at from 6.5 s on. Nobody sends to the second topic.
	plan := chaos.Plan{
		Phases:    chaos.Phases{Calm: seconds(2), Faults: seconds(3), Heal: seconds(3), Read: seconds(2)},
		Cluster:   chaos.Cluster{Nodes: 1, Topics: []chaos.Topic{{Name: "t0", Partitions: 1, ReplicationFactor: 1}, {Name: "quiet", Partitions: 1, ReplicationFactor: 1}}},
		Producers: []chaos.Producer{{Topics: []string{"t0"}, Acks: "all"}},
	}
	send := func(at float64, outcome history.Type, acks history.Acks) history.SendOp {
		return history.SendOp{Asked: history.Partition{Topic: "t0"}, Invoked: int64(seconds(at)), Outcome: outcome, Ended: true, Acks: acks}
	}
	open := send(7.1, history.Info, history.AcksAll)
	open.Ended = false
	for _, c := range []struct {
		name  string
		sends []history.SendOp
		rate  float64
		found bool
	}{
		{"acknowledged", []history.SendOp{send(7, history.Info, -1), send(7.5, history.OK, -1)}, 30, false},
		{"acknowledged by the leader", []history.SendOp{send(7.5, history.OK, 1)}, 30, false},
		{"too early to count", []history.SendOp{send(6, history.OK, -1)}, 30, true},
		{"unknown only", []history.SendOp{send(7, history.Info, -1)}, 30, true},
		{"never asked for an answer", []history.SendOp{send(7, history.OK, 0)}, 30, true},
		{"one without an end", []history.SendOp{send(7, history.OK, -1), open}, 30, true},
		{"nothing sent", nil, 30, true},
		{"nothing expected", nil, 0.1, false},
	} {
		plan.Producers[0].RecordsPerSecond = c.rate
		if found := workload.Unwritten(&plan, &history.Table{Sends: c.sends}); (found != nil) != c.found {
			t.Errorf("%s: %q", c.name, found)
		}
	}
	plan.Producers[0].Acks, plan.Producers[0].RecordsPerSecond = "0", 30
	if found := workload.Unwritten(&plan, &history.Table{}); found != nil {
		t.Errorf("nobody asks for acknowledgements: %q", found)
	}
}
