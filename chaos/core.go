package chaos

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// # The core
//
// A cluster that comes back only once every node is well has not been tried for what replication is for. In some plans one node is left
// broken when the others are healed, in the manner of TigerBeetle's simulator: the core has to go on without it. It owes what a healed
// cluster does, with the ISR being all replicas but those on that node, when
//
//	(a) one node alone is left, of three or more, so that the quorum has its majority;
//	(b) min.insync.replicas is 2 or more, and topics have a replica more than that, so that whatever was acknowledged is on a node of the
//	    core, which may be elected (KIP-966), and writes are possible without the other;
//	(c) no fault takes from a node what it had written, or lets it doubt that it has it: the last eligible replica may be the one that is
//	    left, and then to wait for it is right;
//	(d) no replica is to be moved: it could be to, or from, the node that is left.

// mayStay lists the kinds of fault that may stay. Only a crash is drawn: what is sent to a node that gives no answer stands in line in
// franz-go, the question for newer metadata among it, each for a time-out of its own, so that no bound can be asked of the clients.
var mayStay = []Kind{Crash, Isolate}

// Left lists the nodes that are broken to the end, ascending.
func (p *Plan) Left() (nodes []int) {
	for _, f := range p.Schedule {
		if c, err := f.Target.parse(); f.Stays && err == nil {
			nodes = append(nodes, c.nodes...)
		}
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

// coreSuffices says whether rules (a) to (d) hold; they do when no node is left broken.
func (p *Plan) coreSuffices() bool {
	left := len(p.Left())
	return left == 0 || left == 1 && p.mayLeaveOne() && !slices.ContainsFunc(p.Schedule, func(f Fault) bool { return f.Kind.doubtful() })
}

// mayLeaveOne holds a plan, without its schedule, against the rules.
func (p *Plan) mayLeaveOne() bool {
	return p.Cluster.Nodes >= 3 && len(p.Reassignments)+len(p.ReplicaMoves) == 0 && !slices.ContainsFunc(p.Cluster.Topics, func(t Topic) bool {
		insync := p.Cluster.MinInsyncReplicas(t)
		return insync < 2 || t.ReplicationFactor <= insync
	})
}

// doubtful is true of the kinds after which a node lacks what it had written, or cannot vouch for it.
func (k Kind) doubtful() bool {
	return k.losesDisk() || k == PowerLoss || k == SwapDisks || k.MayKill()
}

const (
	// coreSeeds is the share of seeds in which a node is left broken, if the rules allow it.
	coreSeeds = 0.3
	// stayBefore is how long before the end of the fault phase it breaks at most.
	stayBefore = 3 * time.Second
)

// drawCore leaves a node broken in some seeds. What the rules forbid beside that is left out, and healing takes longer, at the cost of the
// fault phase: the others have to notice first, and may have to do it again under a controller that is new.
func drawCore(r *rand.Rand, p *Plan) {
	stays := Fault{Kind: Crash, Target: Node(between(r, 1, p.Cluster.Nodes)), Stays: true}
	before, notice := millis(between(r, 1, int(stayBefore.Milliseconds()))), 2*p.Cluster.session()
	if r.Float64() >= coreSeeds || !p.mayLeaveOne() || p.Phases.Faults < notice+2*Duration(stayBefore) {
		return
	}
	p.Phases.Faults -= notice
	p.Phases.Heal += notice
	end := p.Phases.FaultsEnd()
	stays.At = end - before
	p.Schedule = slices.DeleteFunc(p.Schedule, func(f Fault) bool { return f.Kind.doubtful() || f.At >= end })
	for i := range p.Schedule {
		f := &p.Schedule[i]
		f.For = min(f.For, end-f.At)
	}
	p.Schedule = append(p.Schedule, stays)
	slices.SortStableFunc(p.Schedule, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
}
