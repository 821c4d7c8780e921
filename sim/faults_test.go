package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"odradek/chaos"
	"odradek/linearizability/verdict"
	"odradek/sim/guest"
)

// A fault that changes nothing is a defect: each test here shows a kind of fault by what it does to the cluster. The plans'
// faults begin at 4 s; see smallPlan.
const struck = 4

func fault(kind chaos.Kind, length float64, target chaos.Selector, params chaos.Params) chaos.Fault {
	return chaos.Fault{At: seconds(struck), For: seconds(length), Kind: kind, Target: target, Params: params}
}

// Whoever is cut off falls out of the ISR of the partitions that others lead, and loses its own partition where the others can
// see that; all that is undone when the fault ends.
func TestPartitionsTakeNodesOutOfTheISR(t *testing.T) {
	out, in := chaos.Params{Direction: "out"}, chaos.Params{Direction: "in"}
	for _, c := range []struct {
		name  string
		fault chaos.Fault
		short bool
		// lost is whom a partition's ISR must lack towards the end of the fault, by the partition's leader before it.
		lost map[int][]int32
		// led says whether node 1 still leads what it led.
		led bool
	}{
		{"isolate", fault(chaos.Isolate, 3.5, chaos.Node(1), chaos.Params{Clients: true}), true, map[int][]int32{1: {1}, 2: {1}, 3: {1}}, false},
		{"split", fault(chaos.Split, 3.5, chaos.Nodes(2, 3), chaos.Params{}), false, map[int][]int32{1: {1}, 2: {1}, 3: {1}}, false},
		{"out", fault(chaos.OneWay, 3.5, chaos.Node(1), out), false, map[int][]int32{1: {1}, 2: {1}, 3: {1}}, false},
		{"in", fault(chaos.OneWay, 3.5, chaos.Node(1), in), false, map[int][]int32{2: {1}, 3: {1}}, false},
		// Node 1 sees everybody, so only the other two miss each other.
		{"bridge", fault(chaos.Bridge, 3.5, chaos.Node(1), chaos.Params{}), false, map[int][]int32{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && !c.short {
				t.Skip("one is enough in a hurry")
			}
			o := observe(t, smallPlan(c.fault))
			leaders := map[int]int32{} // partition by leader
			o.at(struck-0.1, func() {
				for index := range int32(3) {
					_, leader := o.isr(index)
					leaders[leader] = index
				}
			})
			o.at(struck+3.4, func() {
				for leader, lost := range c.lost {
					isr, _ := o.isr(leaders[leader])
					for _, node := range lost {
						if slices.Contains(isr, node) {
							t.Errorf("the partition that node %d led has ISR %v, with node %d", leader, isr, node)
						}
					}
				}
				if _, leader := o.isr(leaders[1]); (leader == 1) != c.led {
					t.Errorf("what node 1 led is led by node %d", leader)
				}
				if c.fault.Kind == chaos.Bridge {
					isr2, _ := o.isr(leaders[2])
					isr3, _ := o.isr(leaders[3])
					if len(isr2) == 3 && len(isr3) == 3 {
						t.Errorf("nobody misses anybody: ISR %v and %v", isr2, isr3)
					}
				}
			})
			o.pass()
			if len(leaders) != 3 {
				t.Errorf("before the fault the leaders were %v", leaders)
			}
		})
	}
}

// In a ring of five each node sees its two neighbours only: no ISR of three neighbours can stay whole.
func TestRingBreaksEveryISR(t *testing.T) {
	if testing.Short() {
		t.Skip("five nodes take long")
	}
	plan := smallPlan(fault(chaos.Ring, 4, chaos.Everyone, chaos.Params{}))
	plan.Cluster.Nodes = 5
	o := observe(t, plan)
	o.at(struck+3.9, func() {
		shrunk := 0
		for index := range int32(3) {
			if isr, _ := o.isr(index); len(isr) < 3 {
				shrunk++
			}
		}
		if shrunk == 0 {
			t.Error("every ISR is full in the ring")
		}
	})
	o.pass()
}

// What a process had written is there after its death, and what was not synced is not after a loss of power.
func TestDeathsAndWhatDisksKeep(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault chaos.Fault
		how   string // the process ended
		short bool
		keeps bool // what was written but not synced
	}{
		{"crash", fault(chaos.Crash, 1, chaos.Node(2), chaos.Params{}), "crashed", true, true},
		{"power loss", fault(chaos.PowerLoss, 1, chaos.Node(2), chaos.Params{}), "power lost", true, false},
		{"stop", fault(chaos.Stop, 1, chaos.Node(2), chaos.Params{}), "exited with code 0", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && !c.short {
				t.Skip("two are enough in a hurry")
			}
			o := observe(t, smallPlan(c.fault))
			n := o.brokers[1]
			var before, after int
			o.at(struck-0.001, func() { before = logBytes(t, o, 2) })
			o.at(struck+0.9, func() {
				after = logBytes(t, o, 2)
				if n.Running() {
					t.Error("the node is up during its fault")
				}
			})
			o.at(struck+1.1, func() {
				if !n.Running() || n.Starts() != 2 {
					t.Errorf("after the fault the node runs: %v; it was started %d times", n.Running(), n.Starts())
				}
			})
			o.pass()
			if exits := o.exits("node-2"); len(exits) != 1 || exits[0].how != c.how || exits[0].at < struck || exits[0].at > struck+0.5 {
				t.Errorf("the node's process ended so: %v", exits)
			}
			if kept := after >= before; kept != c.keeps || before == 0 {
				t.Errorf("the logs had %d bytes before and have %d after", before, after)
			}
		})
	}
}

// An acknowledgement of a durable topic waits for disks: a loss of power takes nothing of what was acknowledged, on no node.
func TestPowerLossOfAllSparesWhatIsDurable(t *testing.T) {
	o := observe(t, durable(smallPlan(fault(chaos.PowerLoss, 1, chaos.Everyone, chaos.Params{}))))
	if result := o.pass(); result.Acked < 100 {
		t.Errorf("%d sends were acknowledged", result.Acked)
	}
	for _, n := range o.brokers {
		if exits := o.exits(n.Name()); len(exits) != 1 || exits[0].how != "power lost" {
			t.Errorf("%s: %v", n.Name(), exits)
		}
	}
}

// logBytes is how long the logs of the topic are on a node's disk.
func logBytes(t *testing.T, o *observed, number int) (sum int) {
	for index := range 3 {
		log, err := readLogIn(o.brokers[number-1].Disk(), o.plan.Cluster.LogDirs(guest.DataDir), fmt.Sprintf("t0-%d", index))
		if err != nil {
			t.Error(err)
		}
		sum += len(log)
	}
	return sum
}

// An armed crash strikes at its call and not before, wherever the call is made: a truncation, for one, by a broker that starts after a
// loss of power. The process is up again after the fault.
func TestArmedCrashesFire(t *testing.T) {
	var schedule []chaos.Fault
	at := 4.0
	add := func(kind chaos.Kind, length float64, params chaos.Params) {
		f := fault(kind, length, chaos.Node(1+len(schedule)%3), params)
		f.At = seconds(at)
		schedule = append(schedule, f)
		at += length
	}
	arm := func(kind chaos.Kind, params chaos.Params) { add(kind, 1.5, params); at += 0.5 }
	arm(chaos.CrashAtCall, chaos.Params{Call: 500})
	arm(chaos.CrashAtPoint, chaos.Params{Point: "write", Nth: 3})
	if !testing.Short() {
		for _, point := range []string{"create", "sync", "rename", "sync-dir"} {
			arm(chaos.CrashAtPoint, chaos.Params{Point: point})
		}
		schedule = append(schedule,
			chaos.Fault{At: seconds(at), For: seconds(1), Kind: chaos.PowerLoss, Target: chaos.Node(1)},
			chaos.Fault{At: seconds(at + 1), For: seconds(1.5), Kind: chaos.CrashAtPoint, Target: chaos.Node(1), Params: chaos.Params{Point: "truncate"}})
		at += 3
	}
	plan := smallPlan(schedule...)
	plan.Phases.Faults = seconds(at - 3)
	o := observe(t, plan)
	result := o.pass()
	for _, struck := range result.Faults {
		node, from, to := fmt.Sprintf("node-%d", struck.Nodes[0]), struck.Fault.At.D().Seconds(), struck.Fault.End().D().Seconds()
		if strings.HasPrefix(string(struck.Fault.Kind), "crash") && !slices.ContainsFunc(o.exits(node), func(e exitOf) bool {
			return e.how == "crashed" && e.at >= from && e.at <= to
		}) {
			t.Errorf("%s: %s ended so: %v", struck.Fault, node, o.exits(node))
		}
	}
}

// An armed crash may wait in vain: the outcome says so.
func TestArmedCrashThatIsNotReachedIsToldOf(t *testing.T) {
	o := observe(t, smallPlan(fault(chaos.CrashAtPoint, 1, chaos.Node(1), chaos.Params{Point: "truncate", Nth: 1000})))
	result := o.take()
	if result.Verdict != verdict.Pass || len(o.exits("node-1")) > 0 {
		t.Errorf("%s: %v", result.Verdict, o.exits("node-1"))
	}
	if !strings.Contains(o.log.String(), chaos.ErrNeverFired.Error()) {
		t.Error("nobody tells that the crash was not reached")
	}
}

// Faults that take no process and no link only cost time, and each is seen in the time that sends take.
func TestSlownessIsFelt(t *testing.T) {
	slow := chaos.Params{Clients: true, Delay: &chaos.Delay{Distribution: "constant", Mean: seconds(0.1)}}
	narrow := chaos.Params{Clients: true, BytesPerSecond: 1 << 11}
	for _, c := range []struct {
		name    string
		fault   chaos.Fault
		short   bool
		durable bool
		most    bool          // half of the sends take as long; otherwise at least one does
		least   time.Duration // of the sends that begin during the fault
	}{
		// A send goes from the client to the leader, to a follower and all the way back.
		{"delay", fault(chaos.SlowLink, 2, chaos.Everyone, slow), true, false, true, 400 * time.Millisecond},
		{"bandwidth", fault(chaos.SlowLink, 2, chaos.Everyone, narrow), false, false, true, 100 * time.Millisecond},
		{"slow disk", fault(chaos.SlowDisk, 2, chaos.Everyone, chaos.Params{Factor: 100}), false, true, true, 20 * time.Millisecond},
		{"stalled disk", fault(chaos.StallDisk, 1, chaos.Everyone, chaos.Params{}), true, true, true, 400 * time.Millisecond},
		{"pause", fault(chaos.Pause, 0.7, chaos.LeaderOf("t0", 0), chaos.Params{}), false, false, false, 500 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && !c.short {
				t.Skip("two are enough in a hurry")
			}
			plan := smallPlan(c.fault)
			if c.durable {
				plan = durable(plan)
			}
			o := observe(t, plan)
			o.pass()
			before, during := o.latencies(struck-1, struck), o.latencies(struck, c.fault.End().D().Seconds())
			t.Logf("before: half in %v, all in %v; during: half in %v, all in %v", median(before), slices.Max(before), median(during), slices.Max(during))
			told := slices.Max(during)
			if c.most {
				told = median(during)
			}
			if told < c.least || slices.Max(before) >= c.least {
				t.Errorf("the fault should make sends take %v", c.least)
			}
			for _, n := range o.brokers {
				if exits := o.exits(n.Name()); len(exits) > 0 {
					t.Errorf("%s: %v", n.Name(), exits)
				}
			}
		})
	}
}

// A reset costs every connection: clients and brokers dial anew, which they hardly do otherwise.
func TestResetMakesEverybodyDialAgain(t *testing.T) {
	reset := chaos.Fault{At: seconds(struck), Kind: chaos.Reset, Target: chaos.Everyone, Params: chaos.Params{Clients: true}}
	var text bytes.Buffer
	observeTraced(t, smallPlan(reset), &text).pass()
	before, after := 0, 0
	for line := range bytes.Lines(text.Bytes()) {
		fields := bytes.Fields(line)
		if string(fields[2]) != "dial" {
			continue
		}
		at, err := strconv.ParseFloat(string(fields[0]), 64)
		switch {
		case err != nil:
			t.Fatal(err)
		case at >= struck-1 && at < struck:
			before++
		case at >= struck && at < struck+1:
			after++
		}
	}
	if before > 2 || after < 8 {
		t.Errorf("%d connections were made in the second before, %d in the second after", before, after)
	}
}
