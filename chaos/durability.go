package chaos

import "odradek/linearizability/history"

// # The atlas
//
// What was acknowledged must be left on at least one good copy, or every failure is a false alarm. A record counts as
// acknowledged when all of the ISR, at least min.insync.replicas of them, have it
//
//	default          in the page cache: it survives the death of the process, not that of the machine's power
//	flush.messages=1 on the disk: it survives both
//
// and so, of the faults in the catalogue, a record acknowledged by acks=all survives
//
//	                                           default               flush.messages=1
//	partitions, resets, slow links             yes                   yes
//	slow and stalling disks, pauses            yes                   yes
//	clean stops; crashes of any, and all       yes                   yes
//	power loss of one node                     see below             yes
//	power loss of several, or all at once      no                    yes
//
// One node's power loss is survived by default when (a) min.insync.replicas is 2 or more, so that another node had the
// record; (b) every power loss of the run hits that same node; and (c) no other node's process dies uncleanly in the
// run. The last is Kafka's own limit (KIP-966): min.insync.replicas - 1 unclean deaths are survived, and a broker that
// comes back cannot tell a crash, which kept the page cache, from a loss of power, which did not.
//
// unclean.leader.election.enable gives all of this away. A record that only the leader acknowledged (acks=1) is lost with
// the leader, so any fault may cost it, unless it has no other replica and the rules above hold; acks=0 promises nothing.
//
// Every rule is an upper bound on what a schedule contains, so a schedule with fewer faults never promises less.

// Promises tells the checkers what the plan's schedule may cost under its configuration.
func (p *Plan) Promises() history.Promises {
	out := history.Promises{Progress: p.Phases.Heal > 0 && p.Phases.Read > 0}
	for _, t := range p.Cluster.Topics {
		all := p.mayLoseAcksAll(t)
		if all {
			out.MayLoseAcksAll = append(out.MayLoseAcksAll, t.Name)
		}
		if all || (t.ReplicationFactor > 1 && len(p.Schedule) > 0) {
			out.MayLoseAcksOne = append(out.MayLoseAcksOne, t.Name)
		}
	}
	return out
}

func (p *Plan) mayLoseAcksAll(t Topic) bool {
	if p.Cluster.unclean(t) && len(p.Schedule) > 0 {
		return true
	}
	return !p.Cluster.Durable(t) && !p.Schedule.powerSurvivable(p.Cluster.MinInsyncReplicas(t))
}

// powerSurvivable holds the schedule's power losses against rules (a), (b) and (c).
func (s Schedule) powerSurvivable(minInsyncReplicas int) bool {
	var victim Selector
	for _, f := range s {
		if f.Kind != PowerLoss {
			continue
		}
		// A role may be with another node each time.
		if victim != "" && (f.Target != victim || !f.Target.one()) {
			return false
		}
		victim = f.Target
	}
	if victim == "" {
		return true
	}
	c, err := victim.parse()
	if err != nil || minInsyncReplicas < 2 || !(c.role() || victim.one()) {
		return false
	}
	for _, f := range s {
		if f.Kind.unclean() && f.Kind != PowerLoss && (f.Target != victim || !victim.one()) {
			return false
		}
	}
	return true
}

// one is true of a selector that is always the same single node.
func (s Selector) one() bool {
	c, err := s.parse()
	return err == nil && len(c.nodes) == 1
}

// unclean is true of the kinds that end a process without its consent.
func (k Kind) unclean() bool { return k.TakesProcess() && k != Stop }
