package page

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	humanize "github.com/dustin/go-humanize"

	"odradek/chaos"
	"odradek/reports"
)

func phases(plan *chaos.Plan) []reports.Span {
	p := plan.Phases
	ends := []chaos.Duration{0, p.Calm, p.FaultsEnd(), p.HealEnd(), p.End()}
	var all []reports.Span
	for i, name := range []string{"calm", "faults", "heal", "read"} {
		all = append(all, reports.Span{Name: name, From: at(ends[i].D()), To: at(ends[i+1].D())})
	}
	return all
}

// planWords is the plan for people.
func planWords(plan *chaos.Plan) []reports.Fact {
	p := plan.Phases
	cluster := []string{count(plan.Cluster.Nodes, "node")}
	if plan.Cluster.Dirs > 1 {
		cluster = append(cluster, fmt.Sprintf("%d log directories each", plan.Cluster.Dirs))
	}
	if settings := settingWords(plan.Cluster.Config); settings != "" {
		cluster = append(cluster, settings)
	}
	facts := []reports.Fact{
		{Name: "Cluster", Words: cluster},
		{Name: "Topics", Words: each(plan.Cluster.Topics, topicWords)},
		{Name: "Producers", Words: each(plan.Producers, producerWords)},
		{Name: "Consumers", Words: each(plan.Consumers, consumerWords)},
		{Name: "Groups", Words: slices.Concat(each(plan.Groups, groupWords), each(plan.Shares, shareWords))},
		{Name: "Moves", Words: slices.Concat(each(plan.Reassignments, moveWords), each(plan.ReplicaMoves, replicaMoveWords))},
		{Name: "Faults", Words: []string{scheduleWords(plan.Schedule)}},
		{Name: "Time", Words: []string{fmt.Sprintf(
			"calm until %s, faults until %s, then healing until %s, and the final read until %s", p.Calm, p.FaultsEnd(), p.HealEnd(), p.End())}},
		{Name: "Promised", Words: promiseWords(plan)},
	}
	return slices.DeleteFunc(facts, func(f reports.Fact) bool { return len(f.Words) == 0 })
}

func each[T any](all []T, words func(int, T) string) []string {
	var found []string
	for i, one := range all {
		found = append(found, words(i+1, one))
	}
	return found
}

func moveWords(_ int, r chaos.Reassignment) string {
	if len(r.Replicas) == 0 {
		return fmt.Sprintf("at %s the move of %s-%d is taken back", r.At, r.Topic, r.Partition)
	}
	return fmt.Sprintf("at %s %s-%d is to move to nodes %v", r.At, r.Topic, r.Partition, r.Replicas)
}

func replicaMoveWords(_ int, m chaos.ReplicaMove) string {
	return fmt.Sprintf("at %s node %d is to have %s-%d in its directory %d", m.At, m.Node, m.Topic, m.Partition, m.Dir)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func settingWords(config map[string]string) string {
	var words []string
	for _, key := range slices.Sorted(maps.Keys(config)) {
		words = append(words, key+"="+config[key])
	}
	return strings.Join(words, ", ")
}

func topicWords(_ int, t chaos.Topic) string {
	words := fmt.Sprintf("%s: %s of %s", t.Name, count(t.Partitions, "partition"), count(t.ReplicationFactor, "replica"))
	if settings := settingWords(t.Config); settings != "" {
		words += ", " + settings
	}
	return words
}

func producerWords(number int, p chaos.Producer) string {
	words := []string{fmt.Sprintf("%g records a second of %s", p.RecordsPerSecond, count(p.ValueBytes, "byte")), "acks=" + p.Acks}
	if p.Idempotent {
		words = append(words, "idempotent")
	}
	if p.Linger > 0 {
		words = append(words, "linger "+p.Linger.String())
	}
	words = append(words, "batches to "+humanize.IBytes(uint64(p.BatchBytes)), fmt.Sprintf("%d in flight", p.MaxInFlight))
	if p.Compression != "" && p.Compression != "none" {
		words = append(words, p.Compression)
	}
	if p.Keys > 0 {
		words = append(words, count(p.Keys, "key"))
	}
	return fmt.Sprintf("producer-%d to %s: %s", number, strings.Join(p.Topics, ", "), strings.Join(words, ", "))
}

func consumerWords(number int, c chaos.Consumer) string {
	return fmt.Sprintf("consumer-%d of %s: fetches of %s at most, waiting %s at most",
		number, strings.Join(c.Topics, ", "), humanize.IBytes(uint64(c.MaxBytes)), c.MaxWait)
}

func groupWords(_ int, g chaos.Group) string {
	words := []string{fmt.Sprintf("%s of %s", count(g.Members, "member"), strings.Join(g.Topics, ", "))}
	if g.Protocol == chaos.ConsumerProtocol {
		words = append(words, "assigned by the coordinator (KIP-848)")
	}
	if words = append(words, g.Balancer, "session "+g.Session.String()); g.Static {
		words = append(words, "static")
	}
	if g.Stay > 0 {
		words = append(words, fmt.Sprintf("staying %s, away %s, %g of the leaves without a word", g.Stay, g.Away, g.Vanish))
	}
	return fmt.Sprintf("%s: %s", g.Name, strings.Join(words, ", "))
}

func shareWords(_ int, g chaos.ShareGroup) string {
	return fmt.Sprintf("%s: share group, %s of %s, %g of the records released, %g rejected, %g forgotten",
		g.Name, count(g.Members, "member"), strings.Join(g.Topics, ", "), g.Release, g.Reject, g.Forget)
}

// scheduleWords counts the planned faults by kind.
func scheduleWords(s chaos.Schedule) string {
	counts := map[chaos.Kind]int{}
	for _, f := range s {
		counts[f.Kind]++
	}
	var words []string
	for _, kind := range chaos.Kinds() {
		if counts[kind] > 0 {
			words = append(words, fmt.Sprintf("%d × %s", counts[kind], kind))
		}
	}
	if words == nil {
		return "none"
	}
	return count(len(s), "fault") + ": " + strings.Join(words, ", ")
}

// promiseWords says what the checkers held the run to.
func promiseWords(plan *chaos.Plan) []string {
	promises := plan.Promises()
	words := []string{"order, no duplicates, no loss of what was acknowledged by all in-sync replicas"}
	if promises.Progress {
		words = append(words, "after healing, everything works again and replicas are the same bytes")
	}
	return append(words, exceptionWords(promises)...)
}
