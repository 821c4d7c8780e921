package chaos

import (
	"strconv"
	"time"
)

// Scenes are families whose events are several faults in a certain order, since what they are after takes more than one, each
// within a moment of the other: independent faults meet like that once in hundreds of seeds. Every fault of a scene is one
// of the catalogue and valid alone.
var scenes = []family{
	{"depose", sceneOn, true, (*drawer).depose},
	{"succession", sceneOn, true, (*drawer).succession},
	{"catch-up", sceneOn, true, (*drawer).catchUp},
	{"lone-power", sceneOn, true, (*drawer).lonePower},
	{"blackout", sceneOn, true, (*drawer).blackout},
}

// sceneOn is the chance that a seed has a scene: some fit only some of the clusters, and they are what finds most.
const sceneOn = 0.4

// session is broker.session.timeout.ms: who is silent for longer is fenced.
func (c *Cluster) session() Duration {
	ms, err := strconv.Atoi(c.Config["broker.session.timeout.ms"])
	if err != nil {
		return Duration(9 * time.Second) // Kafka's default
	}
	return millis(ms)
}

// aLeader selects who leads some partition.
func (d *drawer) aLeader() Selector {
	t := d.cluster.Topics[d.r.IntN(len(d.cluster.Topics))]
	return LeaderOf(t.Name, d.r.IntN(t.Partitions))
}

// overthrow cuts a leader off from the other nodes for as long as it takes to elect another, and some. Its clients still reach
// it: it goes on leading in their eyes, and may answer nothing that the others do not have.
func (d *drawer) overthrow(at Duration, leader Selector) Fault {
	return Fault{At: at, For: d.cluster.session() + millis(between(d.r, 1000, 4000)), Kind: Isolate, Target: leader}
}

func (d *drawer) depose() []Fault { return []Fault{d.overthrow(d.at, d.aLeader())} }

// succession takes a leader away, and then its successor, before or soon after the replicas have come to agree with it.
func (d *drawer) succession() []Fault {
	leader := d.aLeader()
	first := Fault{At: d.at, For: d.length, Kind: Crash, Target: leader}
	if d.coin() {
		first = d.overthrow(d.at, leader)
	}
	at := d.at + millis(between(d.r, 20, 1500))
	if first.Kind == Isolate {
		at += d.cluster.session()
	}
	second := Fault{At: at, For: millis(between(d.r, 100, 3000)), Kind: Crash, Target: leader}
	if d.coin() {
		second = d.overthrow(at, leader)
	}
	return []Fault{first, second}
}

// catchUp keeps a node away for a while and lets it come back over a link so thin that it needs time to catch up; meanwhile a
// leader is overthrown. The first answer that the node gets holds all that it lacked when it asked, so the time that counts
// begins when that answer is through.
func (d *drawer) catchUp() []Fault {
	late := Node(between(d.r, 1, d.cluster.Nodes))
	away := Fault{At: d.at, For: millis(between(d.r, 4000, 9000)), Kind: Stop, Target: late}
	thin := Fault{
		At: away.End() - millis(100), For: d.cluster.session() + Duration(13*time.Second), Kind: SlowLink, Target: late,
		Params: Params{BytesPerSecond: 1 << between(d.r, 12, 13)},
	}
	return []Fault{away, thin, d.overthrow(away.End()+millis(between(d.r, 1000, 9000)), d.aLeader())}
}

// lonePower is for clusters that survive the loss of one node's power as long as the others keep what they have. That node is
// one of the two last members of an ISR when its power goes, and the other is cut off just then: who has lost records is
// alone with one who has not been told of them, and neither may lead.
func (d *drawer) lonePower() []Fault {
	if d.power == 0 || d.cluster.Nodes < 3 {
		return nil
	}
	others := d.r.Perm(d.cluster.Nodes)
	var pair []int
	for _, i := range others {
		if i+1 != d.power && len(pair) < 2 {
			pair = append(pair, i+1)
		}
	}
	cut := d.at + millis(between(d.r, 500, 1200))
	return []Fault{
		{At: d.at, For: millis(between(d.r, 1200, 2500)), Kind: Stop, Target: Node(pair[0])},
		{At: cut, For: d.cluster.session() + millis(between(d.r, 3000, 6000)), Kind: Isolate, Target: Node(pair[1])},
		{At: cut + millis(between(d.r, 20, 500)), For: millis(between(d.r, 100, 1000)), Kind: PowerLoss, Target: Node(d.power)},
	}
}

// blackout is for clusters that survive it. It takes everybody's power, now and then while disks are so slow that there is always
// something on its way to them, and now and then twice: the second time from nodes that have just come to terms. A leader may
// come back later than the others; it is then the last that is known to have led, and it is its log that counts.
func (d *drawer) blackout() []Fault {
	if d.power != 0 {
		return nil
	}
	var out []Fault
	at, leader := d.at, d.aLeader()
	if d.coin() {
		slow := Fault{At: at, For: millis(between(d.r, 1500, 4000)), Kind: SlowDisk, Target: Everyone, Params: Params{Factor: float64(between(d.r, 10, 100))}}
		if d.coin() {
			slow.Target = leader
		}
		out, at = append(out, slow), slow.End()-millis(between(d.r, 50, 500))
	}
	dark := Fault{At: at, For: d.length, Kind: PowerLoss, Target: Everyone}
	out = append(out, dark)
	if d.r.IntN(3) > 0 {
		out = append(out, Fault{At: at, For: d.length + millis(between(d.r, 1000, 6000)), Kind: PowerLoss, Target: leader})
	}
	if d.coin() {
		out = append(out, Fault{At: dark.End() + millis(between(d.r, 200, 5000)), For: millis(between(d.r, 100, 2000)), Kind: PowerLoss, Target: Everyone})
	}
	return out
}
