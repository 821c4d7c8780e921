package sim

import (
	"math/rand/v2"
	"strings"
	"testing"

	"odradek/sim/clock"
	"odradek/sim/disksim"
	"odradek/sim/host"
)

// diskWith is a disk with the files of a partition's directory.
func diskWith(t *testing.T, dir string, files map[string]string) *disksim.Disk {
	t.Helper()
	d := disksim.New(rand.New(rand.NewPCG(1, 1)), disksim.Params{})
	for _, name := range []string{"/data", dir} {
		if err := d.Mkdir(name); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range files {
		file, err := d.Open(dir+"/"+name, disksim.OpenFlags{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt([]byte(content), 0); err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	return d
}

// onePlan has the topic t0, which keeps everything.
var onePlan = smallPlan()

func TestReplicasAreComparedByteForByte(t *testing.T) {
	whole := map[string]string{"00000000000000000000.log": "abcdef", "00000000000000000006.log": "ghi", "00000000000000000000.index": "x"}
	for _, c := range []struct {
		name  string
		other map[string]string
		words string // of the violation; empty: none
	}{
		{"the same", whole, ""},
		{"cut into other segments", map[string]string{"00000000000000000000.log": "abc", "00000000000000000003.log": "defghi"}, ""},
		{"another index", map[string]string{"00000000000000000000.log": "abcdefghi", "00000000000000000000.index": "y"}, ""},
		{"another byte", map[string]string{"00000000000000000000.log": "abcdef", "00000000000000000006.log": "gXi"}, "differ from byte 7 on"},
		{"shorter", map[string]string{"00000000000000000000.log": "abcdef"}, "(6 bytes) differ from byte 6 on"},
		{"longer", map[string]string{"00000000000000000000.log": "abcdefghij"}, "(10 bytes) differ from byte 9 on"},
		{"nothing", nil, "(0 bytes) differ from byte 0 on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newView(3)
			v.take("node-1", clock.Time(1), []byte(said(0, 0, 1, 0, 1, 2, 3)))
			brokers := nodesWith(t, diskWith(t, "/data/t0-0", whole), diskWith(t, "/data/t0-0", c.other), diskWith(t, "/data/t0-0", whole))
			found, err := differences(&onePlan, v, brokers)
			if err != nil {
				t.Fatal(err)
			}
			if c.words == "" {
				if found != nil {
					t.Errorf("%v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Kind != "replicas-differ" || !strings.Contains(found[0].Words, c.words) || !strings.Contains(found[0].Words, "node-2") {
				t.Errorf("%v, expected %q", found, c.words)
			}
		})
	}
}

// A replica that has no directory at all has lost its log.
func TestReplicaWithoutADirectory(t *testing.T) {
	v := newView(3)
	v.take("node-1", clock.Time(1), []byte(said(0, 0, 1, 0, 1, 2, 3)))
	full := map[string]string{"00000000000000000000.log": "abc"}
	found, err := differences(&onePlan, v, nodesWith(t, diskWith(t, "/data/t0-0", full), diskWith(t, "/data/other-0", full), diskWith(t, "/data/t0-0", full)))
	if err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
}

// nodesWith are machines that have these disks and never ran.
func nodesWith(t *testing.T, disks ...*disksim.Disk) []*host.Node {
	t.Helper()
	u := host.New(host.DefaultConfig(1, nil))
	var nodes []*host.Node
	for i, d := range disks {
		n, err := u.AddNode(host.NodeConfig{Name: "node-" + string(rune('1'+i)), IP: brokerIP(i + 1)})
		if err != nil {
			t.Fatal(err)
		}
		n.SwapDisk(d)
		nodes = append(nodes, n)
	}
	return nodes
}
