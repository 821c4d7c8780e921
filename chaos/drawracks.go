package chaos

import "math/rand/v2"

// rackSeeds is the share of seeds whose nodes stand on racks.
const rackSeeds = 0.4

// drawRacks puts the nodes of some seeds on racks, and who reads as well: where a follower stands nearer than the leader, it reads
// from there (KIP-392). One rack fewer than nodes lets a rack have several replicas of a partition.
func drawRacks(r *rand.Rand, p *Plan) {
	if r.Float64() >= rackSeeds || p.Cluster.Nodes < 2 {
		return
	}
	c := &p.Cluster
	c.Racks = between(r, max(2, c.Nodes-1), c.Nodes)
	c.Config["replica.selector.class"] = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
	for i := range p.Consumers {
		p.Consumers[i].Rack = between(r, 1, c.Racks)
	}
	for i := range p.Copiers {
		p.Copiers[i].Rack = between(r, 1, c.Racks)
	}
}
