package sim

import (
	"fmt"
	"strings"
	"testing"

	"odradek/chaos"
	"odradek/sim/disksim"
	"odradek/sim/guest"
)

// struckBy is how many of a node's disk calls have been failed or falsified.
func struckBy(o *observed, number int) uint64 { return o.brokers[number-1].Disk().Struck() }

// A disk that fails is felt by its node, which is up again afterwards; nothing that was acknowledged is lost by it.
func TestDisksThatFail(t *testing.T) {
	for _, c := range []struct {
		name   string
		params chaos.Params
		kind   chaos.Kind
		short  bool
		dies   bool // the process ends by its own decision
	}{
		{"sync", chaos.Params{Op: "sync", Share: 1}, chaos.DiskError, true, true},
		{"write", chaos.Params{Op: "write", Share: 1}, chaos.DiskError, false, true},
		{"read", chaos.Params{Op: "read", Share: 0.2}, chaos.DiskError, false, false},
		{"full", chaos.Params{}, chaos.FullDisk, false, false},
		{"rot", chaos.Params{Share: 0.2}, chaos.BitRot, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && !c.short {
				t.Skip("one is enough in a hurry")
			}
			o := observe(t, durable(smallPlan(fault(c.kind, 2, chaos.Node(2), c.params))))
			var before, during, grown uint64
			o.at(struck-0.001, func() { before = struckBy(o, 2) })
			o.at(struck+2, func() { during, grown = struckBy(o, 2), uint64(logBytes(t, o, 2)) })
			o.at(struck+4.5, func() {
				if n := o.brokers[1]; !n.Running() {
					t.Error("the node is not up again")
				}
				if after := uint64(logBytes(t, o, 2)); after <= grown {
					t.Errorf("its logs had %d bytes at the fault's end and have %d now", grown, after)
				}
			})
			o.pass()
			if before != 0 || during == 0 || struckBy(o, 2) != during {
				t.Errorf("%d calls were struck before the fault, %d by its end, %d by the run's", before, during, struckBy(o, 2))
			}
			exits := o.exits("node-2")
			if died := len(exits) > 0 && strings.HasPrefix(exits[0].how, "exited with code"); c.dies && !died {
				t.Errorf("the node's processes ended so: %v", exits)
			}
			for _, healthy := range []string{"node-1", "node-3"} {
				if exits := o.exits(healthy); len(exits) > 0 {
					t.Errorf("%s: %v", healthy, exits)
				}
			}
		})
	}
}

// A misdirected write takes the place of what was written before: the log no longer reads as it was written.
func TestMisdirectedWritesLandElsewhere(t *testing.T) {
	if testing.Short() {
		t.Skip("it is never drawn")
	}
	plan := smallPlan(fault(chaos.Misdirected, 1, chaos.Node(2), chaos.Params{Share: 0.5}))
	plan.Cluster.Topics[0].Config["internal.segment.bytes"] = "1048576"
	plan.Producers[0].ValueBytes = 1000
	o := observe(t, plan)
	var differs bool
	o.at(struck+1, func() {
		for index := range 3 {
			dir := fmt.Sprintf("%s/t0-%d", guest.DataDir, index)
			bad, err := readLog(o.brokers[1].Disk(), dir)
			good, goodErr := readLog(o.brokers[0].Disk(), dir)
			if err != nil || goodErr != nil {
				t.Error(err, goodErr)
			}
			size := min(len(bad), len(good))
			differs = differs || string(bad[:size]) != string(good[:size])
		}
	})
	o.take()
	if struckBy(o, 2) == 0 || !differs {
		t.Errorf("%d writes were misdirected, and the logs differ: %v", struckBy(o, 2), differs)
	}
	if o.plan.Promises().Progress {
		t.Error("progress is demanded of a cluster with a broken disk")
	}
}

// metaProperties is the file that says whose disk it is; empty when there is none.
func metaProperties(t *testing.T, d *disksim.Disk) string {
	t.Helper()
	file, err := d.Open(guest.DataDir+"/meta.properties", disksim.OpenFlags{})
	if err != nil {
		return ""
	}
	defer file.Close()
	content := make([]byte, file.Info().Size)
	if _, err := file.ReadAt(content, 0); err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// A node whose disk was wiped is a new one of the same number: it has nothing at first, and everything in the end.
func TestWipedDiskIsFilledAgain(t *testing.T) {
	o := observe(t, smallPlan(fault(chaos.WipeDisk, 1, chaos.Node(2), chaos.Params{})))
	disk := o.brokers[1].Disk()
	var before string
	o.at(struck-0.001, func() { before = metaProperties(t, disk) })
	o.at(struck+0.5, func() {
		if now := o.brokers[1].Disk(); now == disk || now.Used() != 0 {
			t.Error("the disk is not empty")
		}
	})
	o.pass()
	if after := metaProperties(t, o.brokers[1].Disk()); after == before || after == "" {
		t.Errorf("the disk said %q before and says %q", before, after)
	}
}

// A disk that is rolled back lacks what was written since its image was taken.
func TestOldDiskForgets(t *testing.T) {
	if testing.Short() {
		t.Skip("four nodes take long")
	}
	plan := smallPlan(fault(chaos.OldDisk, 2, chaos.Node(4), chaos.Params{}))
	plan.Cluster.Nodes, plan.Cluster.Topics[0].ReplicationFactor = 4, 4
	o := observe(t, plan)
	var imaged, last, back int
	o.at(struck, func() { imaged = logBytes(t, o, 4) })
	o.at(struck+1.999, func() { last = logBytes(t, o, 4) })
	o.at(struck+2.0001, func() { back = logBytes(t, o, 4) })
	o.pass()
	if exits := o.exits("node-4"); len(exits) != 1 || exits[0].how != "power lost" {
		t.Errorf("%v", exits)
	}
	if back > imaged || back >= last {
		t.Errorf("the logs had %d bytes when the image was taken, %d before the roll-back, and %d after", imaged, last, back)
	}
}

// Nodes that find each other's disks refuse them, and go on when they have their own again.
func TestSwappedDisksAreRefused(t *testing.T) {
	o := observe(t, smallPlan(fault(chaos.SwapDisks, 1, chaos.Nodes(1, 3), chaos.Params{})))
	first, third := o.brokers[0].Disk(), o.brokers[2].Disk()
	o.at(struck+0.5, func() {
		if o.brokers[0].Disk() != third || o.brokers[2].Disk() != first || o.brokers[0].Running() || o.brokers[2].Running() {
			t.Error("the disks are not swapped, or a node runs")
		}
	})
	o.pass()
	if o.brokers[0].Disk() != first || o.brokers[2].Disk() != third {
		t.Error("the nodes did not get their disks back")
	}
	for _, name := range []string{"node-1", "node-3"} {
		if exits := o.exits(name); len(exits) != 2 || exits[0].how != "crashed" || exits[1].how != "exited with code 1" {
			t.Errorf("%s: %v", name, exits)
		}
	}
}
