package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// A Reassignment is an operator's wish, made of the cluster in the fault phase and repeated until it is heard: a partition is to
// have these replicas. No replicas take the move back that is under way, if one still is.
type Reassignment struct {
	At        Duration `json:"at"`
	Topic     string   `json:"topic"`
	Partition int      `json:"partition"`
	Replicas  []int    `json:"replicas,omitempty"`
}

// reassignmentsMax bounds a plan's moves.
const reassignmentsMax = 100

func (r *Reassignment) check(cluster *Cluster, phases Phases) error {
	t := cluster.topic(r.Topic)
	switch {
	case t == nil:
		return fmt.Errorf("topic %q is not in the cluster", r.Topic)
	case r.Partition < 0 || r.Partition >= t.Partitions:
		return fmt.Errorf("partition %d: %s has 0 to %d", r.Partition, r.Topic, t.Partitions-1)
	case r.At < phases.Calm || r.At > phases.FaultsEnd():
		return fmt.Errorf("at %s: allowed is the fault phase, from %s to %s", r.At, phases.Calm, phases.FaultsEnd())
	}
	for i, node := range r.Replicas {
		if node < 1 || node > cluster.Nodes || slices.Contains(r.Replicas[:i], node) {
			return fmt.Errorf("replicas %v: allowed are nodes 1 to %d, each once", r.Replicas, cluster.Nodes)
		}
	}
	return nil
}

// Target is what the last reassignment of a partition asks for; ok is false where there is none.
func (p *Plan) Target(topic string, partition int) (last Reassignment, ok bool) {
	for _, r := range p.Reassignments {
		if r.Topic == topic && r.Partition == partition && (!ok || r.At >= last.At) {
			last, ok = r, true
		}
	}
	return last, ok
}

// Wishes are the reassignments as an operator makes them: what was asked for last is asked for again once the faults are over. A
// request that was given up may still be on its way, and undo a later one.
func (p *Plan) Wishes() []Reassignment {
	wishes := slices.Clone(p.Reassignments)
	for _, topic := range p.Cluster.Topics {
		for index := range topic.Partitions {
			if last, ok := p.Target(topic.Name, index); ok && len(last.Replicas) > 0 {
				last.At = p.Phases.FaultsEnd() + wishAgain
				wishes = append(wishes, last)
			}
		}
	}
	return wishes
}

// wishAgain is how long after the faults nothing of before them is on its way any more.
const wishAgain = Duration(2 * time.Second)

// The share of seeds that have reassignments, and how far they are apart at most.
const (
	reassigningSeeds = 0.35
	reassignApart    = 8 * time.Second
)

// drawReassignments moves partitions about: to more replicas and to fewer, though never to fewer than the atlas counts on.
func drawReassignments(r *rand.Rand, p *Plan) {
	on := r.Float64() < reassigningSeeds
	if !on || p.Cluster.Nodes < 2 {
		return
	}
	at := p.Phases.Calm
	for {
		at += millis(between(r, 200, int(reassignApart/time.Millisecond)))
		if at > p.Phases.FaultsEnd() {
			return
		}
		t := p.Cluster.Topics[r.IntN(len(p.Cluster.Topics))]
		move := Reassignment{At: at, Topic: t.Name, Partition: r.IntN(t.Partitions)}
		least := max(2, p.Cluster.MinInsyncReplicas(t))
		nodes, factor, cancel := r.Perm(p.Cluster.Nodes), between(r, min(least, p.Cluster.Nodes), p.Cluster.Nodes), r.IntN(6) == 0
		if t.ReplicationFactor < 2 {
			continue // its only copy lies where the schedule leaves it alone
		}
		if !cancel {
			for _, node := range nodes[:factor] {
				move.Replicas = append(move.Replicas, node+1)
			}
		}
		p.Reassignments = append(p.Reassignments, move)
	}
}
