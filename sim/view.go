package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"odradek/chaos"
	"odradek/sim/clock"
	"odradek/sim/guest"
)

// partition names a partition of the plan's topics.
type partition struct {
	topic string
	index int32
}

func (p partition) String() string { return fmt.Sprintf("%s-%d", p.topic, p.index) }

// view is the cluster as its brokers tell of it, and what they may not tell: every broker applies the same metadata, so what
// two of them say of one partition epoch must be the same, and a leader epoch has one leader.
type view struct {
	nodes      int         // of the cluster, numbered from 1
	order      []partition // those told of, sorted
	partitions map[partition]account
	// told holds, for each partition epoch, the first account of it and who gave it.
	told       map[epochKey]account
	leaders    map[epochKey]account
	last       map[nodeKey]int32 // the partition epoch that a node told of last
	tellers    []string          // the nodes that have told of a partition, in the order of their first words
	controller int
	violations []Violation
	buggified  map[string]int // by point: in how many processes it fired
	reached    map[string]int // by probe: in how many processes it was reached
}

type epochKey struct {
	partition
	epoch int32
}

type nodeKey struct {
	partition
	node string
}

// account is what a node said, and when.
type account struct {
	node string
	at   clock.Time
	line guest.Line
}

func newView(nodes int) *view {
	return &view{
		nodes: nodes, partitions: map[partition]account{}, told: map[epochKey]account{}, leaders: map[epochKey]account{},
		last: map[nodeKey]int32{}, buggified: map[string]int{}, reached: map[string]int{},
	}
}

// take reads a broker's line; a line that is none, or that names nodes which the cluster does not have, is the broker's mistake.
func (v *view) take(node string, at clock.Time, text []byte) {
	var line guest.Line
	if err := json.Unmarshal(text, &line); err != nil {
		v.violate("bad-line", at, "%s wrote a line that is no event: %q", node, text)
		return
	}
	stranger := func(id int32) bool { return id < 1 || int(id) > v.nodes }
	if line.Leader >= 0 && line.Event != guest.EventServing && stranger(line.Leader) ||
		slices.ContainsFunc(line.Replicas, stranger) || slices.ContainsFunc(line.ISR, stranger) {
		v.violate("bad-line", at, "%s tells of a node that does not exist: %s", node, text)
		return
	}
	switch line.Event {
	case guest.EventController:
		if line.Leader >= 0 {
			v.controller = int(line.Leader)
		}
	case guest.EventBuggify:
		v.buggified[line.Point]++
	case guest.EventProbe:
		v.reached[line.Point]++
	case guest.EventPartition:
		v.takePartition(account{node, at, line})
	}
}

func (v *view) takePartition(a account) {
	line := a.line
	p := partition{line.Topic, line.Partition}
	key := epochKey{p, line.PartitionEpoch}
	if first, ok := v.told[key]; !ok {
		v.told[key] = a
	} else if first.line.Leader != line.Leader || first.line.LeaderEpoch != line.LeaderEpoch || !slices.Equal(first.line.ISR, line.ISR) || !slices.Equal(first.line.Replicas, line.Replicas) {
		v.violate("metadata-differs", a.at, "%s, partition epoch %d: %s has leader %d of epoch %d and ISR %v of %v, %s has leader %d of epoch %d and ISR %v of %v",
			p, key.epoch, first.node, first.line.Leader, first.line.LeaderEpoch, first.line.ISR, first.line.Replicas, a.node, line.Leader, line.LeaderEpoch, line.ISR, line.Replicas)
	}
	if line.Leader >= 0 {
		key = epochKey{p, line.LeaderEpoch}
		if first, ok := v.leaders[key]; !ok {
			v.leaders[key] = a
		} else if first.line.Leader != line.Leader {
			v.violate("two-leaders", a.at, "%s, leader epoch %d: %s says that %d leads, %s says %d", p, key.epoch, first.node, first.line.Leader, a.node, line.Leader)
		}
	}
	v.last[nodeKey{p, a.node}] = line.PartitionEpoch
	if !slices.Contains(v.tellers, a.node) {
		v.tellers = append(v.tellers, a.node)
	}
	newest, known := v.partitions[p]
	if !known {
		at, _ := slices.BinarySearchFunc(v.order, p, comparePartitions)
		v.order = slices.Insert(v.order, at, p)
	}
	if !known || line.PartitionEpoch > newest.line.PartitionEpoch {
		v.partitions[p] = a
	}
}

func (v *view) violate(kind string, at clock.Time, format string, args ...any) {
	v.violations = append(v.violations, Violation{Kind: kind, At: at.Sub(0), Words: fmt.Sprintf(format, args...)})
}

func comparePartitions(a, b partition) int {
	return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.index, b.index))
}

// unhealed lists the partitions of the plan's topics that, by the newest account of them, lack a leader or a replica in the ISR, or
// have other replicas than they were last asked to have. A node that is left broken leads nothing, and its place in the ISR is not asked for.
func (v *view) unhealed(plan *chaos.Plan) []string {
	var found []string
	left := plan.Left()
	isLeft := func(id int32) bool { return slices.Contains(left, int(id)) }
	for _, topic := range plan.Cluster.Topics {
		for index := range topic.Partitions {
			p := partition{topic.Name, int32(index)}
			newest, ok := v.partitions[p]
			line := newest.line
			factor := topic.ReplicationFactor
			target, moved := plan.Target(topic.Name, index)
			if moved {
				factor = len(line.Replicas)
			}
			switch {
			case !ok:
				found = append(found, fmt.Sprintf("%s: no broker ever told of it", p))
			case isLeft(line.Leader):
				found = append(found, fmt.Sprintf("%s: %d, which is left broken, leads since %v (leader epoch %d, ISR %v)", p, line.Leader, newest.at.Sub(0), line.LeaderEpoch, line.ISR))
			case line.Leader < 0:
				found = append(found, fmt.Sprintf("%s: nobody leads since %v (leader epoch %d, ISR %v)", p, newest.at.Sub(0), line.LeaderEpoch, line.ISR))
			case moved && len(target.Replicas) > 0 && !sameNodes(line.Replicas, target.Replicas):
				found = append(found, fmt.Sprintf("%s: the replicas are %v since %v, %v were asked for at %v (leader %d of epoch %d, ISR %v)",
					p, line.Replicas, newest.at.Sub(0), target.Replicas, target.At, line.Leader, line.LeaderEpoch, line.ISR))
			case without(line.ISR, isLeft) < factor-len(line.Replicas)+without(line.Replicas, isLeft):
				found = append(found, fmt.Sprintf("%s: the ISR is %v of %v since %v (leader %d of epoch %d)",
					p, line.ISR, line.Replicas, newest.at.Sub(0), line.Leader, line.LeaderEpoch))
			}
		}
	}
	return found
}

// without counts the nodes of which something is not true.
func without(nodes []int32, is func(int32) bool) (n int) {
	for _, id := range nodes {
		if !is(id) {
			n++
		}
	}
	return n
}

func sameNodes(have []int32, want []int) bool {
	return slices.EqualFunc(have, want, func(a int32, b int) bool { return int(a) == b })
}

// behind lists who last told of an older partition epoch than the newest, which was known before a moment. Nodes that are left broken may.
func (v *view) behind(before time.Duration, left []int) []string {
	var found []string
	for _, p := range v.order {
		newest := v.partitions[p]
		for _, node := range v.tellers {
			if slices.ContainsFunc(left, func(number int) bool { return nodeName(number) == node }) {
				continue
			}
			if last, ok := v.last[nodeKey{p, node}]; newest.at.Sub(0) < before && (!ok || last < newest.line.PartitionEpoch) {
				found = append(found, fmt.Sprintf("%s: %s knows partition epoch %d; %s told of epoch %d at %v", p, node, last, newest.node, newest.line.PartitionEpoch, newest.at.Sub(0)))
			}
		}
	}
	return found
}
