package decide

import (
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/metadata"
)

// place chooses the replicas of new partitions, as Kafka's StripedReplicaPlacer promises: the first replicas (the preferred
// leaders) go round the active nodes, neighbours in the round being of different racks; a partition's replicas are on as many
// racks as there are, and otherwise go on round. Nodes that are fenced hold a replica only where there are too few others,
// and never the first.
func place(image *metadata.Image, count int, replicationFactor int, random *rand.Rand) ([][]int32, *failure) {
	active, fenced := byRack(image, true), byRack(image, false)
	if len(active) == 0 {
		return nil, failf(kerr.InvalidReplicationFactor, "Unable to replicate the partition %d time(s): All brokers are currently fenced.", replicationFactor)
	}
	if registered := len(active) + len(fenced); replicationFactor > registered {
		return nil, failf(kerr.InvalidReplicationFactor, "Unable to replicate the partition %d time(s): The target replication factor of %d cannot be reached because only %d broker(s) are registered.",
			replicationFactor, replicationFactor, registered)
	}
	assignments := make([][]int32, count)
	start := random.IntN(len(active))
	for i := range assignments {
		round := (start + i) / len(active)
		leader := (start + i) % len(active)
		// Each round pairs a leader with other followers, so that its load spreads over all when it dies.
		followers := slices.Concat(active[leader+1:], active[:leader])
		if len(followers) > 0 {
			shift := round % len(followers)
			followers = slices.Concat(followers[shift:], followers[:shift])
		}
		assignments[i] = spread(active[leader], followers, fenced, replicationFactor)
	}
	return assignments, nil
}

// spread picks replicas: nodes on racks not used yet first, then others, then the fenced ones by the same rule.
func spread(first *metadata.Broker, active, fenced []*metadata.Broker, n int) []int32 {
	replicas := []int32{first.ID}
	racks := map[string]bool{first.Rack: true}
	for _, nodes := range [][]*metadata.Broker{active, fenced} {
		for _, otherRack := range []bool{true, false} {
			for _, node := range nodes {
				if len(replicas) == n {
					return replicas
				}
				if slices.Contains(replicas, node.ID) || otherRack && racks[node.Rack] {
					continue
				}
				replicas = append(replicas, node.ID)
				racks[node.Rack] = true
			}
		}
	}
	return replicas
}

// byRack lists the nodes that are active, or those that are not, taking one of each rack in turn.
func byRack(image *metadata.Image, active bool) []*metadata.Broker {
	racks := map[string][]*metadata.Broker{}
	left := 0
	for _, id := range slices.Sorted(maps.Keys(image.Brokers)) {
		if broker := image.Brokers[id]; image.Active(id) == active {
			racks[broker.Rack] = append(racks[broker.Rack], broker)
			left++
		}
	}
	var list []*metadata.Broker
	for names := slices.Sorted(maps.Keys(racks)); len(list) < left; {
		for _, name := range names {
			if nodes := racks[name]; len(nodes) > 0 {
				list = append(list, nodes[0])
				racks[name] = nodes[1:]
			}
		}
	}
	return list
}

func joinHostPort(host string, port int32) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
