package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"odradek/chaos"
	"odradek/linearizability/history"
	"odradek/linearizability/verdict"
	"odradek/sim/clock"
	"odradek/sim/host"
)

// theGuest is the guest of today's source, built when the first test asks for it.
var theGuest = sync.OnceValues(func() (*host.Program, error) {
	dir, err := os.MkdirTemp("", "odradek-guest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "odradek.wasm")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", name, "odradek/cmd/guest")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the guest: %w: %s", err, out)
	}
	return LoadProgram(context.Background(), name)
})

func program(t testing.TB) *host.Program {
	t.Helper()
	p, err := theGuest()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// smallPlan is a universe of thirteen seconds: faults may strike from the 3rd to the 8th. Each of the three nodes leads one of
// the topic's partitions.
func smallPlan(schedule ...chaos.Fault) chaos.Plan {
	return chaos.Plan{
		Version: chaos.PlanVersion, Seed: 1,
		Phases: chaos.Phases{Calm: seconds(3), Faults: seconds(5), Heal: seconds(3), Read: seconds(2)},
		Cluster: chaos.Cluster{
			Nodes: 3,
			Config: map[string]string{
				"broker.session.timeout.ms": "1500", "broker.heartbeat.interval.ms": "300", "replica.lag.time.max.ms": "1000",
			},
			Topics: []chaos.Topic{{
				Name: "t0", Partitions: 3, ReplicationFactor: 3,
				Config: map[string]string{"min.insync.replicas": "2", "internal.segment.bytes": "8192"},
			}},
		},
		Producers: []chaos.Producer{{
			Topics: []string{"t0"}, Acks: "all", Idempotent: true, BatchBytes: 1 << 14, RecordsPerSecond: 30, ValueBytes: 100,
			Keys: 50, MaxInFlight: 1, Compression: "none",
		}},
		Consumers: []chaos.Consumer{{Topics: []string{"t0"}, MaxBytes: 1 << 16, MaxWait: chaos.Duration(200 * time.Millisecond)}},
		Schedule:  schedule,
	}
}

// durable makes every acknowledgement wait for the disks.
func durable(p chaos.Plan) chaos.Plan {
	p.Cluster.Topics[0].Config["flush.messages"] = "1"
	return p
}

func seconds(s float64) chaos.Duration { return chaos.Duration(s * float64(time.Second)) }

// observed is a universe that a test looks at while it runs and after.
type observed struct {
	*run
	t       *testing.T
	log     bytes.Buffer
	written bytes.Buffer // the history
}

// exitOf is the end of a process: when, in seconds, and how.
type exitOf struct {
	at  float64
	how string
}

// observe makes a universe that has not begun.
func observe(t *testing.T, plan chaos.Plan) *observed { return observeTraced(t, plan, nil) }

// observeTraced is observe with the trace written down.
func observeTraced(t *testing.T, plan chaos.Plan, to io.Writer) *observed {
	t.Helper()
	o := &observed{t: t}
	r, err := newRun(Options{Plan: plan, Program: program(t), Trace: to, Log: &o.log, History: &o.written})
	if err != nil {
		t.Fatal(err)
	}
	o.run = r
	return o
}

// at looks at the universe at a moment, after what happens then.
func (o *observed) at(s float64, look func()) {
	o.universe.At(clock.Time(seconds(s)), look)
}

// pass runs the universe, which has to pass and whose faults all have to find somebody to strike.
func (o *observed) pass() *Result {
	o.t.Helper()
	result := o.take()
	if result.Verdict != verdict.Pass {
		var words bytes.Buffer
		result.Explain(&words)
		o.t.Errorf("verdict %s\n%s", result.Verdict, &words)
	}
	for _, fault := range result.Faults {
		if fault.Note != "" || len(fault.Nodes) == 0 {
			o.t.Errorf("%s struck %v: %s", fault.Fault, fault.Nodes, fault.Note)
		}
	}
	return result
}

func (o *observed) take() *Result {
	o.t.Helper()
	result, err := o.run.take()
	if err != nil {
		o.t.Fatal(err)
	}
	return result
}

// exits lists how and when a node's processes ended, as the run's log tells it.
func (o *observed) exits(node string) []exitOf {
	var all []exitOf
	for line := range strings.Lines(o.log.String()) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[1] != "exit" || fields[2] != node {
			continue
		}
		at, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			o.t.Fatal(err)
		}
		all = append(all, exitOf{at, strings.Join(fields[3:], " ")})
	}
	return all
}

// isr is a partition's ISR by the newest account, and its leader.
func (o *observed) isr(index int32) (isr []int32, leader int) {
	line := o.view.partitions[partition{"t0", index}].line
	return line.ISR, int(line.Leader)
}

// latencies of the acknowledged sends that began in a span of time, ascending.
func (o *observed) latencies(from, to float64) []time.Duration {
	o.t.Helper()
	table, err := history.Collect(bytes.NewReader(o.written.Bytes()))
	if err != nil {
		o.t.Fatal(err)
	}
	var all []time.Duration
	for _, s := range table.Sends {
		if s.Acknowledged() && s.Invoked >= int64(seconds(from)) && s.Invoked < int64(seconds(to)) {
			all = append(all, time.Duration(s.Done-s.Invoked))
		}
	}
	slices.Sort(all)
	if len(all) == 0 {
		o.t.Fatalf("no send from %v s to %v s was acknowledged", from, to)
	}
	return all
}

func median(sorted []time.Duration) time.Duration { return sorted[len(sorted)/2] }
