package chaos

import "testing"

func TestWhatACoreOwes(t *testing.T) {
	stays := func(k Kind, node int) Fault { return Fault{At: seconds(6), Kind: k, Target: Node(node), Stays: true} }
	crash := Fault{At: seconds(6), For: seconds(1), Kind: Crash, Target: Node(2)}
	for _, c := range []struct {
		name     string
		insync   string
		schedule Schedule
		move     bool
		progress bool
	}{
		{"one is left", "2", Schedule{stays(Crash, 1), crash}, false, true},
		{"the same one twice", "2", Schedule{stays(Crash, 1), stays(Isolate, 1)}, false, true},
		{"two are left", "2", Schedule{stays(Crash, 1), stays(Isolate, 2)}, false, false},
		{"the other replica may be far behind", "1", Schedule{stays(Isolate, 1)}, false, false},
		{"no replica to spare", "3", Schedule{stays(Isolate, 1)}, false, false},
		{"another's power", "2", Schedule{stays(Crash, 1), {At: seconds(6), For: seconds(1), Kind: PowerLoss, Target: Node(2)}}, false, false},
		{"another's disk", "2", Schedule{stays(Crash, 1), {At: seconds(6), For: seconds(1), Kind: FullDisk, Target: Node(2)}}, false, false},
		{"a move", "2", Schedule{stays(Crash, 1)}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := basePlan()
			p.Cluster.Topics[0].Config["min.insync.replicas"] = c.insync
			p.Schedule = c.schedule
			if c.move {
				p.Reassignments = []Reassignment{{At: seconds(7), Topic: "t0", Replicas: []int{1, 2, 3}}}
			}
			if err := p.Validate(); err != nil {
				t.Fatal(err)
			}
			if got := p.Promises().Progress; got != c.progress {
				t.Errorf("progress is owed: %v", got)
			}
		})
	}
}

func TestCoresAreDrawn(t *testing.T) {
	drawn := 0
	for seed := range uint64(400) {
		p := Draw(seed)
		if left := p.Left(); len(left) > 1 || left != nil && !p.Promises().Progress {
			t.Fatalf("seed %d leaves %v", seed, left)
		}
		for _, f := range p.Schedule {
			if f.Stays {
				drawn++
			}
		}
	}
	if drawn < 10 {
		t.Errorf("a node is left broken in %d of 400 seeds", drawn)
	}
}
