package shrink_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"odradek/chaos"
	"odradek/linearizability/verdict"
	"odradek/sim"
	"odradek/sim/host"
	"odradek/sim/mutants"
	"odradek/sim/shrink"
)

func seconds(s float64) chaos.Duration { return chaos.Duration(s * float64(time.Second)) }

// failing is a plan that shows readers of records above the high watermark: a leader is cut off from its followers, and not from its
// clients, for longer than its session. The other faults have nothing to do with it.
func failing() chaos.Plan {
	return chaos.Plan{
		Version: chaos.PlanVersion, Seed: 1,
		Phases: chaos.Phases{Calm: seconds(3), Faults: seconds(8), Heal: seconds(3), Read: seconds(2)},
		Cluster: chaos.Cluster{
			Nodes: 3,
			Config: map[string]string{
				"broker.session.timeout.ms": "1500", "broker.heartbeat.interval.ms": "300", "replica.lag.time.max.ms": "1000",
			},
			Topics: []chaos.Topic{{Name: "t0", Partitions: 1, ReplicationFactor: 3, Config: map[string]string{"min.insync.replicas": "2"}}},
		},
		Producers: []chaos.Producer{{
			Topics: []string{"t0"}, Acks: "1", BatchBytes: 1 << 14, RecordsPerSecond: 60, ValueBytes: 40, MaxInFlight: 1,
		}, {
			Topics: []string{"t0"}, Acks: "all", Idempotent: true, BatchBytes: 1 << 14, RecordsPerSecond: 10, ValueBytes: 40, MaxInFlight: 1,
		}},
		Consumers: []chaos.Consumer{
			{Topics: []string{"t0"}, MaxBytes: 1 << 16, MaxWait: seconds(0.1)}, {Topics: []string{"t0"}, MaxBytes: 1 << 10, MaxWait: seconds(0.3)},
		},
		Schedule: chaos.Schedule{
			{At: seconds(3.1), Kind: chaos.Reset, Target: chaos.Everyone},
			{At: seconds(3.3), For: seconds(0.2), Kind: chaos.Pause, Target: chaos.Node(2)},
			{At: seconds(4), For: seconds(3.5), Kind: chaos.Isolate, Target: chaos.LeaderOf("t0", 0)},
			{At: seconds(8), For: seconds(0.3), Kind: chaos.Crash, Target: chaos.Node(3)},
			{At: seconds(9), Kind: chaos.Reset, Target: chaos.Everyone},
		},
	}
}

// A mutant's failing plan comes down to the one fault that it takes, and to the clients that see it.
func TestShrinkingAMutantsPlan(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a guest and runs it some thirty times")
	}
	all, err := mutants.Known()
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := mutants.Select(all, []string{"reads-above-high-watermark"})
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	guest, err := chosen[0].Build(t.Context(), root, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	wasm, err := os.ReadFile(guest)
	if err != nil {
		t.Fatal(err)
	}
	program, err := host.Compile(t.Context(), wasm, host.CompileOptions{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	run := func(p chaos.Plan) (*sim.Result, error) { return sim.Run(sim.Options{Plan: p, Program: program}) }
	before, err := run(failing())
	if err != nil || before.Verdict != verdict.Fail {
		t.Fatalf("the plan does not fail: %v, %+v", err, before)
	}
	o, err := (&shrink.Search{Failing: before, Run: run, Jobs: 1}).Shrink()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(strings.Join(o.Words(&before.Plan), "\n"))
	if len(o.Plan.Schedule) != 1 || o.Plan.Schedule[0].Kind != chaos.Isolate {
		t.Errorf("faults left: %v", o.Plan.Schedule)
	}
	if o.Sealed.Faults != 3 || o.Sealed.By.Kind != chaos.Isolate {
		t.Errorf("%s", o.Sealed)
	}
	if len(o.Plan.Producers) > 1 || o.Plan.Phases.End() >= before.Plan.Phases.End() {
		t.Errorf("%d producers, %s", len(o.Plan.Producers), o.Plan.Phases.End())
	}
	again, err := run(o.Plan)
	if err != nil || again.Verdict != verdict.Fail || !slices.Contains(again.Kinds(), o.Kind) || again.Hash != o.Result.Hash {
		t.Errorf("the smallest plan shows %v: %v", again.Kinds(), err)
	}
}
