package reports

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// hostile is what a value or a log line could be, to break out of the page.
const hostile = `</script><script>alert("broken out")</script><img src=x onerror=alert(1)><!-- ]]> &lt; "quoted" 'single' ` + "\u2028 \x00 \xff \U0001f600"

// sample is a run made by hand: three nodes, one of which dies, stands still and is cut off, a partition that loses its leader,
// and an acknowledged record that a later leader does not have.
func sample() Run {
	second := func(s float64) Time { return Time(s * 1e6) }
	run := Run{
		Title: "Seed 42", Verdict: Fail, Hash: "00000000deadbeef", Command: "bin/odradek sim --seed 42", Length: second(20),
		Figures: []Figure{{"violations", "1"}, {"operations", "402"}},
		Plan:    []Fact{{"Cluster", []string{"3 nodes"}}, {"Producers", []string{"producer-1 to t0", hostile}}},
		Phases:  []Span{{"calm", 0, second(4)}, {"faults", second(4), second(12)}, {"heal", second(12), second(17)}, {"read", second(17), second(20)}},
		Nodes: []Node{
			{Name: "node-1", Lives: []Span{{"crashed", 0, second(6)}, {"", second(9), Never}}},
			{Name: "node-2", Lives: []Span{{"", 0, Never}}, Paused: []Span{{"pause", second(5), second(5.5)}}},
			{Name: "node-3", Lives: []Span{{"", 0, Never}}},
		},
		Controllers: []Reign{{second(0.1), 1, "node-1"}, {second(6.2), 3, "node-3"}},
		Partitions: []Partition{{Name: "t0-0", MinInsync: 2, Replicas: []int{1, 2, 3}, Changes: []Change{
			{At: second(0.2), Leader: 1, LeaderEpoch: 0, PartitionEpoch: 0, ISR: []int{1, 2, 3}, By: "node-1"},
			{At: second(5), Leader: 1, LeaderEpoch: 0, PartitionEpoch: 1, ISR: []int{1}, By: "node-1"},
			{At: second(6.1), Leader: 0, LeaderEpoch: 1, PartitionEpoch: 2, ISR: []int{1}, By: "node-3"},
			{At: second(7), Leader: 2, LeaderEpoch: 2, PartitionEpoch: 3, ISR: []int{2, 3}, By: "node-3"},
			{At: second(10), Leader: 2, LeaderEpoch: 2, PartitionEpoch: 4, ISR: []int{1, 2, 3}, By: "node-2"},
		}}},
		Faults: []Fault{
			{Kind: "pause", Class: OnClock, Words: "5s pause node/2 for 500ms", From: second(5), To: second(5.5), Nodes: []int{2}},
			{Kind: "crash", Class: OnProcess, Words: "6s crash node/1 for 3s", From: second(6), To: second(9), Nodes: []int{1}},
			{Kind: "reset", Class: OnLinks, Words: "6.5s reset node/3", From: second(6.5), To: second(6.5), Nodes: []int{3}, Links: "1 ⇄ 3, 2 ⇄ 3"},
			{Kind: "slow-disk", Class: OnDisk, Words: "8s slow-disk node/3 for 2s", From: second(8), To: second(10), Nodes: []int{3}, Note: hostile},
		},
		Smallest: &Smallest{
			Words:  []string{"sealed by fault 2 of 4: 6s crash node/1 for 3s", "needed: " + hostile},
			Sealed: Span{"6s crash node/1 for 3s", second(6), second(9)}, Command: "bin/odradek sim --plan seed-42.min.json",
		},
		Latencies: []Latency{{"calm", "send", 45, 0, 4000, 4000, 4000}, {"faults", "poll", 100, 0, 9000, 9000, 9000}, {"faults", "send", 0, 13, 0, 0, 0}},
		Open:      []string{"a window of t0-0 took too long"},
		Notes:     []string{"nothing else"},
	}
	for i := range 200 {
		from := second(0.5) + Time(i)*second(0.08)
		send := Operation{Process: "producer-1", ID: int64(i + 1), Kind: "send", Outcome: OutcomeOK, From: from, To: from + 4000, Where: "t0-0", Offset: int64(i), What: fmt.Sprintf("value-%d", i), Detail: "acks=all"}
		if from > second(6) && from < second(7) {
			send.Outcome, send.To, send.Detail = OutcomeUnknown, from+second(2), "REQUEST_TIMED_OUT"
		}
		poll := Operation{Process: "consumer-1", ID: int64(i + 1), Kind: "poll", Outcome: OutcomeOK, From: from, To: from + 9000, Where: "t0-0", Offset: int64(i), What: send.What}
		run.Operations = append(run.Operations, send, poll)
	}
	run.Operations = append(run.Operations,
		Operation{Process: "consumer-1", ID: 999, Kind: "poll", Outcome: OutcomeUnknown, From: second(19), To: Never, Offset: -1},
		Operation{Process: "producer-1", ID: 999, Kind: "send", Outcome: OutcomeFail, From: second(10), To: second(10.1), Where: "t0 (any)", Offset: -1, What: hostile, Detail: hostile})
	run.Violations = []Violation{
		{Kind: "lost-write", At: run.Operations[135].To, Where: "t0-0", Words: hostile, Evidence: []Evidence{
			{At: run.Operations[120].From, Who: "producer-1", Words: `sends "value-60"`, Operation: 120},
			{At: run.Operations[135].To, Who: "consumer-1", Words: hostile, Operation: 135},
		}},
		{Kind: "lost-write", At: second(14), Where: "t0-0", Words: "another"},
		{Kind: "isr-not-full", At: Never, Words: "of no moment"},
	}
	for i := range 20 {
		run.Seconds = append(run.Seconds, Second{Acked: 12 - i%3, Bad: i % 4, P50: 3000, P99: Time(4000 + i*i*i*100)})
		run.Lines = append(run.Lines,
			Line{Time(i) * 1e6, "node-1", fmt.Sprintf(`level=INFO msg="tick \"%d\"" component=replica`, i)},
			Line{Time(i)*1e6 + 10, "node-3", `level=WARN msg=behind ` + hostile})
	}
	run.Lines = append(run.Lines, Line{second(6), "fault", "crash begins on nodes [1]"}, Line{second(6), "exit", "node-1 crashed"}, Line{second(6.01), "node-2", hostile})
	return run
}

// passing is a run in which little happened.
func passing() Run {
	run := sample()
	run.Title, run.Verdict, run.Violations, run.Open = "Seed 43", Pass, nil, nil
	return run
}

var pages = flag.String("pages", "", "leave sample pages in this directory, for the test in a browser")

func TestSamplePages(t *testing.T) {
	dir := *pages
	if dir == "" {
		dir = t.TempDir()
	}
	for name, run := range map[string]Run{"sample-fail.html": sample(), "sample-pass.html": passing()} {
		if err := os.WriteFile(filepath.Join(dir, name), render(t, run), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "measurement.html"), []byte(measure(t, measurement())), 0o644); err != nil {
		t.Fatal(err)
	}
}
