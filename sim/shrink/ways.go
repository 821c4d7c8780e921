package shrink

import (
	"maps"
	"slices"
	"strconv"

	"odradek/chaos"
)

// A way makes a plan smaller: it lists the plans that are one step away, the largest steps first. They need not be valid.
type way func(chaos.Plan) []chaos.Plan

// ways in the order in which they are tried: what makes the following runs shorter comes first.
var ways = []way{
	less(func(p *chaos.Plan) *chaos.Schedule { return &p.Schedule }),
	shorter,
	less(func(p *chaos.Plan) *[]chaos.Reassignment { return &p.Reassignments }),
	less(func(p *chaos.Plan) *[]chaos.ReplicaMove { return &p.ReplicaMoves }),
	less(func(p *chaos.Plan) *[]chaos.Group { return &p.Groups }),
	less(func(p *chaos.Plan) *[]chaos.ShareGroup { return &p.Shares }),
	less(func(p *chaos.Plan) *[]chaos.Copier { return &p.Copiers }),
	less(func(p *chaos.Plan) *[]chaos.Deleter { return &p.Deleters }),
	less(func(p *chaos.Plan) *[]chaos.Consumer { return &p.Consumers }),
	less(func(p *chaos.Plan) *[]chaos.Producer { return &p.Producers }),
	fewerMembers,
	fewerKills,
	oneTopic,
	less(func(p *chaos.Plan) *[]chaos.Topic { return &p.Cluster.Topics }),
	withoutBuggify,
	fewerDirs,
	fewerPartitions,
	fewerNodes,
	shorterFaults,
}

// less drops runs of a list: halves, quarters and so on, down to single entries.
func less[L ~[]E, E any](list func(*chaos.Plan) *L) way {
	return func(plan chaos.Plan) (all []chaos.Plan) {
		n := len(*list(&plan))
		for size := n; size >= 1; size /= 2 {
			for from := 0; from < n; from += size {
				p := plan
				l := list(&p)
				*l = slices.Concat((*l)[:from:from], (*l)[min(from+size, n):])
				all = append(all, p)
			}
		}
		return all
	}
}

// shorter ends the fault phase soon after its last fault or move; healing and reading keep their time, or a cluster would be blamed for
// not having had it.
func shorter(plan chaos.Plan) (all []chaos.Plan) {
	last := plan.Phases.Calm
	for _, f := range plan.Schedule {
		last = max(last, f.End())
	}
	for _, r := range plan.Reassignments {
		last = max(last, r.At)
	}
	for _, m := range plan.ReplicaMoves {
		last = max(last, m.At)
	}
	if plan.App != nil {
		for _, k := range plan.App.Kills {
			last = max(last, k.End())
		}
	}
	for _, margin := range []chaos.Duration{0, 2e9, 5e9, 10e9} {
		p := plan
		if p.Phases.Faults = last + margin - p.Phases.Calm; p.Phases.Faults < plan.Phases.Faults {
			all = append(all, p)
		}
	}
	return all
}

func fewerMembers(plan chaos.Plan) (all []chaos.Plan) {
	for i, g := range plan.Groups {
		for members := 1; members < g.Members; members++ {
			p := plan
			p.Groups = slices.Clone(p.Groups)
			p.Groups[i].Members = members
			all = append(all, p)
		}
	}
	return all
}

// fewerKills lets an app's instances live. How many there are stays: the program may count on it.
func fewerKills(plan chaos.Plan) []chaos.Plan {
	if plan.App == nil {
		return nil
	}
	return less(func(p *chaos.Plan) *[]chaos.Kill {
		app := *p.App
		p.App = &app
		return &app.Kills
	})(plan)
}

// oneTopic has every client use one topic alone. Who can't is refused with the plan.
func oneTopic(plan chaos.Plan) (all []chaos.Plan) {
	for _, t := range plan.Cluster.Topics {
		only := []string{t.Name}
		p := plan
		p.Producers, p.Consumers, p.Groups = slices.Clone(p.Producers), slices.Clone(p.Consumers), slices.Clone(p.Groups)
		changed := false
		narrow := func(topics *[]string) {
			changed = changed || len(*topics) > 1
			*topics = only
		}
		for i := range p.Producers {
			narrow(&p.Producers[i].Topics)
		}
		for i := range p.Consumers {
			narrow(&p.Consumers[i].Topics)
		}
		for i := range p.Groups {
			narrow(&p.Groups[i].Topics)
		}
		if changed {
			all = append(all, p)
		}
	}
	return all
}

func withoutBuggify(plan chaos.Plan) []chaos.Plan {
	if plan.Cluster.Buggify == nil {
		return nil
	}
	plan.Cluster.Buggify = nil
	return []chaos.Plan{plan}
}

// fewerDirs lets every node have one directory less. Who needs it is refused with the plan.
func fewerDirs(plan chaos.Plan) []chaos.Plan {
	if plan.Cluster.Dirs < 2 {
		return nil
	}
	plan.Cluster.Dirs--
	return []chaos.Plan{plan}
}

func fewerPartitions(plan chaos.Plan) (all []chaos.Plan) {
	for i, t := range plan.Cluster.Topics {
		if t.Partitions > 1 {
			p := plan
			p.Cluster.Topics = slices.Clone(p.Cluster.Topics)
			p.Cluster.Topics[i].Partitions = 1
			all = append(all, p)
		}
	}
	return all
}

// fewerNodes takes nodes away, and as many replicas as then can't be.
func fewerNodes(plan chaos.Plan) (all []chaos.Plan) {
	for nodes := 1; nodes < plan.Cluster.Nodes; nodes++ {
		p := plan
		p.Cluster.Nodes = nodes
		p.Cluster.Topics = slices.Clone(p.Cluster.Topics)
		for i := range p.Cluster.Topics {
			t := &p.Cluster.Topics[i]
			if t.ReplicationFactor > nodes {
				t.ReplicationFactor = nodes
				if plan.Cluster.MinInsyncReplicas(*t) > nodes {
					t.Config = maps.Clone(t.Config)
					t.Config["min.insync.replicas"] = strconv.Itoa(nodes)
				}
			}
		}
		all = append(all, p)
	}
	return all
}

// lengthMin is the shortest fault that is worth making shorter.
const lengthMin = chaos.Duration(500e6)

// shorterFaults halves the length of a fault.
func shorterFaults(plan chaos.Plan) (all []chaos.Plan) {
	for i, f := range plan.Schedule {
		if f.For < lengthMin {
			continue
		}
		p := plan
		p.Schedule = slices.Clone(p.Schedule)
		p.Schedule[i].For = f.For / 2
		all = append(all, p)
	}
	return all
}
