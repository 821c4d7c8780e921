package sim

import (
	"slices"
	"testing"

	"odradek/chaos"
	"odradek/sim/clock"
	"odradek/sim/disksim"
)

// dirsPlan is onePlan on nodes of two log directories.
func dirsPlan(faults ...chaos.Fault) chaos.Plan {
	plan := smallPlan(faults...)
	plan.Cluster.Dirs = 2
	return plan
}

func TestReplicasAreInOnePlace(t *testing.T) {
	for _, c := range []struct {
		name  string
		dirs  []string // of node 2, beside what all have
		kinds []string
	}{
		{"one place", nil, nil},
		{"somebody else's", []string{"/data-2/t0-7"}, nil},
		{"two places", []string{"/data-2/t0-0"}, []string{"replica-twice"}},
		{"under way", []string{"/data-2/t0-0.0123456789abcdef-future"}, []string{"move-not-ended"}},
		{"deleted", []string{"/data-2/t0-0.0123456789abcdef-delete"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newView(3)
			v.take("node-1", clock.Time(1), []byte(said(0, 0, 1, 0, 1, 2, 3)))
			brokers := nodesWith(t, diskWith(t, "/data/t0-0", nil), diskWith(t, "/data/t0-0", nil), diskWith(t, "/data/t0-0", nil))
			for i, n := range brokers {
				dirs := []string{"/data-2"}
				if i == 1 {
					dirs = append(dirs, c.dirs...)
				}
				for _, dir := range dirs {
					if err := n.Disk().Mkdir(dir); err != nil {
						t.Fatal(err)
					}
				}
			}
			plan := dirsPlan()
			found, err := misplaced(&plan, v, brokers)
			if err != nil {
				t.Fatal(err)
			}
			var kinds []string
			for _, f := range found {
				kinds = append(kinds, f.Kind)
			}
			if !slices.Equal(kinds, c.kinds) {
				t.Errorf("found %v", found)
			}
		})
	}
}

// logsIn lists the partitions' directories in a log directory of a node.
func logsIn(t *testing.T, d *disksim.Disk, dir string) (names []string) {
	t.Helper()
	entries, err := d.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Info.IsDir && entry.Name[:1] == "t" {
			names = append(names, entry.Name)
		}
	}
	return names
}

// A node whose second directory fails goes on with the first, and has all of its replicas again in the end.
func TestADirectoryFailsAlone(t *testing.T) {
	o := observe(t, dirsPlan(fault(chaos.FailedDir, 2, chaos.Node(2), chaos.Params{Dir: 2})))
	var in, during int
	o.at(struck-0.001, func() { in = len(logsIn(t, o.brokers[1].Disk(), "/data-2")) })
	o.at(struck+1.9, func() {
		during = logBytes(t, o, 3)
		if !o.brokers[1].Running() {
			t.Error("the node is gone")
		}
	})
	o.pass()
	if in == 0 || struckBy(o, 2) == 0 {
		t.Errorf("%d partitions in the directory, %d calls struck", in, struckBy(o, 2))
	}
	if exits := o.exits("node-2"); len(exits) != 1 || logBytes(t, o, 3) <= during {
		t.Errorf("node 2's processes ended so: %v", exits)
	}
}

// A replica is moved between a node's directories while producers write, and a kill amid that does not stop it.
func TestReplicasMoveBetweenDirectories(t *testing.T) {
	plan := dirsPlan(fault(chaos.Crash, 1, chaos.Node(1), chaos.Params{}))
	for index := range plan.Cluster.Topics[0].Partitions {
		for node := 1; node <= 3; node++ {
			plan.ReplicaMoves = append(plan.ReplicaMoves, chaos.ReplicaMove{At: seconds(struck - 0.01), Topic: "t0", Partition: index, Node: node, Dir: 2})
		}
	}
	o := observe(t, plan)
	var first int
	o.at(struck-0.02, func() { first = len(logsIn(t, o.brokers[2].Disk(), "/data")) })
	o.pass()
	if first == 0 {
		t.Error("nothing was there to be moved")
	}
	for _, n := range o.brokers {
		if left := logsIn(t, n.Disk(), "/data"); len(left) > 0 {
			t.Errorf("%s still has %v in its first directory", n.Name(), left)
		}
	}
}
