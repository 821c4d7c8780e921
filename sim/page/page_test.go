package page

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"odradek/chaos"
	"odradek/linearizability"
	"odradek/linearizability/history"
	"odradek/linearizability/historytest"
	"odradek/linearizability/verdict"
	"odradek/reports"
	"odradek/sim"
	"odradek/sim/guest"
	"odradek/sim/shrink"
)

func seconds(s float64) chaos.Duration { return chaos.Duration(s * float64(time.Second)) }

// universe is a run made by hand: node 1 of three crashes and comes back, and a value that was acknowledged is not read.
func universe(t *testing.T) (*sim.Result, *sim.Recording) {
	t.Helper()
	crash := chaos.Fault{At: seconds(2), For: seconds(1), Kind: chaos.Crash, Target: chaos.Node(1)}
	pause := chaos.Fault{At: seconds(1.5), For: seconds(1), Kind: chaos.Pause, Target: chaos.Node(1)}
	oneWay := chaos.Fault{At: seconds(2.5), For: seconds(1), Kind: chaos.OneWay, Target: chaos.Node(2), Params: chaos.Params{Direction: "in"}}
	missed := chaos.Fault{At: seconds(2.6), For: seconds(1), Kind: chaos.Isolate, Target: chaos.ActiveController}
	plan := chaos.Plan{
		Seed: 9, Version: chaos.PlanVersion,
		Phases: chaos.Phases{Calm: seconds(1), Faults: seconds(4), Heal: seconds(3), Read: seconds(2)},
		Cluster: chaos.Cluster{Nodes: 3, Config: map[string]string{"b": "2", "a": "1"},
			Topics: []chaos.Topic{{Name: "t", Partitions: 1, ReplicationFactor: 3, Config: map[string]string{"min.insync.replicas": "2"}}}},
		Producers: []chaos.Producer{{Topics: []string{"t"}, Acks: "all", Idempotent: true, RecordsPerSecond: 5, ValueBytes: 20, BatchBytes: 4096, MaxInFlight: 1}},
		Schedule:  chaos.Schedule{pause, crash, oneWay, missed},
	}
	script := historytest.New()
	script.Put("producer-1", "a", 0)
	script.Put("producer-1", "b", 1)
	script.Lost("producer-1", script.Send("producer-1", -1, "c", history.AcksAll, true), history.Info)
	script.Send("producer-1", 0, "d", history.AcksAll, true)
	script.Poll("consumer-1", 0, "a", "b")
	script.Final("final-reader", "a")
	seen := &sim.Recording{History: script.Text(t), LeftOut: 3}
	seen.Lives = []sim.Life{{Node: "node-1", To: seconds(2).D(), Ended: true, End: "crashed"}, {Node: "node-1", From: seconds(3).D()}, {Node: "node-2"}, {Node: "producer-1"}}
	seen.Steps = []chaos.Outcome{
		{Step: chaos.Step{At: pause.At}, Fault: pause, Nodes: []int{1}},
		{Step: chaos.Step{At: crash.At, Index: 1}, Fault: crash, Nodes: []int{1}},
		{Step: chaos.Step{At: pause.End(), Undo: true}, Fault: pause, Nodes: []int{1}},
		{Step: chaos.Step{At: oneWay.At, Index: 2}, Fault: oneWay, Nodes: []int{2}},
		{Step: chaos.Step{At: missed.At, Index: 3}, Fault: missed, Note: "nobody had the role"},
		{Step: chaos.Step{At: crash.End(), Index: 1, Undo: true}, Fault: crash, Nodes: []int{1}, Note: "late"},
		{Step: chaos.Step{At: missed.End(), Index: 3, Undo: true}, Fault: missed, Note: "was not applied"},
	}
	tell := func(s float64, line guest.Line) {
		seen.Accounts = append(seen.Accounts, sim.Account{At: seconds(s).D(), Node: "node-2", Line: line})
	}
	tell(0.1, guest.Line{Event: guest.EventController, Leader: 2})
	tell(0.2, guest.Line{Event: guest.EventPartition, Topic: "t", Leader: 1, Replicas: []int32{2, 1, 3}, ISR: []int32{3, 1, 2}})
	tell(2.3, guest.Line{Event: guest.EventPartition, Topic: "t", Leader: -1, LeaderEpoch: 1, PartitionEpoch: 1, Replicas: []int32{2, 1, 3}, ISR: []int32{1}})
	tell(2.4, guest.Line{Event: guest.EventPartition, Topic: "__internal", Leader: 1})
	seen.Lines = []sim.LogLine{{At: seconds(1).D(), Who: "node-1", Text: "level=INFO msg=hello"}}

	table, err := history.Collect(strings.NewReader(string(seen.History)))
	if err != nil {
		t.Fatal(err)
	}
	report := linearizability.Check(table, history.Promises{}).Report
	if report.Counts[verdict.LostWrite] == 0 {
		t.Fatalf("the history is to lose a write: %v", report.Violations)
	}
	return &sim.Result{Seed: 9, Plan: plan, Verdict: verdict.Fail, Hash: 0xab, Virtual: 10 * time.Second, Operations: table.Operations,
		Violations: []sim.Violation{{Kind: "broker-died", At: 2 * time.Second, Words: "node-1"}, {Kind: "isr-not-full", Words: "t-0"}}, Report: report}, seen
}

func pageOf(t *testing.T) reports.Run {
	t.Helper()
	result, seen := universe(t)
	run, err := Of(result, seen, "the command")
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestViolationsPointToTheirOperations(t *testing.T) {
	run := pageOf(t)
	if run.Violations[0].At != 2e6 || run.Violations[1].At != reports.Never {
		t.Errorf("the run's own: %+v", run.Violations[:2])
	}
	i := slices.IndexFunc(run.Violations, func(v reports.Violation) bool { return v.Kind == string(verdict.LostWrite) })
	lost := run.Violations[i]
	if lost.Where != "t-0" || len(lost.Evidence) == 0 {
		t.Fatalf("%+v", lost)
	}
	shown := 0
	for _, e := range lost.Evidence {
		if e.Operation < 0 {
			t.Fatalf("%+v points to nothing", e)
		}
		if o := run.Operations[e.Operation]; o.Process != e.Who {
			t.Errorf("%+v points to %+v", e, o)
		} else if strings.Contains(o.What, "b") {
			shown++
		}
		if e.At > lost.At {
			t.Errorf("seen at %d, before its evidence at %d", lost.At, e.At)
		}
	}
	if shown == 0 {
		t.Errorf("what happened to b is not among %+v", lost.Evidence)
	}
}

func TestOperationsAreThoseOfTheHistory(t *testing.T) {
	run := pageOf(t)
	find := func(process, what string) reports.Operation {
		i := slices.IndexFunc(run.Operations, func(o reports.Operation) bool { return o.Process == process && o.What == what })
		if i < 0 {
			t.Fatalf("%s has no operation with %q: %+v", process, what, run.Operations)
		}
		return run.Operations[i]
	}
	for _, c := range []struct {
		name string
		got  reports.Operation
		want reports.Operation
	}{
		{"acknowledged", find("producer-1", "b"), reports.Operation{Process: "producer-1", ID: 2, Kind: "send", Outcome: reports.OutcomeOK, Where: "t-0", Offset: 1, What: "b", Detail: "acks=all, idempotent"}},
		{"unknown", find("producer-1", "c"), reports.Operation{Process: "producer-1", ID: 3, Kind: "send", Outcome: reports.OutcomeUnknown, Where: "t (any)", Offset: -1, What: "c", Detail: "acks=all, idempotent; REQUEST_TIMED_OUT"}},
		{"open", find("producer-1", "d"), reports.Operation{Process: "producer-1", ID: 4, Kind: "send", Outcome: reports.OutcomeUnknown, To: reports.Never, Where: "t-0", Offset: -1, What: "d", Detail: "acks=all, idempotent"}},
		{"read", find("consumer-1", "a b"), reports.Operation{Process: "consumer-1", ID: 1, Kind: "poll", Outcome: reports.OutcomeOK, Where: "t-0", Offset: 0, What: "a b"}},
		{"assigned", find("final-reader", "from 0"), reports.Operation{Process: "final-reader", ID: 1, Kind: "assign", Outcome: reports.OutcomeOK, Where: "t-0", Offset: -1, What: "from 0", Detail: "final read"}},
	} {
		if c.got.From = 0; c.got.To != reports.Never {
			c.got.To = 0
		}
		if c.got != c.want {
			t.Errorf("%s: %+v, not %+v", c.name, c.got, c.want)
		}
	}
}

func TestNodesFaultsAndPartitions(t *testing.T) {
	run := pageOf(t)
	if want := []reports.Span{{Name: "crashed", To: 2e6}, {From: 3e6, To: reports.Never}}; !reflect.DeepEqual(run.Nodes[0].Lives, want) {
		t.Errorf("lives %+v", run.Nodes[0].Lives)
	}
	if p := run.Nodes[0].Paused; len(p) != 1 || p[0].From != 1.5e6 || p[0].To != 2e6 { // it dies while it stands still
		t.Errorf("paused %+v", p)
	}
	crash, oneWay, missed := run.Faults[1], run.Faults[2], run.Faults[3]
	if crash.Class != reports.OnProcess || crash.From != 2e6 || crash.To != 3e6 || crash.Note != "late" {
		t.Errorf("%+v", crash)
	}
	if oneWay.Links != "1 → 2, 3 → 2" || oneWay.To != 5e6 { // nobody undid it before the phase's end
		t.Errorf("%+v", oneWay)
	}
	if missed.Nodes != nil || missed.Note != "nobody had the role" || missed.Links != "" {
		t.Errorf("%+v", missed)
	}
	want := reports.Partition{Name: "t-0", MinInsync: 2, Replicas: []int{1, 2, 3}, Changes: []reports.Change{
		{At: 0.2e6, Leader: 1, ISR: []int{1, 2, 3}, By: "node-2"},
		{At: 2.3e6, Leader: 0, LeaderEpoch: 1, PartitionEpoch: 1, ISR: []int{1}, By: "node-2"},
	}}
	if len(run.Partitions) != 1 || !reflect.DeepEqual(run.Partitions[0], want) {
		t.Errorf("%+v", run.Partitions)
	}
	if len(run.Controllers) != 1 || run.Controllers[0].Node != 2 || len(run.Lines) != 1 || len(run.LeftOut) != 1 {
		t.Errorf("controllers %+v, lines %+v, left out %q", run.Controllers, run.Lines, run.LeftOut)
	}
}

func TestLinkWordsAndLanes(t *testing.T) {
	split := chaos.Fault{Kind: chaos.Split, Params: chaos.Params{Clients: true}}
	if got := linkWords(chaos.Links(split, []int{2}, 3)); got != "clients ⇄ 2, 1 ⇄ 2, 2 ⇄ 3" {
		t.Errorf("links %q", got)
	}
	if got := lanes(chaos.Outcome{Fault: split, Nodes: []int{2}}, 3); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("lanes %v", got)
	}
}

func TestSecondsCountWhatClientsGot(t *testing.T) {
	send := func(to reports.Time, took reports.Time, outcome, detail string) reports.Operation {
		return reports.Operation{Kind: "send", From: to - took, To: to, Outcome: outcome, Detail: detail}
	}
	all := []reports.Operation{
		send(1.1e6, 100, "ok", "acks=all"), send(1.2e6, 300, "ok", "acks=all"), send(1.3e6, 200, "ok", "acks=1"), send(1.4e6, 1, "ok", "acks=0"),
		send(1.9e6, 5, "unknown", "acks=all"), {Kind: "poll", To: 1.5e6, Outcome: "ok"}, {Kind: "send", To: reports.Never},
	}
	got := secondsOf(all, 2500*time.Millisecond)
	if want := []reports.Second{{}, {Acked: 3, Bad: 1, P50: 200, P99: 300}, {}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestPlanInWords(t *testing.T) {
	run := pageOf(t)
	var words []string
	for _, fact := range run.Plan {
		words = append(words, fact.Name+": "+strings.Join(fact.Words, "; "))
	}
	text := strings.Join(words, "\n")
	for _, part := range []string{
		"Cluster: 3 nodes; a=1, b=2", "t: 1 partition of 3 replicas, min.insync.replicas=2", "producer-1 to t: 5 records a second of 20 bytes, acks=all, idempotent",
		"4 faults: 1 × isolate", "calm until 1s, faults until 5s", "after healing",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not said:\n%s", part, text)
		}
	}
	if strings.Contains(text, "Consumers") {
		t.Error("there are no consumers")
	}
}

func TestBrokenHistoryIsAnError(t *testing.T) {
	result, seen := universe(t)
	seen.History = append(seen.History, "no event\n"...)
	if _, err := Of(result, seen, ""); !errors.Is(err, history.ErrMalformed) {
		t.Errorf("got %v", err)
	}
}

// The account of what a run can do without points to the fault that sealed it.
func TestSmallest(t *testing.T) {
	failing := &sim.Result{}
	least := &shrink.Outcome{Kind: "lost-write", Sealed: shrink.Sealed{Faults: 2, Of: 5, By: chaos.Fault{At: chaos.Duration(6e9), Kind: chaos.Reset, Target: chaos.Everyone}}}
	s := Smallest(least, failing, "the command")
	if s.Sealed.From != 6_000_000 || s.Sealed.To != 7_000_000 || s.Sealed.Name != "6s reset all" || s.Command != "the command" || len(s.Words) < 2 {
		t.Errorf("%+v", s)
	}
	least.Sealed = shrink.Sealed{Of: 5}
	if s := Smallest(least, failing, ""); s.Sealed.From != s.Sealed.To {
		t.Errorf("without a fault that sealed it: %+v", s)
	}
}
