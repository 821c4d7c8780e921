package workload_test

import (
	"strings"
	"testing"
	"time"

	"odradek/chaos"
	"odradek/chaos/workload"
	"odradek/linearizability/history"
	"odradek/linearizability/historytest"
)

// A group owes what was acknowledged well before producers stopped, of topics that keep everything.
func TestUndone(t *testing.T) {
	for _, c := range []struct {
		name      string
		committed int64 // -1: the question was not answered
		config    map[string]string
		heal      time.Duration
		words     string
	}{
		{"done", 2, nil, 3 * time.Second, ""},
		{"behind", 1, nil, 3 * time.Second, "group g is done up to offset 1 of t-0; offset 1 was acknowledged"},
		{"acknowledged just now", 1, nil, time.Second, ""},
		{"vanishing", 1, map[string]string{"retention.bytes": "100"}, 3 * time.Second, ""},
		{"not answered", -1, nil, 3 * time.Second, ""},
	} {
		s := historytest.New()
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		id := s.Begin("f", history.Event{Op: history.Committed, Group: "g"})
		if c.committed >= 0 {
			s.End("f", id, history.OK, history.Event{Op: history.Committed, Positions: []history.Position{{Topic: "t", Offset: c.committed}}})
		}
		plan := chaos.Plan{
			Phases:  chaos.Phases{Heal: chaos.Duration(c.heal), Read: chaos.Duration(time.Second)},
			Cluster: chaos.Cluster{Nodes: 1, Topics: []chaos.Topic{{Name: "t", Partitions: 1, ReplicationFactor: 1, Config: c.config}}},
			Groups:  []chaos.Group{{Name: "g", Topics: []string{"t"}, Members: 1}},
		}
		found := strings.Join(workload.Undone(&plan, s.Table(t)), "; ")
		if (found == "") != (c.words == "") || !strings.Contains(found, c.words) {
			t.Errorf("%s: %q", c.name, found)
		}
	}
}
