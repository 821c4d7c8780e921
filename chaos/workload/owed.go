package workload

import (
	"fmt"
	"slices"

	"odradek/chaos"
	"odradek/linearizability/history"
)

// expectedSendsMin is how many sends the plan's rates must lead one to expect before their absence is a violation.
const expectedSendsMin = 3

// Unwritten lists the topics to which, of what was sent in the second half of the heal phase, nothing was acknowledged or
// something never had an answer. A topic that the plan sends little or nothing to then, or only without asking for an acknowledgement, owes nothing.
func Unwritten(plan *chaos.Plan, table *history.Table) []string {
	from, to := plan.Phases.FaultsEnd()+plan.Phases.Heal/2, plan.Phases.HealEnd()
	var found []string
	for _, topic := range plan.Cluster.Topics {
		expected := 0.0
		for _, p := range plan.Producers {
			if p.Acks != "0" && slices.Contains(p.Topics, topic.Name) {
				expected += p.RecordsPerSecond / float64(len(p.Topics)) * (to - from).D().Seconds()
			}
		}
		if expected < expectedSendsMin {
			continue
		}
		sent, done, open := 0, 0, 0
		for i := range table.Sends {
			s := &table.Sends[i]
			if s.Asked.Topic != topic.Name || s.Acks == history.AcksNone || s.Invoked < int64(from) || s.Invoked >= int64(to) {
				continue
			}
			sent++
			if s.Acknowledged() {
				done++
			} else if !s.Ended {
				open++
			}
		}
		if done == 0 || open > 0 {
			found = append(found, fmt.Sprintf("topic %s: from %v to %v, with every fault undone, %d records were sent, %d acknowledged, and %d never answered",
				topic.Name, from, to, sent, done, open))
		}
	}
	return found
}
