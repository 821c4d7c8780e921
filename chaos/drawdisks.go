package chaos

import (
	"math/rand/v2"
	"slices"
)

// diskFamilies are what can be wrong with a disk beyond slowness. They have a swarm of their own, on top of the others': a broker
// whose disks fail all the time has no time for anything else.
var diskFamilies = []family{
	{"disk-error", diskOn, false, (*drawer).diskError},
	{"failing-sync", diskOn, true, (*drawer).failingSync},
	{"full-disk", diskOn, false, func(d *drawer) []Fault {
		return d.one(FullDisk, d.victimOrAll(), Params{Bytes: int64(between(d.r, 0, 16)) << 12})
	}},
	{"bit-rot", diskOn, false, func(d *drawer) []Fault { return d.one(BitRot, d.victim(), Params{Share: d.share(3, 11)}) }},
	{"rotten-restart", diskOn, true, (*drawer).rottenRestart},
	{"wipe-disk", 0.6, true, func(d *drawer) []Fault { return d.one(WipeDisk, Node(d.lost), Params{}) }},
	{"old-disk", 0.9, true, func(d *drawer) []Fault { return d.one(OldDisk, Node(max(d.lost, voters+1)), Params{}) }},
	{"swap-disks", diskOn, true, (*drawer).swapDisks},
	{"amnesia", 0.6, true, (*drawer).amnesia},
}

const (
	diskSeeds = 0.35 // share of seeds that have any of these
	diskOn    = 0.3  // chance that a family is on in such a seed
)

// drawDisks draws what is wrong with the disks, within the atlas: whose disk is lost loses it alone and once, and nobody else then
// loses power.
func drawDisks(p *Plan, s Schedule) Schedule {
	swarm := Stream(p.Seed, "disks")
	on := swarm.Float64() < diskSeeds
	lost := between(swarm, 1, p.Cluster.Nodes)
	for _, fam := range diskFamilies {
		chance, interval, length := swarm.Float64(), span(swarm, intervalMin, intervalMax), span(swarm, lengthMin, lengthMax)
		if !on || chance >= fam.on {
			continue
		}
		d := &drawer{r: Stream(p.Seed, "faults/"+fam.name), cluster: &p.Cluster, lost: lost, end: p.Phases.FaultsEnd()}
		for _, f := range d.events(fam, p.Phases.Calm, interval, length) {
			if f.check(&p.Cluster) == nil {
				s = append(s, f)
			}
		}
	}
	return disksWithinAtlas(swarm, s, p)
}

// disksWithinAtlas leaves out what would break a promise about acks=all.
func disksWithinAtlas(swarm *rand.Rand, s Schedule, p *Plan) Schedule {
	keepDisks := swarm.Float64() < 0.5
	wiped := false
	s = slices.DeleteFunc(s, func(f Fault) bool {
		again := wiped && f.Kind == WipeDisk
		wiped = wiped || f.Kind == WipeDisk
		return again
	})
	for _, t := range p.Cluster.Topics {
		insync := p.Cluster.MinInsyncReplicas(t)
		if s.disksSurvivable(insync) {
			continue
		}
		s = slices.DeleteFunc(s, func(f Fault) bool {
			if keepDisks || insync < 2 {
				return f.Kind.losesDisk()
			}
			return f.Kind == PowerLoss
		})
		if !s.disksSurvivable(insync) {
			s = slices.DeleteFunc(s, func(f Fault) bool { return f.Kind.losesDisk() })
		}
	}
	return s
}

// share is a power of two, from 1 in 2^most to 1 in 2^least.
func (d *drawer) share(least, most int) float64 {
	return 1 / float64(int64(1)<<between(d.r, least, most))
}

func (d *drawer) diskError() []Fault {
	return d.one(DiskError, d.victim(), Params{Op: Ops[d.r.IntN(len(Ops))], Share: d.share(1, 10)})
}

// failingSync lets a node's syncs fail for a moment, and soon after, its process die: what the failed ones had to write is not on the
// disk, and only the page cache still has it.
func (d *drawer) failingSync() []Fault {
	victim := Node(between(d.r, 1, d.cluster.Nodes))
	failing := Fault{At: d.at, For: millis(between(d.r, 50, 1000)), Kind: DiskError, Target: victim, Params: Params{Op: "sync", Share: 1}}
	dark := Fault{At: failing.End() + millis(between(d.r, 500, 5000)), For: millis(between(d.r, 100, 1000)), Kind: Crash, Target: victim}
	if d.cluster.allDurable() {
		dark.Kind = PowerLoss
	}
	return []Fault{failing, dark}
}

// rottenRestart lets a node recover its logs from a disk that now and then reads wrongly.
func (d *drawer) rottenRestart() []Fault {
	victim := Node(between(d.r, 1, d.cluster.Nodes))
	down := Fault{At: d.at, For: millis(between(d.r, 100, 1000)), Kind: Crash, Target: victim}
	rot := Fault{At: down.At, For: down.For + millis(between(d.r, 500, 3000)), Kind: BitRot, Target: victim, Params: Params{Share: d.share(1, 5)}}
	return []Fault{down, rot}
}

// amnesia wipes a voter's disk when it is one of the two that have the newest metadata, and lets it come back to the third, which was
// cut off meanwhile, while the other is. A voter that takes its old place without its log and its vote would elect who knows less.
func (d *drawer) amnesia() []Fault {
	if d.cluster.Nodes != voters {
		return nil
	}
	var others []int
	for _, i := range d.r.Perm(voters) {
		if i+1 != d.lost {
			others = append(others, i+1)
		}
	}
	wipe := Fault{
		At: d.at + d.cluster.session() + millis(between(d.r, 500, 1500)), For: millis(between(d.r, 100, 500)), Kind: WipeDisk, Target: Node(d.lost),
	}
	behind := Fault{At: d.at, For: wipe.End() - d.at, Kind: Isolate, Target: Node(others[0])}
	knowing := Fault{At: wipe.End() - millis(50), For: millis(between(d.r, 3000, 8000)), Kind: Isolate, Target: Node(others[1])}
	return []Fault{behind, wipe, knowing}
}

func (d *drawer) swapDisks() []Fault {
	if d.cluster.Nodes < 2 {
		return nil
	}
	two := d.r.Perm(d.cluster.Nodes)[:2]
	slices.Sort(two)
	return d.one(SwapDisks, Nodes(two[0]+1, two[1]+1), Params{})
}
