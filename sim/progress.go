package sim

import (
	"fmt"
	"slices"
	"time"

	"odradek/chaos"
	"odradek/linearizability/history"
)

// judgeProgress demands what a cluster owes once every fault has been undone: clients come to the end of their work, every
// partition has a leader and its full ISR, all brokers know the newest metadata, new writes are acknowledged, who was asked
// to stop has stopped, and replicas are the same bytes.
func (r *run) judgeProgress(table *history.Table) error {
	if words := r.stuck(); words != "" {
		r.violate("no-progress", words)
	}
	for _, n := range r.brokers {
		if r.target.stopping[n] {
			r.violate("stop-hangs", n.Name()+" was asked to stop and never did")
		}
	}
	for _, words := range unwritten(&r.plan, table) {
		r.violate("no-progress", words)
	}
	for _, words := range r.view.unhealed(r.plan.Cluster.Topics) {
		r.violate("isr-not-full", words)
	}
	end := r.plan.Phases.End()
	for _, words := range r.view.behind(time.Duration(end) - settleTime) {
		r.violate("metadata-behind", words)
	}
	different, err := differences(r.view, r.brokers)
	r.result.Violations = append(r.result.Violations, different...)
	return err
}

// settleTime is how long before the end of a run a change of metadata must be known to every broker.
const settleTime = 3 * time.Second

// expectedSendsMin is how many sends the plan's rates must lead one to expect before their absence is a violation.
const expectedSendsMin = 3

// unwritten lists the topics to which, of what was sent in the second half of the heal phase, nothing was acknowledged or
// something never had an answer. A topic that the plan sends little or nothing to then, or only without asking for an acknowledgement, owes nothing.
func unwritten(plan *chaos.Plan, table *history.Table) []string {
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

// unproved says why a history without a violation would still prove nothing.
func (r *run) unproved(table *history.Table) []string {
	var found []string
	asks := func(p chaos.Producer) bool { return p.Acks != "0" }
	if r.result.Acked == 0 && slices.ContainsFunc(r.plan.Producers, asks) {
		found = append(found, "nothing was acknowledged")
	}
	read := slices.ContainsFunc(table.Reads, func(s history.ReadStep) bool { return len(s.Values) > 0 })
	if !read && len(r.plan.Producers) > 0 {
		found = append(found, "nothing was read")
	}
	if words := r.stuck(); words != "" && !r.plan.Promises().Progress && !r.life.topicsMade {
		found = append(found, words)
	}
	return found
}
