package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"odradek/chaos"
	"odradek/sim/clock"
	"odradek/sim/guest"
)

// said is a line of a broker, in the order of the fields that matter.
func said(index, epoch, leader, leaderEpoch int32, isr ...int32) string {
	text, err := json.Marshal(guest.Line{
		Event: guest.EventPartition, Topic: "t0", Partition: index, PartitionEpoch: epoch, Leader: leader, LeaderEpoch: leaderEpoch,
		Replicas: []int32{1, 2, 3}, ISR: isr,
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestViewSeesWhatBrokersMayNotTell(t *testing.T) {
	type line struct{ node, text string }
	for _, c := range []struct {
		name  string
		lines []line
		kinds []string
	}{
		{"two tell the same", []line{{"node-1", said(0, 0, 1, 0, 1, 2, 3)}, {"node-2", said(0, 0, 1, 0, 1, 2, 3)}}, nil},
		{"one lags", []line{{"node-1", said(0, 1, 2, 1, 2, 3)}, {"node-2", said(0, 0, 1, 0, 1, 2, 3)}}, nil},
		{"an epoch has two leaders", []line{{"node-1", said(0, 1, 1, 5, 1)}, {"node-2", said(0, 2, 2, 5, 1)}}, []string{"two-leaders"}},
		{"nobody leads, twice", []line{{"node-1", said(0, 1, -1, 5, 1)}, {"node-2", said(0, 2, 2, 5, 1)}}, nil},
		{"an epoch has two ISRs", []line{{"node-1", said(0, 1, 1, 1, 1, 2)}, {"node-2", said(0, 1, 1, 1, 1, 3)}}, []string{"metadata-differs"}},
		{"an epoch has two leader epochs", []line{{"node-1", said(0, 1, 1, 1, 1)}, {"node-2", said(0, 1, 1, 2, 1)}}, []string{"metadata-differs"}},
		{"other partitions, other epochs", []line{{"node-1", said(0, 1, 1, 1, 1)}, {"node-1", said(1, 1, 2, 1, 2)}}, nil},
		{"no JSON", []line{{"node-1", "hello"}}, []string{"bad-line"}},
		{"a leader of another cluster", []line{{"node-1", said(0, 1, 4, 1, 1)}}, []string{"bad-line"}},
		{"an ISR of another cluster", []line{{"node-1", said(0, 1, 1, 1, 0)}}, []string{"bad-line"}},
		{"a controller", []line{{"node-1", `{"event":"controller","leader":3}`}, {"node-1", `{"event":"serving"}`}}, nil},
		{"a controller of another cluster", []line{{"node-1", `{"event":"controller","leader":9}`}}, []string{"bad-line"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newView(3)
			for i, each := range c.lines {
				v.take(each.node, clock.Time(i), []byte(each.text))
			}
			var kinds []string
			for _, violation := range v.violations {
				kinds = append(kinds, violation.Kind)
			}
			if !slices.Equal(kinds, c.kinds) {
				t.Errorf("violations %v, expected %v", v.violations, c.kinds)
			}
		})
	}
}

func TestViewKeepsTheNewest(t *testing.T) {
	v := newView(3)
	v.take("node-1", 1, []byte(said(1, 7, 2, 3, 2)))
	v.take("node-2", 2, []byte(said(1, 6, 1, 2, 1, 2)))
	v.take("node-2", 3, []byte(said(0, 0, 3, 0, 3)))
	v.take("node-3", 4, []byte(`{"event":"controller","leader":2}`))
	v.take("node-3", 5, []byte(`{"event":"controller","leader":-1}`))
	target := &target{view: v}
	if leader, ok := target.Leader("t0", 1); !ok || leader != 2 {
		t.Errorf("partition 1 is led by %d, %v", leader, ok)
	}
	if _, ok := target.Leader("t0", 2); ok {
		t.Error("a partition that nobody told of has a leader")
	}
	if controller, ok := target.Controller(); !ok || controller != 2 {
		t.Errorf("the controller is %d, %v", controller, ok)
	}
	if got := fmt.Sprint(v.order); got != "[t0-0 t0-1]" {
		t.Errorf("partitions %s", got)
	}
}

func TestViewOfAClusterThatIsNotWhole(t *testing.T) {
	plan := &chaos.Plan{Cluster: chaos.Cluster{Topics: []chaos.Topic{{Name: "t0", Partitions: 4, ReplicationFactor: 3}}}}
	v := newView(3)
	v.take("node-1", 1, []byte(said(0, 0, 1, 0, 1, 2, 3)))
	v.take("node-1", 2, []byte(said(1, 0, 1, 0, 1, 3)))
	v.take("node-1", 3, []byte(said(2, 0, -1, 0, 1, 2, 3)))
	found := v.unhealed(plan)
	if len(found) != 3 {
		t.Fatalf("%q", found)
	}
	for i, part := range []string{"t0-1: the ISR is [1 3] of [1 2 3]", "t0-2: nobody leads", "t0-3: no broker ever told"} {
		if !strings.Contains(found[i], part) {
			t.Errorf("%q lacks %q", found[i], part)
		}
	}
	v.take("node-2", 4, []byte(said(1, 1, 1, 0, 1, 2, 3)))
	v.take("node-2", 5, []byte(said(2, 1, 3, 1, 1, 2, 3)))
	v.take("node-2", 6, []byte(said(3, 0, 3, 0, 1, 2, 3)))
	if found := v.unhealed(plan); found != nil {
		t.Errorf("a whole cluster: %q", found)
	}
	plan.Reassignments = []chaos.Reassignment{{Topic: "t0", Partition: 2, Replicas: []int{1, 2, 3}}, {Topic: "t0", Partition: 3, Replicas: []int{3, 1}}}
	if found := v.unhealed(plan); len(found) != 1 || !strings.Contains(found[0], "t0-3: the replicas are [1 2 3]") || !strings.Contains(found[0], "[3 1] were asked for") {
		t.Errorf("a move that did not end: %q", found)
	}
}

func TestViewOfACoreWithoutANode(t *testing.T) {
	plan := &chaos.Plan{Cluster: chaos.Cluster{Topics: []chaos.Topic{{Name: "t0", Partitions: 3, ReplicationFactor: 3}}}}
	plan.Schedule = chaos.Schedule{{Kind: chaos.Crash, Target: chaos.Node(3), Stays: true}}
	v := newView(3)
	v.take("node-1", 1, []byte(said(0, 0, 1, 0, 1, 2)))
	v.take("node-1", 2, []byte(said(1, 0, 1, 0, 1, 3)))
	v.take("node-1", 3, []byte(said(2, 0, 3, 0, 1, 2, 3)))
	found := v.unhealed(plan)
	if len(found) != 2 {
		t.Fatalf("%q", found)
	}
	for i, part := range []string{"t0-1: the ISR is [1 3] of [1 2 3]", "t0-2: 3, which is left broken, leads"} {
		if !strings.Contains(found[i], part) {
			t.Errorf("%q lacks %q", found[i], part)
		}
	}
}

func TestViewOfANodeThatStaysBehind(t *testing.T) {
	v := newView(3)
	v.take("node-1", clock.Time(time.Second), []byte(said(0, 4, 1, 0, 1)))
	v.take("node-2", clock.Time(time.Second), []byte(said(0, 4, 1, 0, 1)))
	v.take("node-1", clock.Time(2*time.Second), []byte(said(0, 5, 2, 1, 2)))
	if found := v.behind(2*time.Second, nil); found != nil {
		t.Errorf("there was no time to hear of it: %q", found)
	}
	if found := v.behind(3*time.Second, nil); len(found) != 1 || !strings.Contains(found[0], "node-2 knows partition epoch 4") {
		t.Errorf("%q", found)
	}
	if found := v.behind(3*time.Second, []int{2}); found != nil {
		t.Errorf("of one that is left broken: %q", found)
	}
	v.take("node-2", clock.Time(2*time.Second), []byte(said(0, 5, 2, 1, 2)))
	if found := v.behind(3*time.Second, nil); found != nil {
		t.Errorf("everybody knows: %q", found)
	}
}
