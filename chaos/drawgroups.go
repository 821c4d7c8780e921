package chaos

import (
	"cmp"
	"math/rand/v2"
	"strconv"
)

// groupSeeds is the share of seeds that have a consumer group; of these, the shares of groups whose partitions the coordinator assigns,
// and of those whose members keep their names.
const (
	groupSeeds    = 0.35
	consumerSeeds = 0.5
	staticSeeds   = 0.3
)

// drawGroups gives some seeds a consumer group, and the offsets topic what the plan's own topics have: replicas, min.insync and
// durability, so that one atlas holds for both. Its segments are small, so that it is compacted.
func drawGroups(r *rand.Rand, p *Plan) {
	if r.Float64() >= groupSeeds {
		return
	}
	g := Group{
		Name: "g0", Members: between(r, 2, 3), Session: millis(between(r, 1500, 6000)),
		Balancer: weighted(r, []choiceOf[string]{{"range", 50}, {"cooperative-sticky", 50}}),
		Stay:     millis(weighted(r, []choiceOf[int]{{0, 20}, {4000, 50}, {15000, 30}})),
		Away:     millis(between(r, 100, 3000)),
		Vanish:   weighted(r, []choiceOf[float64]{{0, 30}, {0.5, 50}, {1, 20}}),
		Zombie:   weighted(r, []choiceOf[float64]{{0, 40}, {0.02, 60}}),
		Pause:    millis(weighted(r, []choiceOf[int]{{0, 60}, {300, 30}, {1500, 10}})),
	}
	for _, t := range p.Cluster.Topics {
		g.Topics = append(g.Topics, t.Name)
	}
	p.Groups = append(p.Groups, g)
	first, config := p.Cluster.Topics[0], p.Cluster.Config
	config["group.min.session.timeout.ms"] = "1000"
	config["group.initial.rebalance.delay.ms"] = strconv.Itoa(between(r, 0, 500))
	config["offsets.topic.num.partitions"] = strconv.Itoa(between(r, 1, 2))
	config["offsets.topic.replication.factor"] = strconv.Itoa(first.ReplicationFactor)
	config["offsets.topic.segment.bytes"] = strconv.Itoa(1 << between(r, 11, 15))
	config["log.cleaner.backoff.ms"] = strconv.Itoa(between(r, 200, 2000))
	p.Cluster.internalTopics()
}

// internalTopics gives the brokers' own topics the promises of the plan's: one atlas holds for all.
func (c *Cluster) internalTopics() {
	first := c.Topics[0]
	c.Config["min.insync.replicas"] = strconv.Itoa(c.MinInsyncReplicas(first))
	c.Config["log.cleaner.backoff.ms"] = cmp.Or(c.Config["log.cleaner.backoff.ms"], "1000")
	if c.Durable(first) {
		c.Config["log.flush.interval.messages"] = "1"
	}
}

// drawProtocols makes some groups what KIP-848 makes of them, and some members static. The brokers are told the sessions of the former;
// members of a classic group say theirs.
func drawProtocols(r *rand.Rand, p *Plan) {
	for i := range p.Groups {
		g, config := &p.Groups[i], p.Cluster.Config
		g.Static = r.Float64() < staticSeeds
		if r.Float64() >= consumerSeeds {
			continue
		}
		g.Protocol = ConsumerProtocol
		if g.Balancer != "range" {
			g.Balancer = "uniform"
		}
		session := int(g.Session.D().Milliseconds())
		config["group.consumer.min.session.timeout.ms"] = "1000"
		config["group.consumer.session.timeout.ms"] = strconv.Itoa(session)
		config["group.consumer.min.heartbeat.interval.ms"] = "100"
		config["group.consumer.heartbeat.interval.ms"] = strconv.Itoa(session / between(r, 3, 6))
		config["group.consumer.assignment.interval.ms"] = strconv.Itoa(between(r, 0, 1000))
	}
}
