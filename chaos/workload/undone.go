package workload

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"odradek/chaos"
	"odradek/linearizability/history"
)

// MemberMargin is how long members of groups go on when producers have stopped, to come to the end.
const MemberMargin = chaos.Duration(3e9)

// Undone lists the partitions with which a group is not done up to what had been acknowledged when producers were about to stop: of a
// consumer group by what it has committed, of a share group by where it starts. Of a topic whose records vanish, a group owes nothing:
// there may be none left to be done with.
func Undone(plan *chaos.Plan, table *history.Table) []string {
	var found []string
	for _, g := range plan.Groups {
		found = append(found, undone(plan, table, g.Name, g.Topics)...)
	}
	for _, g := range plan.Shares {
		found = append(found, undone(plan, table, g.Name, g.Topics)...)
	}
	return found
}

func undone(plan *chaos.Plan, table *history.Table, group string, topics []string) []string {
	var answer *history.CommitOp
	for i := range table.Committed {
		if table.Committed[i].Group == group {
			answer = &table.Committed[i]
		}
	}
	if answer == nil {
		return nil // that the final read did not come so far is a violation already
	}
	promises, before := plan.Promises(), plan.Phases.HealEnd()-groupLag
	last := map[history.Partition]int64{}
	for i := range table.Sends {
		s := &table.Sends[i]
		p, _ := s.Place()
		if s.Acknowledged() && s.Offset >= 0 && s.Done < int64(before) && slices.Contains(topics, p.Topic) &&
			!promises.MayLose(p.Topic, s.Acks) && !plan.Trims(p.Topic) && !plan.Compacts(p.Topic) {
			last[p] = max(last[p], s.Offset)
		}
	}
	var found []string
	for _, p := range slices.SortedFunc(maps.Keys(last), func(a, b history.Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Index, b.Index))
	}) {
		if done := answer.Offset(p); done <= last[p] {
			found = append(found, fmt.Sprintf("group %s is done up to offset %d of %s; offset %d was acknowledged before %v", group, done, p, last[p], before))
		}
	}
	return found
}

// groupLag is how long before the producers' end a record must have been acknowledged for a group to owe that it is done with it.
const groupLag = chaos.Duration(2e9)
