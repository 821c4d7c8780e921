package sim

import (
	"slices"
	"time"

	"odradek/chaos"
	"odradek/chaos/workload"
	"odradek/linearizability/history"
)

// judgeProgress demands what a cluster owes once every fault has been undone: clients come to the end of their work, every
// partition has a leader and its full ISR, all brokers know the newest metadata, new writes are acknowledged, who was asked
// to stop has stopped, and replicas are the same bytes. Nodes that are left broken owe nothing, and have no place in an ISR.
func (r *run) judgeProgress(table *history.Table) error {
	if words := r.stuck(); words != "" {
		r.violate("no-progress", words)
	}
	left := r.plan.Left()
	for i, n := range r.brokers {
		if r.target.stopping[n] && !slices.Contains(left, i+1) {
			r.violate("stop-hangs", n.Name()+" was asked to stop and never did")
		}
	}
	for _, words := range workload.Unwritten(&r.plan, table) {
		r.violate("no-progress", words)
	}
	for _, words := range workload.Undone(&r.plan, table) {
		r.violate("group-stuck", words)
	}
	for _, words := range r.view.unhealed(&r.plan) {
		r.violate("isr-not-full", words)
	}
	end := r.plan.Phases.End()
	for _, words := range r.view.behind(time.Duration(end)-settleTime, left) {
		r.violate("metadata-behind", words)
	}
	different, err := differences(&r.plan, r.view, r.brokers)
	if err != nil {
		return err
	}
	twice, err := misplaced(&r.plan, r.view, r.brokers)
	r.result.Violations = slices.Concat(r.result.Violations, different, twice)
	return err
}

// settleTime is how long before the end of a run a change of metadata must be known to every broker.
const settleTime = 3 * time.Second

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
