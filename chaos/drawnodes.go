package chaos

import (
	"slices"
	"time"
)

// nodeFamilies are what can befall a process, its clocks and its sockets beyond deaths and partitions. They have a swarm of their
// own, as the disks' have.
var nodeFamilies = []family{
	{"crash-loop", nodeOn, true, func(d *drawer) []Fault {
		return d.one(CrashLoop, d.victim(), Params{Every: millis(between(d.r, 50, 3000))})
	}},
	{"regicide", nodeOn, true, (*drawer).regicide},
	{"memory-limit", nodeOn, false, func(d *drawer) []Fault {
		return d.one(MemoryLimit, d.victim(), Params{Bytes: int64(between(d.r, 0, 8)) << 20})
	}},
	{"clock-step", nodeOn, false, (*drawer).clockStep},
	{"clock-drift", nodeOn, false, func(d *drawer) []Fault {
		return d.one(ClockDrift, d.victim(), Params{PPM: d.sign() * int64(1) << between(d.r, 6, 18)})
	}},
	{"lose-connections", nodeOn, false, func(d *drawer) []Fault {
		return d.one(LoseConns, d.victimOrAll(), Params{Clients: d.coin()})
	}},
	{"no-connects", nodeOn, false, (*drawer).noConnects},
	{"short-io", nodeOn, false, func(d *drawer) []Fault { return d.one(ShortIO, d.victimOrAll(), Params{Share: d.share(0, 5)}) }},
}

const (
	nodeSeeds = 0.4 // share of seeds that have any of these
	nodeOn    = 0.3 // chance that a family is on in such a seed
)

// drawNodes draws what befalls nodes.
func drawNodes(p *Plan, s Schedule) Schedule {
	swarm := Stream(p.Seed, "nodes")
	on := swarm.Float64() < nodeSeeds
	for _, fam := range nodeFamilies {
		chance, interval, length := swarm.Float64(), span(swarm, intervalMin, intervalMax), span(swarm, lengthMin, lengthMax)
		if !on || chance >= fam.on {
			continue
		}
		d := &drawer{r: Stream(p.Seed, "faults/"+fam.name), cluster: &p.Cluster, end: p.Phases.FaultsEnd()}
		for _, f := range d.events(fam, p.Phases.Calm, interval, length) {
			if f.check(&p.Cluster) == nil {
				s = append(s, f)
			}
		}
	}
	return s
}

// WithVersions adds to a plan that some nodes run an older build for a while, one after the other or at once. The run has to be
// given one.
func WithVersions(p Plan) Plan {
	fam := family{"versions", 1, true, func(d *drawer) []Fault { return d.one(OldVersion, d.victimOrAll(), Params{}) }}
	d := &drawer{r: Stream(p.Seed, "faults/versions"), cluster: &p.Cluster, end: p.Phases.FaultsEnd()}
	p.Schedule = append(slices.Clone(p.Schedule), d.events(fam, p.Phases.Calm, intervalMin, 2*lengthMax)...)
	return p
}

func (d *drawer) sign() int64 {
	if d.coin() {
		return -1
	}
	return 1
}

// regicide kills whoever leads, and whoever leads then, a few times in a row.
func (d *drawer) regicide() []Fault {
	leader := d.aLeader()
	if d.r.IntN(3) == 0 {
		leader = ActiveController
	}
	var out []Fault
	at := d.at
	for range between(d.r, 2, 5) {
		out = append(out, Fault{At: at, For: millis(between(d.r, 50, 1500)), Kind: Crash, Target: leader})
		at += millis(between(d.r, 200, 2500))
	}
	return out
}

// clockStep is mostly what NTP does, and now and then what somebody does by hand, by less than a day: at a calendar that is further
// ahead brokers forget their producers (producer.id.expiration.ms), and a batch that is sent again is a new one.
func (d *drawer) clockStep() []Fault {
	step := millis(between(d.r, 1, 5000))
	if d.r.IntN(3) == 0 {
		step = Duration(time.Duration(between(d.r, 1, 23*60)) * time.Minute)
	}
	return d.one(ClockStep, d.victim(), Params{Step: Duration(d.sign()) * step})
}

// noConnects closes a node to newcomers; half of the time those who are there have to come anew.
func (d *drawer) noConnects() []Fault {
	out := d.one(NoConnects, d.victim(), Params{Refuse: d.coin()})
	if d.coin() {
		out = append(out, Fault{At: d.at + millis(between(d.r, 1, 200)), Kind: Reset, Target: out[0].Target, Params: Params{Clients: d.coin()}})
	}
	return out
}
