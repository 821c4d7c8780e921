package chaos

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// A family is what the swarm turns on or off as one: faults that are drawn at one rate, in one way.
type family struct {
	name string
	on   float64 // chance that a seed has it
	// apart keeps its events from overlapping each other: what takes several faults in order would only be a cluster at rest.
	apart bool
	draw  func(d *drawer) []Fault // one event, at d.at and of about d.length
}

// families is in a fixed order; each draws from a stream of its own, so adding one leaves the others' faults as they were.
var families = []family{
	{"isolate", familyOn, false, func(d *drawer) []Fault { return d.one(Isolate, d.victim(), Params{Clients: d.coin()}) }},
	{"split", familyOn, false, (*drawer).split},
	{"one-way", familyOn, false, (*drawer).oneWay},
	{"ring", familyOn, false, func(d *drawer) []Fault { return d.one(Ring, Everyone, Params{}) }},
	{"bridge", familyOn, false, func(d *drawer) []Fault { return d.one(Bridge, d.victim(), Params{}) }},
	{"reset", familyOn, false, func(d *drawer) []Fault { return d.one(Reset, d.victimOrAll(), Params{Clients: d.coin()}) }},
	{"slow-link", familyOn, false, (*drawer).slowLink},
	{"crash", familyOn, false, func(d *drawer) []Fault { return d.one(Crash, d.victim(), Params{}) }},
	{"crash-all", familyOn, false, func(d *drawer) []Fault { return d.one(Crash, Everyone, Params{}) }},
	{"crash-at-call", familyOn, false, func(d *drawer) []Fault {
		return d.one(CrashAtCall, d.victim(), Params{Call: 1 + d.r.Int64N(1<<between(d.r, 4, 14))})
	}},
	{"crash-at-point", familyOn, false, (*drawer).crashAtPoint},
	{"power-loss", powerOn, false, func(d *drawer) []Fault { return d.one(PowerLoss, d.powerVictim(), Params{}) }},
	{"power-loss-all", powerOn, false, func(d *drawer) []Fault { return d.one(PowerLoss, Everyone, Params{}) }},
	{"rolling-restart", familyOn, true, (*drawer).rollingRestart},
	{"slow-disk", familyOn, false, func(d *drawer) []Fault {
		return d.one(SlowDisk, d.victimOrAll(), Params{Factor: float64(between(d.r, 2, 100))})
	}},
	{"stall-disk", familyOn, false, func(d *drawer) []Fault { return d.one(StallDisk, d.victim(), Params{}) }},
	{"pause", familyOn, false, func(d *drawer) []Fault { return d.one(Pause, d.victim(), Params{}) }},
}

// The swarm's shares and sizes.
const (
	calmSeeds    = 0.03             // share of seeds without any fault: what is wrong there needs none
	familyOn     = 0.33             // chance that a family is on in another seed, in a crowded one
	powerOn      = 0.5              // the same for losses of power, which not every cluster can have
	intervalMin  = 4 * time.Second  // mean time between a family's events: drawn between these
	intervalMax  = 25 * time.Second //
	lengthMin    = 300 * time.Millisecond
	lengthMax    = 6 * time.Second // mean length of a family's events: drawn between these
	lengthCutoff = 12 * time.Second
	armedMin     = time.Second // that an armed crash gets on top, to be reached in
)

// A drawer draws one family's faults.
type drawer struct {
	r       *rand.Rand
	cluster *Cluster
	power   int // the node whose power alone may be lost; 0 when any may
	lost    int // the node whose disk may be lost
	end     Duration
	at      Duration
	length  Duration
}

func drawSchedule(swarm *rand.Rand, p *Plan) Schedule {
	var s Schedule
	if swarm.Float64() < calmSeeds {
		return s
	}
	// A cluster that is hit all the time has little to lose: two seeds of three are less crowded.
	crowd := weighted(swarm, []choiceOf[float64]{{0.25, 35}, {0.5, 35}, {1, 30}})
	power := 0
	if !p.Cluster.allDurable() {
		power = between(swarm, 1, p.Cluster.Nodes)
	}
	for i, fam := range slices.Concat(families, scenes) {
		chance := fam.on
		if i < len(families) {
			chance *= crowd
		}
		// The draws are made whether the family fits the cluster or not: the swarm's stream stays in step.
		on, interval, length := swarm.Float64() < chance, span(swarm, intervalMin, intervalMax), span(swarm, lengthMin, lengthMax)
		if !on {
			continue
		}
		d := &drawer{r: Stream(p.Seed, "faults/"+fam.name), cluster: &p.Cluster, power: power, end: p.Phases.FaultsEnd()}
		for _, f := range d.events(fam, p.Phases.Calm, interval, length) {
			if f.check(&p.Cluster) == nil {
				s = append(s, f)
			}
		}
	}
	s = withinAtlas(swarm, s, p)
	s = drawFailingDirs(p, drawDisks(p, drawNodes(p, s)))
	s = withinAtlas(swarm, s, p)
	slices.SortStableFunc(s, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	return s
}

// events draws a family's events over the fault phase, exponentially apart and exponentially long.
func (d *drawer) events(fam family, from Duration, interval, length time.Duration) []Fault {
	var out []Fault
	d.at = from
	for {
		d.at += exponential(d.r, interval, 4*interval)
		if d.at >= d.end {
			return out
		}
		d.length = max(Duration(10*time.Millisecond), exponential(d.r, length, lengthCutoff))
		for _, f := range fam.draw(d) {
			if f.At < d.end {
				f.For = min(f.For, d.end-f.At)
				out = append(out, f)
			}
			if fam.apart {
				d.at = max(d.at, f.End())
			}
		}
	}
}

// withinAtlas leaves out what would break a promise about acks=all: in a cluster that is not durable, everybody's power,
// and either one node's power or the unclean deaths of the others.
func withinAtlas(swarm *rand.Rand, s Schedule, p *Plan) Schedule {
	keepPower := swarm.Float64() < 0.5
	for _, t := range p.Cluster.Topics {
		if p.Cluster.Durable(t) {
			continue
		}
		s = slices.DeleteFunc(s, func(f Fault) bool { return f.Kind == PowerLoss && f.Target == Everyone })
		insync := p.Cluster.MinInsyncReplicas(t)
		if s.powerSurvivable(insync) {
			continue
		}
		s = slices.DeleteFunc(s, func(f Fault) bool {
			if keepPower && insync >= 2 {
				return f.Kind.unclean() && f.Kind != PowerLoss
			}
			return f.Kind == PowerLoss
		})
	}
	return s
}

func (c *Cluster) allDurable() bool {
	return !slices.ContainsFunc(c.Topics, func(t Topic) bool { return !c.Durable(t) })
}

func (d *drawer) one(k Kind, target Selector, p Params) []Fault {
	f := Fault{At: d.at, For: d.length, Kind: k, Target: target, Params: p}
	switch k {
	case Reset:
		f.For = 0
	case CrashAtCall, CrashAtPoint:
		f.For += Duration(armedMin)
	}
	return []Fault{f}
}

func (d *drawer) coin() bool { return d.r.IntN(2) == 0 }

// victim is a node, or now and then whoever leads: the most telling node to hurt.
func (d *drawer) victim() Selector {
	switch n := d.r.IntN(10); {
	case n < 3:
		t := d.cluster.Topics[d.r.IntN(len(d.cluster.Topics))]
		return LeaderOf(t.Name, d.r.IntN(t.Partitions))
	case n < 5:
		return ActiveController
	}
	return Node(between(d.r, 1, d.cluster.Nodes))
}

func (d *drawer) victimOrAll() Selector {
	if d.r.IntN(3) == 0 {
		return Everyone
	}
	return d.victim()
}

func (d *drawer) powerVictim() Selector {
	if d.power != 0 {
		return Node(d.power)
	}
	return d.victim()
}

func (d *drawer) split() []Fault {
	n := d.cluster.Nodes
	if n < 2 {
		return nil
	}
	side := d.r.Perm(n)[:between(d.r, 1, n-1)]
	for i := range side {
		side[i]++
	}
	slices.Sort(side)
	return d.one(Split, Nodes(side...), Params{Clients: d.coin()})
}

func (d *drawer) oneWay() []Fault {
	direction := "in"
	if d.coin() {
		direction = "out"
	}
	return d.one(OneWay, d.victim(), Params{Direction: direction, Clients: d.coin()})
}

func (d *drawer) slowLink() []Fault {
	p := Params{Clients: d.coin()}
	if d.r.IntN(3) > 0 {
		mean := millis(between(d.r, 1, 300))
		switch d.r.IntN(3) {
		case 0:
			p.Delay = &Delay{Distribution: "constant", Mean: mean}
		case 1:
			p.Delay = &Delay{Distribution: "exponential", Mean: mean}
		case 2:
			p.Delay = &Delay{Distribution: "bimodal", Mean: millis(1), Slow: mean * 5, SlowShare: 0.05}
		}
	}
	if p.Delay == nil || d.r.IntN(3) == 0 {
		p.BytesPerSecond = int64(1) << between(d.r, 14, 20)
	}
	return d.one(SlowLink, d.victimOrAll(), p)
}

func (d *drawer) crashAtPoint() []Fault {
	p := Params{Point: Points[d.r.IntN(len(Points))], Nth: int64(between(d.r, 1, 20))}
	return d.one(CrashAtPoint, d.victim(), p)
}

// rollingRestart stops one node after another, as an operator would: each is up again before the next is stopped.
func (d *drawer) rollingRestart() []Fault {
	var out []Fault
	at := d.at
	for id := 1; id <= d.cluster.Nodes; id++ {
		out = append(out, Fault{At: at, For: d.length, Kind: Stop, Target: Node(id)})
		at += d.length + Duration(2*time.Second)
	}
	return out
}

func span(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}

// exponential draws whole milliseconds: a plan is read by people.
func exponential(r *rand.Rand, mean, cutoff time.Duration) Duration {
	d := min(time.Duration(r.ExpFloat64()*float64(mean)), cutoff)
	return Duration(d.Truncate(time.Millisecond))
}
