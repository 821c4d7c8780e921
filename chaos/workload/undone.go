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

// Undone lists the partitions of which a group has not committed what had been acknowledged when producers were about to stop. Of a
// topic whose records vanish, a group owes nothing: there may be none left to be done with.
func Undone(plan *chaos.Plan, table *history.Table) []string {
	var found []string
	promises := plan.Promises()
	before := plan.Phases.HealEnd() - groupLag
	for _, group := range plan.Groups {
		var answer *history.CommitOp
		for i := range table.Committed {
			if table.Committed[i].Group == group.Name {
				answer = &table.Committed[i]
			}
		}
		if answer == nil {
			continue // that the final read did not come so far is a violation already
		}
		last := map[history.Partition]int64{}
		for i := range table.Sends {
			s := &table.Sends[i]
			p, _ := s.Place()
			if s.Acknowledged() && s.Offset >= 0 && s.Done < int64(before) && slices.Contains(group.Topics, p.Topic) &&
				!promises.MayLose(p.Topic, s.Acks) && !plan.Trims(p.Topic) && !plan.Compacts(p.Topic) {
				last[p] = max(last[p], s.Offset)
			}
		}
		for _, p := range slices.SortedFunc(maps.Keys(last), func(a, b history.Partition) int {
			return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Index, b.Index))
		}) {
			if committed := answer.Offset(p); committed <= last[p] {
				found = append(found, fmt.Sprintf("group %s has committed offset %d of %s; offset %d was acknowledged before %v",
					group.Name, committed, p, last[p], before))
			}
		}
	}
	return found
}

// groupLag is how long before the producers' end a record must have been acknowledged for a group to owe that it is done with it.
const groupLag = chaos.Duration(2e9)
