package chaos

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// A ShareGroup is a group whose members take records out of the same partitions, each record by itself (KIP-932), and come and go.
type ShareGroup struct {
	Name    string   `json:"name"`
	Topics  []string `json:"topics"`
	Members int      `json:"members"`
	Stay    Duration `json:"stay,omitzero"`     // mean time that a member stays; 0 is always
	Away    Duration `json:"away,omitzero"`     // mean time after which it is back
	Vanish  float64  `json:"vanish,omitempty"`  // share of leaves of which nobody hears
	Pause   Duration `json:"pause,omitzero"`    // between acquiring records and being done with them
	Release float64  `json:"release,omitempty"` // share of records that are given back, to come again
	Reject  float64  `json:"reject,omitempty"`  // share of records that are never to come again
	Forget  float64  `json:"forget,omitempty"`  // share of records of which nothing is said until their lock ends
}

func (g *ShareGroup) check(c *Cluster) error {
	isShare := func(v float64) bool { return v >= 0 && v <= 1 }
	switch {
	case g.Name == "" || len(g.Name) > 100:
		return fmt.Errorf("name %q: allowed are 1 to 100 characters", g.Name)
	case g.Members < 1:
		return fmt.Errorf("members %d: allowed are 1 and above", g.Members)
	case g.Stay < 0 || g.Away < 0 || g.Pause < 0 || g.Pause.D() > time.Minute:
		return fmt.Errorf("stay %s, away %s, pause %s: allowed are 0 and above, and a pause of 1m at most", g.Stay, g.Away, g.Pause)
	case !isShare(g.Vanish) || !isShare(g.Release) || !isShare(g.Reject) || !isShare(g.Forget) || !isShare(g.Release+g.Reject+g.Forget):
		return fmt.Errorf("vanish %v, release %v, reject %v, forget %v: allowed are shares from 0 to 1, of the last three together",
			g.Vanish, g.Release, g.Reject, g.Forget)
	}
	return c.checkTopics(g.Topics)
}

// shareTopic holds what share groups have settled; its settings are those of the brokers.
const shareTopic = "__share_group_state"

// shareSeeds is the share of seeds that have a share group.
const shareSeeds = 0.2

// drawShares gives some seeds a share group of the topics whose records stay, with locks and sessions short enough for a run.
func drawShares(r *rand.Rand, p *Plan) {
	if r.Float64() >= shareSeeds {
		return
	}
	g := ShareGroup{
		Name: "s0", Members: between(r, 1, 3),
		Stay:    millis(weighted(r, []choiceOf[int]{{0, 30}, {4000, 40}, {15000, 30}})),
		Away:    millis(between(r, 100, 3000)),
		Vanish:  weighted(r, []choiceOf[float64]{{0, 30}, {0.5, 50}, {1, 20}}),
		Pause:   millis(weighted(r, []choiceOf[int]{{0, 60}, {300, 30}, {1500, 10}})),
		Release: weighted(r, []choiceOf[float64]{{0, 50}, {0.1, 50}}),
		Reject:  weighted(r, []choiceOf[float64]{{0, 70}, {0.05, 30}}),
		Forget:  weighted(r, []choiceOf[float64]{{0, 60}, {0.05, 40}}),
	}
	for _, t := range p.Cluster.Topics {
		g.Topics = append(g.Topics, t.Name)
	}
	p.Shares = append(p.Shares, g)
	p.Cluster.internalTopics()
	config, first := p.Cluster.Config, p.Cluster.Topics[0]
	config["offsets.topic.replication.factor"] = strconv.Itoa(first.ReplicationFactor)
	config["share.coordinator.state.topic.num.partitions"] = strconv.Itoa(between(r, 1, 2))
	config["share.coordinator.state.topic.replication.factor"] = strconv.Itoa(first.ReplicationFactor)
	config["share.coordinator.state.topic.segment.bytes"] = strconv.Itoa(1 << between(r, 12, 15))
	lock, session := between(r, 1000, 4000), between(r, 1500, 6000)
	config["group.share.min.record.lock.duration.ms"] = "1000"
	config["group.share.record.lock.duration.ms"] = strconv.Itoa(lock)
	config["group.share.min.session.timeout.ms"] = "1000"
	config["group.share.session.timeout.ms"] = strconv.Itoa(session)
	config["group.share.min.heartbeat.interval.ms"] = "100"
	config["group.share.heartbeat.interval.ms"] = strconv.Itoa(session / 4)
	config["group.share.assignment.interval.ms"] = strconv.Itoa(between(r, 0, 1000))
}
