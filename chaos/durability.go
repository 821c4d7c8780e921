package chaos

import (
	"slices"

	"odradek/linearizability/history"
)

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
//	crash loops, too little memory             yes                   yes
//	clocks that are wrong, by less than a day  yes                   yes
//	power loss of one node                     see below             yes
//	power loss of several, or all at once      no                    yes
//	EIO, a full disk, a failed sync            yes                   yes
//	sectors garbled on read                    yes                   yes
//	disks swapped between two nodes            yes                   yes
//	one node's disk wiped or rolled back       see below             see below
//
// One node's power loss is survived by default when (a) min.insync.replicas is 2 or more, so that another node had the
// record; (b) every power loss of the run hits that same node; and (c) no other node's process dies uncleanly in the
// run. The last is Kafka's own limit (KIP-966): min.insync.replicas - 1 unclean deaths are survived, and a broker that
// comes back cannot tell a crash, which kept the page cache, from a loss of power, which did not.
//
// One node whose disk is wiped, or comes back as it was earlier, is survived when (a) holds and every such fault, and every power
// loss, hits that same node, which is named by its number: what is no more on its disk is on another's. A disk is wiped once
// at most, so that the node's former self has left the metadata quorum before another could; and it is only an observer of
// the quorum, of a number after the third, whose disk may be rolled back: a voter that has forgotten its vote breaks raft.
// A misdirected write is as a rolled back disk, at best.
//
// unclean.leader.election.enable gives all of this away. A record that only the leader acknowledged (acks=1) is lost with
// the leader, so any fault and any reassignment may cost it, unless it has no other replica and the rules above hold; acks=0 promises nothing.
//
// A reassignment costs nothing that was acknowledged by acks=all, as long as it leaves as many replicas as min.insync.replicas.
//
// Every rule is an upper bound on what a schedule contains, so a schedule with fewer faults never promises less.

// Promises tells the checkers what the plan's schedule may cost under its configuration.
func (p *Plan) Promises() history.Promises {
	out := history.Promises{Progress: p.Phases.Heal > 0 && p.Phases.Read > 0 && !p.Schedule.beyondRepair() && p.coreSuffices()}
	for _, t := range p.Cluster.Topics {
		all := p.mayLoseAcksAll(t)
		if all {
			out.MayLoseAcksAll = append(out.MayLoseAcksAll, t.Name)
		}
		if all || (t.ReplicationFactor > 1 && len(p.Schedule)+len(p.Reassignments) > 0) {
			out.MayLoseAcksOne = append(out.MayLoseAcksOne, t.Name)
		}
		if v := p.Cluster.vanishing(t, p.Schedule.fastest()); v.Head || v.Compacted {
			out.Vanishing = append(out.Vanishing, v)
		}
	}
	for _, g := range p.Groups {
		if g.Protocol == ConsumerProtocol {
			out.HandedOver = append(out.HandedOver, g.Name)
		}
		if g.Static {
			out.Static = append(out.Static, g.Name)
		}
	}
	if len(p.Groups) > 0 && p.mayLoseAcksAll(p.Cluster.offsetsTopic()) {
		out.MayLoseAcksAll = append(out.MayLoseAcksAll, offsetsTopic)
	}
	if len(p.Shares) > 0 && p.mayLoseAcksAll(Topic{Name: shareTopic}) {
		out.MayLoseAcksAll = append(out.MayLoseAcksAll, shareTopic)
	}
	return out
}

// offsetsTopic holds what groups commit, and what they are; its settings are those of the brokers.
const offsetsTopic = "__consumer_offsets"

func (c *Cluster) offsetsTopic() Topic { return Topic{Name: offsetsTopic} }

func (p *Plan) mayLoseAcksAll(t Topic) bool {
	if p.Cluster.unclean(t) && len(p.Schedule) > 0 {
		return true
	}
	insync := p.Cluster.MinInsyncReplicas(t)
	return !p.Cluster.Durable(t) && !p.Schedule.powerSurvivable(insync) || !p.Schedule.disksSurvivable(insync)
}

// voters is how many nodes, from the first on, vote in the metadata quorum.
const voters = 3

// losesDisk is true of the kinds after which a disk lacks what had been synced.
func (k Kind) losesDisk() bool { return k == WipeDisk || k == OldDisk || k == Misdirected }

// disksSurvivable holds the schedule's lost disks against the rules.
func (s Schedule) disksSurvivable(minInsyncReplicas int) bool {
	if !slices.ContainsFunc(s, func(f Fault) bool { return f.Kind.losesDisk() }) {
		return true
	}
	var victim Selector
	wiped := 0
	for _, f := range s {
		if !f.Kind.losesDisk() && f.Kind != PowerLoss {
			continue
		}
		if !f.Target.one() || victim != "" && f.Target != victim {
			return false
		}
		victim = f.Target
		if f.Kind == WipeDisk {
			wiped++
		}
		if c, err := f.Target.parse(); err != nil || f.Kind != WipeDisk && f.Kind.losesDisk() && c.nodes[0] <= voters {
			return false
		}
	}
	return minInsyncReplicas >= 2 && wiped <= 1
}

// beyondRepair says that the schedule leaves behind what nobody promises to mend.
func (s Schedule) beyondRepair() bool {
	return slices.ContainsFunc(s, func(f Fault) bool { return f.Kind == Misdirected })
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
func (k Kind) unclean() bool { return k.TakesProcess() && k != Stop && k != OldVersion || k.MayKill() }
