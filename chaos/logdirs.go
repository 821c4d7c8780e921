package chaos

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// A ReplicaMove is an operator's wish, made of a node in the fault phase and repeated until it is heard: its replica of a partition
// is to be in another of its log directories (AlterReplicaLogDirs). A node without the replica makes it there when it gets it.
type ReplicaMove struct {
	At        Duration `json:"at"`
	Topic     string   `json:"topic"`
	Partition int      `json:"partition"`
	Node      int      `json:"node"`
	Dir       int      `json:"dir"` // from 1 on, as the cluster numbers them
}

// Limits of directories and of moves between them.
const (
	dirsMax         = 8
	replicaMovesMax = 100
)

// LogDirs are the directories of a node whose first is given, in their order: the first has the quorum's log, too.
func (c *Cluster) LogDirs(first string) []string {
	dirs := []string{first}
	for number := 2; number <= c.Dirs; number++ {
		dirs = append(dirs, fmt.Sprintf("%s-%d", first, number))
	}
	return dirs
}

func (m *ReplicaMove) check(cluster *Cluster, phases Phases) error {
	t := cluster.topic(m.Topic)
	switch {
	case t == nil:
		return fmt.Errorf("topic %q is not in the cluster", m.Topic)
	case m.Partition < 0 || m.Partition >= t.Partitions:
		return fmt.Errorf("partition %d: %s has 0 to %d", m.Partition, m.Topic, t.Partitions-1)
	case m.Node < 1 || m.Node > cluster.Nodes:
		return fmt.Errorf("node %d: allowed are 1 to %d", m.Node, cluster.Nodes)
	case m.Dir < 1 || m.Dir > max(cluster.Dirs, 1):
		return fmt.Errorf("dir %d: allowed are 1 to %d", m.Dir, max(cluster.Dirs, 1))
	case m.At < phases.Calm || m.At > phases.FaultsEnd():
		return fmt.Errorf("at %s: allowed is the fault phase, from %s to %s", m.At, phases.Calm, phases.FaultsEnd())
	}
	return nil
}

// The share of seeds whose nodes have several directories, of these the share in which a move takes seconds, so that others have time to
// truncate what is being copied, and how far moves are apart at most.
const (
	dirSeeds   = 0.3
	slowMoves  = 0.6
	movesApart = 6 * time.Second
)

// drawDirs gives the nodes of some seeds several log directories, and has replicas moved between them.
func drawDirs(r *rand.Rand, p *Plan) {
	if r.Float64() >= dirSeeds {
		return
	}
	p.Cluster.Dirs = between(r, 2, 3)
	if r.Float64() < slowMoves {
		p.Cluster.Config["replica.fetch.max.bytes"] = strconv.Itoa(1 << between(r, 12, 14))
		p.Cluster.Config["replica.alter.log.dirs.io.max.bytes.per.second"] = strconv.Itoa(1 << between(r, 15, 17))
	}
	for at := p.Phases.Calm; ; {
		at += millis(between(r, 200, int(movesApart/time.Millisecond)))
		if at > p.Phases.FaultsEnd() {
			return
		}
		t := p.Cluster.Topics[r.IntN(len(p.Cluster.Topics))]
		p.ReplicaMoves = append(p.ReplicaMoves, ReplicaMove{
			At: at, Topic: t.Name, Partition: r.IntN(t.Partitions),
			Node: between(r, 1, p.Cluster.Nodes), Dir: between(r, 1, p.Cluster.Dirs),
		})
	}
}

// failingDirs is the family of faults that only nodes of several directories have. The first directory takes the process with it,
// so the others are hit more often.
var failingDirs = family{"failed-directory", 0.6, false, func(d *drawer) []Fault {
	dir := between(d.r, 2, d.cluster.Dirs)
	if d.r.IntN(4) == 0 {
		dir = 1
	}
	return d.one(FailedDir, d.victim(), Params{Dir: dir})
}}

// drawFailingDirs adds the directories' failures to a schedule.
func drawFailingDirs(p *Plan, s Schedule) Schedule {
	swarm := Stream(p.Seed, "failing-dirs")
	if p.Cluster.Dirs < 2 || swarm.Float64() >= failingDirs.on {
		return s
	}
	d := &drawer{r: Stream(p.Seed, "faults/"+failingDirs.name), cluster: &p.Cluster, end: p.Phases.FaultsEnd()}
	return append(s, d.events(failingDirs, p.Phases.Calm, span(swarm, intervalMin, intervalMax), span(swarm, lengthMin, lengthMax))...)
}
