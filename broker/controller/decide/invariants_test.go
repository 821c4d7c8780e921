package decide

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"odradek/broker/metadata"
)

// TestInvariants plays random events and holds what must be true after each. It also keeps, for each partition, the set of
// replicas whose log has everything below the high watermark: only a commit with too few of them in the ISR, or a loss of a log,
// takes one out. Then ISR and ELR must be subsets of it at all times, which is what KIP-966 is for: a clean election never
// loses a committed record.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &invariants{world: newWorld(), complete: map[string][]int32{}}
		m.up(t, 1, 2, 3, 4)
		m.createOn(t, "a", 1, 2, 3)
		m.createOn(t, "b", 3, 1)
		m.createOn(t, "c", 2)
		for name, topic := range m.image.Topics {
			m.complete[name] = slices.Clone(topic.Partitions[0].ISR)
		}
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			m.event(t)
		}
	})
}

type invariants struct {
	*world
	complete map[string][]int32 // by topic, of its only partition
}

func (m *invariants) event(t *rapid.T) {
	node := rapid.Int32Range(1, 4).Draw(t, "node")
	topic := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "topic")
	uncleanAsked := false
	before := m.image
	var what string
	switch what = rapid.SampledFrom([]string{"register", "heartbeat", "heartbeat", "fence", "shutdown", "lose", "find", "alter", "alter", "commit", "reassign", "cancel", "elect", "rebalance", "min", "unclean"}).Draw(t, "event"); what {
	case "register":
		how := rapid.SampledFrom([]process{clean, unclean, newDisk}).Draw(t, "how")
		var code int16
		m.decide(t, func(p *Plan) { code = p.RegisterBroker(m.registration(node, how)).ErrorCode })
		if code == 0 && how != clean {
			for name := range m.complete {
				m.complete[name] = without(m.complete[name], []int32{node})
			}
		}
	case "heartbeat":
		m.decide(t, func(p *Plan) { p.Heartbeat(m.heartbeat(node)) })
	case "shutdown":
		req := m.heartbeat(node)
		req.WantShutdown = true
		m.decide(t, func(p *Plan) { p.Heartbeat(req) })
	case "lose", "find":
		var code int16
		m.decide(t, func(p *Plan) { code = p.AssignReplicasToDirs(m.assignment(node, topic, what == "lose")).ErrorCode })
		if p := m.image.Topics[topic].Partitions[0]; what == "lose" && code == 0 && slices.Contains(p.Replicas, node) {
			m.complete[topic] = without(m.complete[topic], []int32{node})
			if p.Leader == node {
				t.Fatalf("%d leads %s though the disk failed under it: %s", node, topic, describe(p))
			}
		}
	case "fence":
		m.decide(t, func(p *Plan) { p.Fence(node) })
	case "alter":
		m.alterISR(t, topic)
	case "commit":
		m.commitRecord(topic)
	case "reassign":
		m.reassign(t, topic, rapid.Permutation([]int32{1, 2, 3, 4}).Draw(t, "target")[:rapid.IntRange(1, 3).Draw(t, "factor")])
	case "cancel":
		m.reassign(t, topic, nil)
	case "elect":
		req := kmsg.NewPtrElectLeadersRequest()
		req.ElectionType = rapid.Int8Range(0, 1).Draw(t, "type")
		uncleanAsked = req.ElectionType == electionUnclean
		m.decide(t, func(p *Plan) { p.ElectLeaders(req) })
	case "rebalance":
		m.decide(t, func(p *Plan) { p.Rebalance() })
	case "min":
		value := fmt.Sprint(rapid.IntRange(1, 3).Draw(t, "min"))
		m.set(t, topic, "min.insync.replicas", value)
	case "unclean":
		m.set(t, topic, "unclean.leader.election.enable", fmt.Sprint(rapid.Bool().Draw(t, "enable")))
	}
	for name, topic := range m.image.Topics {
		m.complete[name] = slices.DeleteFunc(m.complete[name], func(node int32) bool {
			return !slices.Contains(topic.Partitions[0].Replicas, node) // its log is deleted
		})
		m.checkCopies(t, what, name, before.Topics[name].Partitions[0], topic.Partitions[0])
		m.check(t, what, name, before.Topics[name].Partitions[0], topic.Partitions[0], uncleanAsked)
	}
}

// reassign moves a partition. What a cancellation leaves behind, where unclean elections are allowed, is known to be lost.
func (m *invariants) reassign(t *rapid.T, topic string, target []int32) {
	m.decide(t, func(p *Plan) { p.AlterPartitionReassignments(reassignment(topic, target, true)) })
}

func (m *invariants) set(t *rapid.T, topic, key, value string) {
	resource := metadata.ConfigResource{Type: metadata.ResourceTopic, Name: topic}
	m.decide(t, func(p *Plan) {
		if r := p.IncrementalAlterConfigs(setConfig(resource, key, value)).Resources[0]; r.ErrorCode != 0 {
			t.Fatalf("%+v", r)
		}
	})
}

// alterISR does what a leader may: drop followers, and take in those that have caught up.
func (m *invariants) alterISR(t *rapid.T, topic string) {
	partition := m.image.Topics[topic].Partitions[0]
	if partition.Leader == metadata.NoLeader {
		return
	}
	isr := []int32{partition.Leader}
	for _, node := range partition.Replicas {
		if node != partition.Leader && rapid.Bool().Draw(t, "member") {
			isr = append(isr, node)
		}
	}
	var code int16
	m.decide(t, func(p *Plan) {
		code = p.AlterPartition(m.alter(partition.Leader, topic, isr...)).Topics[0].Partitions[0].ErrorCode
	})
	if code == 0 || code == kerr.NewLeaderElected.Code { // the latter ended a reassignment that took the leader away
		for _, node := range isr {
			m.complete[topic] = append(without(m.complete[topic], []int32{node}), node)
		}
	}
}

// commitRecord moves the high watermark, if the rules allow it now: who is not in the ISR lacks the record.
func (m *invariants) commitRecord(topic string) {
	partition := m.image.Topics[topic].Partitions[0]
	minISR := int(NewPlan(m.image, m.settings, m.random).topicConfig(topic).MinInsyncReplicas)
	if partition.Leader != metadata.NoLeader && len(partition.ISR) >= min(minISR, len(partition.Replicas)) {
		m.complete[topic] = slices.Clone(partition.ISR)
	}
}

// checkCopies: a change of replicas leaves as many copies of what is committed as min.insync.replicas asks for, or as were known of.
func (m *invariants) checkCopies(t *rapid.T, what, name string, old, p *metadata.Partition) {
	before := slices.Concat(old.ISR, old.ELR)
	if what == "register" || what == "lose" || p.Leader != metadata.NoLeader && !slices.Contains(m.complete[name], p.Leader) {
		return // a log was lost, or an unclean election gave up what the others have
	}
	want := min(len(before), int(NewPlan(m.image, m.settings, m.random).topicConfig(name).MinInsyncReplicas), len(p.Replicas))
	if len(m.complete[name]) < want {
		t.Fatalf("after %s, %s: %d complete copies of %d, wanted %d: %s", what, name, len(m.complete[name]), len(before), want, describe(p))
	}
}

func (m *invariants) check(t *rapid.T, what, name string, old, p *metadata.Partition, uncleanAsked bool) {
	settings := NewPlan(m.image, m.settings, m.random).topicConfig(name)
	fail := func(why string) {
		t.Fatalf("after %s, %s: %s\nwas %s\nis  %s\ncomplete %v", what, name, why, describe(old), describe(p), m.complete[name])
	}
	if p.Leader != old.Leader && p.Leader != metadata.NoLeader && !slices.Contains(old.ISR, p.Leader) && !slices.Contains(old.ELR, p.Leader) {
		lastKnown := old.LastKnownLeader == p.Leader && len(old.ISR) == 0 && (len(old.ELR) == 0 || what == "register") // which may have emptied it
		ended := what == "alter" && old.Reassigning() && slices.Contains(m.complete[name], p.Leader)
		if !ended && !uncleanAsked && !settings.UncleanLeaderElection && !lastKnown {
			fail("an unclean election that nobody asked for")
		}
		if !ended {
			m.complete[name] = []int32{p.Leader} // records are lost, and that is known
		}
	}
	switch {
	case !subsetWithout(p.ISR, p.Replicas) || !subsetWithout(p.ELR, p.Replicas):
		fail("ISR and ELR are sets of replicas")
	case !subsetWithout(p.Adding, p.Replicas) || !subsetWithout(p.Removing, p.Replicas) || slices.ContainsFunc(p.Adding, func(n int32) bool { return slices.Contains(p.Removing, n) }):
		fail("what comes and what goes are apart, and replicas")
	case !subsetWithout(p.Replicas, p.Replicas):
		fail("a replica is there twice")
	case p.Reassigning() && len(without(p.ISR, p.Removing)) >= min(int(settings.MinInsyncReplicas), len(p.Replicas)-len(p.Removing)) && !lacks(p.ISR, p.Adding):
		fail("a reassignment that is not done though it could be")
	case slices.ContainsFunc(p.ELR, func(n int32) bool { return slices.Contains(p.ISR, n) }):
		fail("ISR and ELR overlap")
	case p.Leader != metadata.NoLeader && !slices.Contains(p.ISR, p.Leader):
		fail("the leader is not in the ISR")
	case p.Leader != metadata.NoLeader && !m.image.Active(p.Leader):
		fail("the leader is not active")
	case slices.ContainsFunc(p.ISR, func(n int32) bool { return !m.image.Alive(n) }):
		fail("a fenced node is in the ISR")
	case len(p.ELR) > 0 && len(p.ISR) >= min(int(settings.MinInsyncReplicas), len(p.Replicas)):
		fail("an ELR beside a full ISR")
	case p.LastKnownLeader != metadata.NoLeader && (p.Leader != metadata.NoLeader || len(p.ISR) > 0):
		fail("a last known leader of a partition that is led")
	case p.LeaderEpoch < old.LeaderEpoch || p.PartitionEpoch < old.PartitionEpoch:
		fail("epochs go back")
	case p.Leader != old.Leader && p.LeaderEpoch == old.LeaderEpoch:
		fail("another leader in the same epoch")
	case !p.Equal(old) && p.PartitionEpoch == old.PartitionEpoch:
		fail("another state in the same partition epoch")
	case slices.ContainsFunc(slices.Concat(p.ISR, p.ELR), func(n int32) bool { return !slices.Contains(m.complete[name], n) }):
		fail("a member of ISR or ELR lacks committed records")
	}
	if p.Leader == metadata.NoLeader && slices.ContainsFunc(slices.Concat(p.ISR, p.ELR), m.image.Active) {
		fail("nobody leads, though somebody could")
	}
}

// TestPlacement: replicas are distinct, leaders are active and even, racks are used before they are repeated.
func TestPlacement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		image := metadata.NewImage()
		racks := rapid.IntRange(1, 4).Draw(t, "racks")
		for id := range int32(rapid.IntRange(1, 8).Draw(t, "nodes")) {
			image.Brokers[id] = &metadata.Broker{ID: id, Rack: fmt.Sprint(rapid.IntRange(0, racks-1).Draw(t, "rack")), Fenced: rapid.IntRange(0, 4).Draw(t, "fenced") == 0}
		}
		count, factor := rapid.IntRange(1, 30).Draw(t, "partitions"), rapid.IntRange(1, 9).Draw(t, "factor")
		assignments, f := place(image, count, factor, newWorld().random)
		var active []int32
		for id := range image.Brokers {
			if image.Active(id) {
				active = append(active, id)
			}
		}
		if (f != nil) != (len(active) == 0 || factor > len(image.Brokers)) {
			t.Fatalf("%v", f)
		}
		led := map[int32]int{}
		for _, replicas := range assignments {
			checkReplicas(t, image, replicas, active, factor)
			led[replicas[0]]++
		}
		if f == nil {
			counts := slices.Collect(maps.Values(led))
			if slices.Max(counts)-slices.Min(counts) > 1 || len(led) < min(count, len(active)) {
				t.Fatalf("leaders: %v", led)
			}
		}
	})
}

func checkReplicas(t *rapid.T, image *metadata.Image, replicas, active []int32, factor int) {
	if len(replicas) != factor || !subsetWithout(replicas, slices.Collect(maps.Keys(image.Brokers))) || !image.Active(replicas[0]) {
		t.Fatalf("%v of factor %d", replicas, factor)
	}
	usedActive, racksUsed, racksActive := 0, map[string]bool{}, map[string]bool{}
	for _, id := range replicas {
		if image.Active(id) {
			usedActive++
			racksUsed[image.Brokers[id].Rack] = true
		}
	}
	for _, id := range active {
		racksActive[image.Brokers[id].Rack] = true
	}
	if usedActive < min(factor, len(active)) || len(racksUsed) < min(factor, len(racksActive)) {
		t.Fatalf("%v uses %d active nodes of %v on %d racks of %d", replicas, usedActive, active, len(racksUsed), len(racksActive))
	}
}
