package sim

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"odradek/chaos"
	"odradek/sim/host"
)

// dials counts the connects of a traced universe in a span of time.
func dials(t *testing.T, text *bytes.Buffer, from, to float64) (count int) {
	t.Helper()
	for line := range bytes.Lines(text.Bytes()) {
		fields := bytes.Fields(line)
		if string(fields[2]) != "dial" {
			continue
		}
		at, err := time.ParseDuration(string(fields[0]) + "s")
		if err != nil {
			t.Fatal(err)
		}
		if at.Seconds() >= from && at.Seconds() < to {
			count++
		}
	}
	return count
}

// A process in a crash loop is started many times and never lives for long; afterwards it stays.
func TestCrashLoop(t *testing.T) {
	o := observe(t, smallPlan(fault(chaos.CrashLoop, 2, chaos.Node(2), chaos.Params{Every: seconds(0.25)})))
	o.pass()
	exits := o.exits("node-2")
	if len(exits) < 7 || len(exits) > 9 || slices.ContainsFunc(exits, func(e exitOf) bool { return e.how != "crashed" || e.at > struck+2 }) {
		t.Errorf("%v", exits)
	}
}

// A process that gets no more memory dies of it, and lives again when it may have some.
func TestMemoryLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("large records take long")
	}
	plan := smallPlan(fault(chaos.MemoryLimit, 2, chaos.Node(2), chaos.Params{}))
	plan.Producers[0].RecordsPerSecond, plan.Producers[0].ValueBytes = 60, 400_000
	plan.Cluster.Topics[0].Config["internal.segment.bytes"] = "4194304"
	o := observe(t, plan)
	n := o.brokers[1]
	var before, most uint64
	o.at(struck-0.001, func() { before = n.Memory() })
	for at := 0.1; at < 2; at += 0.1 {
		o.at(struck+at, func() { most = max(most, n.Memory()) })
	}
	o.take()
	if before == 0 || most > before {
		t.Errorf("the process had %d bytes before and as many as %d during the limit", before, most)
	}
	if exits := o.exits("node-2"); n.Starved() == 0 || len(exits) == 0 || exits[0].how != "exited with code 2" {
		t.Errorf("%d requests for memory were refused, and the process ended so: %v", n.Starved(), exits)
	}
	if slices.ContainsFunc(o.result.Violations, func(v Violation) bool { return v.Kind == "broker-died" }) {
		t.Errorf("%v", o.result.Violations)
	}
}

// A node with an older build stops in good order, runs that, and is upgraded again.
func TestOldVersion(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the guest a second time")
	}
	older := program(t) // of the same source; what is looked at is which of the two runs
	plan := smallPlan(fault(chaos.OldVersion, 2, chaos.Node(2), chaos.Params{}))
	if _, err := newRun(Options{Plan: plan, Program: older}); err == nil || !strings.Contains(err.Error(), "old-version") {
		t.Errorf("a run without an older build: %v", err)
	}
	o := observe(t, smallPlan())
	copied := *older
	r, err := newRun(Options{Plan: plan, Program: older, Older: &copied, Log: &o.log})
	if err != nil {
		t.Fatal(err)
	}
	o.run = r
	n := o.brokers[1]
	o.at(struck+1, func() {
		if n.Program() != &copied || !n.Running() || n.Starts() != 2 {
			t.Errorf("during the fault the node runs: %v, for the %d. time", n.Running(), n.Starts())
		}
	})
	o.pass()
	if n.Program() != older || n.Starts() != 3 {
		t.Errorf("the node was started %d times", n.Starts())
	}
}

// A calendar that was stepped, and clocks that drift, are wrong by as much as the fault says, and right afterwards but for what
// a drift has gained.
func TestClocksAreWrong(t *testing.T) {
	for _, c := range []struct {
		name              string
		fault             chaos.Fault
		wall, mono, after time.Duration // ahead of the others', at the fault's end, and afterwards
	}{
		{"step", fault(chaos.ClockStep, 2, chaos.Node(2), chaos.Params{Step: seconds(-7200)}), -2 * time.Hour, 0, 0},
		{"drift", fault(chaos.ClockDrift, 2, chaos.Node(2), chaos.Params{PPM: 250_000}), 500 * time.Millisecond, 500 * time.Millisecond, 500 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && c.name != "step" {
				t.Skip("one is enough in a hurry")
			}
			o := observe(t, smallPlan(c.fault))
			ahead := func(reading func(n *host.Node) int64) time.Duration {
				return time.Duration(reading(o.brokers[1]) - reading(o.brokers[0])).Round(time.Millisecond)
			}
			wall := func(n *host.Node) int64 { return n.Clock().Wall(o.universe.Now()) }
			mono := func(n *host.Node) int64 { return n.Clock().Mono(o.universe.Now()) }
			o.at(struck+1.9999, func() {
				if ahead(wall) != c.wall || ahead(mono) != c.mono {
					t.Errorf("the node's calendar is ahead by %v, its timers by %v", ahead(wall), ahead(mono))
				}
			})
			o.at(struck+3, func() {
				if ahead(wall) != c.after {
					t.Errorf("after the fault the node's calendar is ahead by %v", ahead(wall))
				}
			})
			o.pass()
		})
	}
}

// Every point of the broker fires when it is on, and the broker is as right as ever.
func TestBuggifyPointsFire(t *testing.T) {
	if testing.Short() {
		t.Skip("package buggify has a test of its own")
	}
	plan := smallPlan(fault(chaos.Crash, 1, chaos.Node(2), chaos.Params{}))
	plan.Cluster.Buggify = &chaos.Buggify{Points: chaos.BuggifyPoints, Share: 0.2}
	o := observe(t, plan)
	o.pass()
	for _, point := range chaos.BuggifyPoints {
		if o.view.buggified[point] == 0 {
			t.Errorf("%s never fired", point)
		}
	}
}

// Sockets fail in other ways than by a reset: connections that lead nowhere, connects that hang or are refused, short reads.
func TestSocketsMisbehave(t *testing.T) {
	if testing.Short() {
		t.Skip("netsim has tests of its own")
	}
	for _, c := range []struct {
		name  string
		fault chaos.Fault
		check func(t *testing.T, o *observed, text *bytes.Buffer)
	}{
		// Whoever waits for an answer that never comes dials anew, in the end.
		{"lost connections", fault(chaos.LoseConns, 4, chaos.Node(2), chaos.Params{Clients: true}),
			func(t *testing.T, o *observed, text *bytes.Buffer) {
				if before, after := dials(t, text, struck-2, struck), dials(t, text, struck, struck+4); after < before+3 {
					t.Errorf("%d connections were made in two seconds before, %d in four after", before, after)
				}
			}},
		// Open connections stay: nobody misses the node.
		{"hanging connects", fault(chaos.NoConnects, 2, chaos.Node(2), chaos.Params{}),
			func(t *testing.T, o *observed, text *bytes.Buffer) {
				if n := o.brokers[1]; n.Starts() != 1 {
					t.Errorf("the node was started %d times", n.Starts())
				}
			}},
		{"short reads", fault(chaos.ShortIO, 2, chaos.Everyone, chaos.Params{Share: 0.5}),
			func(t *testing.T, o *observed, text *bytes.Buffer) {
				reads := func(from, to float64) (count int) {
					for line := range bytes.Lines(text.Bytes()) {
						fields := bytes.Fields(line)
						at, err := time.ParseDuration(string(fields[0]) + "s")
						if err == nil && string(fields[2]) == "fd_read" && at.Seconds() >= from && at.Seconds() < to {
							count++
						}
					}
					return count
				}
				if before, during := reads(struck-1, struck), reads(struck, struck+1); during*10 < before*11 {
					t.Errorf("%d reads before, %d during the fault", before, during)
				}
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var text bytes.Buffer
			plan := smallPlan(c.fault)
			o := observeTraced(t, plan, &text)
			o.pass()
			c.check(t, o, &text)
		})
	}
}
