package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

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
	partitions map[partition]guest.Line
	// told holds, for each partition epoch, the first account of it and who gave it.
	told       map[epochKey]account
	leaders    map[epochKey]account
	controller int
	violations []Violation
}

type epochKey struct {
	partition
	epoch int32
}

type account struct {
	node string
	line guest.Line
}

func newView() *view {
	return &view{partitions: map[partition]guest.Line{}, told: map[epochKey]account{}, leaders: map[epochKey]account{}}
}

// take reads a broker's line; a line that is none is the broker's mistake.
func (v *view) take(node string, at clock.Time, text []byte) {
	var line guest.Line
	if err := json.Unmarshal(text, &line); err != nil {
		v.violate("bad-line", at, "%s wrote a line that is no event: %q", node, text)
		return
	}
	switch line.Event {
	case guest.EventController:
		if line.Leader >= 0 {
			v.controller = int(line.Leader)
		}
	case guest.EventPartition:
		v.takePartition(node, at, line)
	}
}

func (v *view) takePartition(node string, at clock.Time, line guest.Line) {
	p := partition{line.Topic, line.Partition}
	key := epochKey{p, line.PartitionEpoch}
	if first, ok := v.told[key]; !ok {
		v.told[key] = account{node, line}
	} else if first.line.Leader != line.Leader || first.line.LeaderEpoch != line.LeaderEpoch || !slices.Equal(first.line.ISR, line.ISR) {
		v.violate("metadata-differs", at, "%s, partition epoch %d: %s has leader %d of epoch %d and ISR %v, %s has leader %d of epoch %d and ISR %v",
			p, key.epoch, first.node, first.line.Leader, first.line.LeaderEpoch, first.line.ISR, node, line.Leader, line.LeaderEpoch, line.ISR)
	}
	if line.Leader >= 0 {
		key = epochKey{p, line.LeaderEpoch}
		if first, ok := v.leaders[key]; !ok {
			v.leaders[key] = account{node, line}
		} else if first.line.Leader != line.Leader {
			v.violate("two-leaders", at, "%s, leader epoch %d: %s says that %d leads, %s says %d", p, key.epoch, first.node, first.line.Leader, node, line.Leader)
		}
	}
	if newest, ok := v.partitions[p]; !ok || line.PartitionEpoch > newest.PartitionEpoch {
		v.partitions[p] = line
	}
}

func (v *view) violate(kind string, at clock.Time, format string, args ...any) {
	v.violations = append(v.violations, Violation{Kind: kind, At: at.Sub(0), Words: fmt.Sprintf(format, args...)})
}

// known lists the partitions told of, sorted.
func (v *view) known() []partition {
	var all []partition
	for p := range v.partitions { // sorted below, so that the order of the map decides nothing
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b partition) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.index, b.index))
	})
	return all
}
