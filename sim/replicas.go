package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"odradek/chaos"
	"odradek/sim/disksim"
	"odradek/sim/guest"
	"odradek/sim/host"
)

// differences compares, once everything has healed and nobody writes, the logs of each partition's replicas: they are to be
// the same bytes from the first on. Of a log that loses its head the bytes from where the last of them begins are compared; of a
// compacted one, which each replica cleans for itself, the newest record of each key. A replica outside of the ISR is not
// compared: that it is there is a violation of its own.
func differences(plan *chaos.Plan, v *view, brokers []*host.Node) ([]Violation, error) {
	var found []Violation
	for _, p := range v.order {
		var replicas []replica
		for _, number := range v.partitions[p].line.ISR {
			n := brokers[number-1]
			log, err := readLogIn(n.Disk(), plan.Cluster.LogDirs(guest.DataDir), p.String())
			if err != nil {
				return nil, fmt.Errorf("%s: %w", n.Name(), err)
			}
			replicas = append(replicas, replica{n.Name(), log})
		}
		words := ""
		switch {
		case plan.Compacts(p.topic):
			words = differentKeys(replicas, plan.Trims(p.topic))
		case plan.Trims(p.topic):
			words = differentBytes(fromCommonStart(replicas))
		default:
			words = differentBytes(replicas)
		}
		if words != "" {
			found = append(found, Violation{Kind: "replicas-differ", Words: fmt.Sprintf("%s: %s", p, words)})
		}
	}
	return found, nil
}

// replica is a partition's log on one node.
type replica struct {
	node string
	log  []byte
}

// differentBytes says where a replica's log differs from the first one's; nothing when they are all the same.
func differentBytes(replicas []replica) string {
	for i := 1; i < len(replicas); i++ {
		first, other := replicas[0], replicas[i]
		if at := differAt(first.log, other.log); at >= 0 {
			return fmt.Sprintf("the logs of %s (%d bytes) and %s (%d bytes) differ from byte %d on", first.node, len(first.log), other.node, len(other.log), at)
		}
	}
	return ""
}

// differAt is where two logs differ first, -1 when they are the same.
func differAt(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// readLogIn is readLog in the first of the directories that has the partition; nothing where none has.
func readLogIn(d *disksim.Disk, dirs []string, partition string) ([]byte, error) {
	for _, dir := range dirs {
		log, err := readLog(d, dir+"/"+partition)
		if !errors.Is(err, fs.ErrNotExist) {
			return log, err
		}
	}
	return nil, nil
}

// readLog is the content of a partition's segments, one after the other, as the medium has it. Their names are their offsets, so
// they sort.
func readLog(d *disksim.Disk, dir string) ([]byte, error) {
	defer d.SetFaults(d.Faults())
	d.SetFaults(disksim.Faults{})
	entries, err := d.List(dir)
	if err != nil {
		return nil, err
	}
	var log []byte
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name, ".log") {
			continue
		}
		file, err := d.Open(dir+"/"+entry.Name, disksim.OpenFlags{})
		if err != nil {
			return nil, err
		}
		content := make([]byte, entry.Info.Size)
		_, err = file.ReadAt(content, 0)
		file.Close()
		if err != nil && err != io.EOF {
			return nil, err
		}
		log = append(log, content...)
	}
	return log, nil
}
