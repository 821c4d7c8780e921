package sim

import (
	"fmt"
	"slices"
	"strings"

	"odradek/chaos"
	"odradek/sim/guest"
	"odradek/sim/host"
)

// futureSuffix ends the name of a log that is to take another's place in another directory.
const futureSuffix = "-future"

// misplaced says which partitions a node has in more than one of its log directories once everything has healed, and which moves
// between them have not come to their end.
func misplaced(plan *chaos.Plan, v *view, brokers []*host.Node) ([]Violation, error) {
	dirs := plan.Cluster.LogDirs(guest.DataDir)
	if len(dirs) == 1 {
		return nil, nil
	}
	var found []Violation
	for i, n := range brokers {
		in := map[string][]string{}
		for _, dir := range dirs {
			entries, err := n.Disk().List(dir)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", n.Name(), dir, err)
			}
			for _, entry := range entries {
				if in[entry.Name] = append(in[entry.Name], dir); strings.HasSuffix(entry.Name, futureSuffix) {
					found = append(found, Violation{Kind: "move-not-ended", Words: fmt.Sprintf("%s still has %s/%s", n.Name(), dir, entry.Name)})
				}
			}
		}
		for _, p := range v.order {
			if at := in[p.String()]; len(at) > 1 && slices.Contains(v.partitions[p].line.Replicas, int32(i+1)) {
				found = append(found, Violation{Kind: "replica-twice", Words: fmt.Sprintf("%s has %s in %s", n.Name(), p, strings.Join(at, " and in "))})
			}
		}
	}
	return found, nil
}
