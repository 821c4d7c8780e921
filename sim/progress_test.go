package sim

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"odradek/chaos"
	"odradek/linearizability/history"
	"odradek/linearizability/verdict"
	"odradek/sim/guest"
)

// doomed is a small plan that is over before long: what is done to it comes from outside of the schedule, as no drawn fault
// outlasts the fault phase.
func doomed() chaos.Plan {
	plan := smallPlan()
	plan.Phases = chaos.Phases{Calm: seconds(3), Faults: seconds(2), Heal: seconds(3), Read: seconds(2)}
	return plan
}

// demand runs the universe, which has to fail with these kinds of violation, among others.
func (o *observed) demand(kinds ...string) *Result {
	o.t.Helper()
	result := o.take()
	var words bytes.Buffer
	result.Explain(&words)
	o.t.Logf("%s", &words)
	if result.Verdict != verdict.Fail {
		o.t.Errorf("verdict %s", result.Verdict)
	}
	for _, kind := range kinds {
		if !slices.Contains(result.Kinds(), kind) {
			o.t.Errorf("nothing of kind %s", kind)
		}
	}
	return result
}

// cut holds back everything between two machines.
func (o *observed) cut(from, to string) {
	a, b := o.universe.Node(from).Host(), o.universe.Node(to).Host()
	o.universe.Network().Block(a, b)
	o.universe.Network().Block(b, a)
}

func TestClusterThatNeverForms(t *testing.T) {
	o := observe(t, doomed())
	for _, pair := range [][2]string{{"node-1", "node-2"}, {"node-2", "node-3"}, {"node-1", "node-3"}} {
		o.cut(pair[0], pair[1])
	}
	result := o.demand("no-progress", "isr-not-full")
	if !strings.Contains(result.Violations[0].Words, "the topics were not made: setup: ") {
		t.Errorf("%q doesn't say why", result.Violations[0].Words)
	}
}

func TestNodeThatStaysCutOff(t *testing.T) {
	if testing.Short() {
		t.Skip("another shows it")
	}
	o := observe(t, doomed())
	o.at(5.5, func() { o.cut("node-1", "node-2"); o.cut("node-1", "node-3") })
	o.demand("isr-not-full", "metadata-behind")
}

func TestReadersThatComeToNoEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("another shows it")
	}
	o := observe(t, doomed())
	o.at(7.5, func() {
		for _, n := range o.brokers {
			n.Pause(seconds(10).D())
		}
	})
	result := o.demand("no-progress")
	if !strings.Contains(result.Violations[0].Words, "final read") {
		t.Errorf("%q", result.Violations[0].Words)
	}
}

// A producer that reaches nobody gives its records up in time for the final read, and the run says that they were not taken.
func TestNoWritesAfterHealing(t *testing.T) {
	if testing.Short() {
		t.Skip("another shows it")
	}
	plan := doomed()
	plan.Phases.Read = seconds(8)
	o := observe(t, plan)
	o.at(5.5, func() {
		for _, n := range o.brokers {
			o.cut("producer-1", n.Name())
		}
	})
	result := o.demand("no-progress")
	if len(result.Kinds()) != 1 || !strings.Contains(result.Violations[0].Words, "records were sent") {
		t.Errorf("%v", result.Violations)
	}
}

func TestBrokerThatDiesByItself(t *testing.T) {
	o := observe(t, doomed())
	o.at(4, func() {
		// A broker that finds another's data on its disk gives up with an error; its task is told to be another node's.
		o.brokers[1].Crash()
		task, err := guest.ParseArgs(o.brokerTask(2).Args())
		if err != nil {
			t.Fatal(err)
		}
		task.Settings["node.id"] = "7"
		o.brokers[1].SetArgs(task.Args())
	})
	result := o.demand("broker-died")
	for _, v := range result.Violations {
		if v.Kind == "broker-died" && !strings.Contains(v.Words, "node-2 exited with code 1\n    ") {
			t.Errorf("%q doesn't say why", v.Words)
		}
	}
}

// A broker that is asked to stop stops, or the run says that it did not.
func TestBrokerThatNeverStops(t *testing.T) {
	if testing.Short() {
		t.Skip("another shows it")
	}
	o := observe(t, doomed())
	o.at(4, func() {
		o.target.stop(o.brokers[2])
		o.brokers[2].Pause(seconds(20).D())
	})
	o.demand("stop-hangs", "isr-not-full")
}

// A broker that stops without being asked has died, however well.
func TestBrokerThatStopsUnasked(t *testing.T) {
	if testing.Short() {
		t.Skip("another shows it")
	}
	o := observe(t, doomed())
	o.at(4, func() { o.brokers[2].CloseStdin() })
	o.demand("broker-died")
}

func TestPanicIsQuoted(t *testing.T) {
	o := observe(t, doomed())
	n := o.brokers[0]
	for _, line := range []string{"level=INFO msg=x", "panic: index out of range", "\tsecond line", "", "goroutine 1 [running]:"} {
		o.stderr(n, 0, []byte(line))
	}
	if got := strings.Join(o.panics[n], "|"); got != "panic: index out of range|\tsecond line|" {
		t.Errorf("%q", got)
	}
}

// A universe in which nothing came about proves nothing, even when its plan demands no progress.
func TestNothingProvedIsNoPass(t *testing.T) {
	read := history.Table{Reads: []history.ReadStep{{Values: []history.ValueID{0}}}}
	for _, c := range []struct {
		name  string
		acks  string
		acked int
		made  bool // the topics
		table history.Table
		words []string
	}{
		{"all is well", "all", 1, true, read, nil},
		{"nothing acknowledged", "all", 0, true, read, []string{"nothing was acknowledged"}},
		{"nothing read", "all", 1, true, history.Table{Reads: []history.ReadStep{{Assign: true}}}, []string{"nothing was read"}},
		{"no acknowledgement asked for", "0", 0, true, read, nil},
		{"no topic made", "all", 0, false, history.Table{}, []string{"nothing was acknowledged", "nothing was read", "the topics were not made"}},
	} {
		plan := doomed()
		plan.Phases.Read = 0
		plan.Producers[0].Acks = c.acks
		r := &run{plan: plan, result: Result{Acked: c.acked}, life: clientsLife{topicsMade: c.made}}
		if got := r.unproved(&c.table); !slices.Equal(got, c.words) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestUnprovedRunIsUnknown(t *testing.T) {
	plan := doomed()
	plan.Phases.Heal, plan.Phases.Read = 0, 0
	o := observe(t, plan)
	o.at(0.001, func() { o.brokers[1].PowerLoss(); o.brokers[2].PowerLoss() })
	if result := o.take(); result.Verdict != verdict.Unknown {
		t.Errorf("verdict %s, %d acknowledged", result.Verdict, result.Acked)
	}
}
