package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"odradek/sim/disksim"
	"odradek/sim/guest"
	"odradek/sim/host"
)

// differences compares, once everything has healed and nobody writes, the logs of each partition's replicas: they are to be
// the same bytes from the first on: nothing in a run deletes records. A replica outside of the ISR is not compared: that it is
// there is a violation of its own.
func differences(v *view, brokers []*host.Node) ([]Violation, error) {
	var found []Violation
	for _, p := range v.order {
		var first []byte
		var firstNode string
		for _, number := range v.partitions[p].line.ISR {
			n := brokers[number-1]
			log, err := readLog(n.Disk(), fmt.Sprintf("%s/%s", guest.DataDir, p))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			if firstNode == "" {
				first, firstNode = log, n.Name()
				continue
			}
			if at := differAt(first, log); at >= 0 {
				found = append(found, Violation{Kind: "replicas-differ", Words: fmt.Sprintf(
					"%s: the logs of %s (%d bytes) and %s (%d bytes) differ from byte %d on", p, firstNode, len(first), n.Name(), len(log), at)})
			}
		}
	}
	return found, nil
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
