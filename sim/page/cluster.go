package page

import (
	"fmt"
	"slices"
	"strings"

	"odradek/chaos"
	"odradek/reports"
	"odradek/sim"
	"odradek/sim/guest"
)

// partitions tells the story of each partition of the plan's topics.
func partitions(plan *chaos.Plan, seen *sim.Recording) []reports.Partition {
	var all []reports.Partition
	place := map[string]int{}
	for _, topic := range plan.Cluster.Topics {
		for index := range topic.Partitions {
			name := fmt.Sprintf("%s-%d", topic.Name, index)
			place[name] = len(all)
			all = append(all, reports.Partition{Name: name, MinInsync: plan.Cluster.MinInsyncReplicas(topic)})
		}
	}
	for _, a := range seen.Accounts {
		i, known := place[fmt.Sprintf("%s-%d", a.Line.Topic, a.Line.Partition)]
		if a.Line.Event != guest.EventPartition || !known {
			continue
		}
		p := &all[i]
		p.Replicas = ints(a.Line.Replicas)
		p.Changes = append(p.Changes, reports.Change{
			At: at(a.At), Leader: max(int(a.Line.Leader), 0), LeaderEpoch: int(a.Line.LeaderEpoch),
			PartitionEpoch: int(a.Line.PartitionEpoch), ISR: ints(a.Line.ISR), By: a.Node,
		})
	}
	return all
}

func ints(ids []int32) []int {
	var all []int
	for _, id := range ids {
		all = append(all, int(id))
	}
	slices.Sort(all)
	return all
}

// faults pairs the steps that began a fault with those that ended it.
func faults(plan *chaos.Plan, steps []chaos.Outcome) []reports.Fault {
	var all []reports.Fault
	open := map[int]int{} // by index in the schedule: place in all
	for _, o := range steps {
		if o.Undo {
			if i, ok := open[o.Index]; ok {
				all[i].To = at(o.At.D())
				all[i].Note = strings.TrimPrefix(all[i].Note+"; "+o.Note, "; ")
				all[i].Note = strings.TrimSuffix(all[i].Note, "; ")
			}
			continue
		}
		f := reports.Fault{
			Kind: string(o.Fault.Kind), Class: classOf(o.Fault.Kind), Words: o.Fault.String(), Note: o.Note,
			From: at(o.At.D()), To: at(o.At.D()), Nodes: lanes(o, plan.Cluster.Nodes),
			Links: linkWords(chaos.Links(o.Fault, o.Nodes, plan.Cluster.Nodes)),
		}
		if o.Nodes == nil { // it hit nobody
			f.Nodes, f.Links = nil, ""
		} else if o.Fault.Stays {
			f.To = at(plan.Phases.End().D())
		} else if o.Fault.For > 0 {
			f.To = at(plan.Phases.FaultsEnd().D()) // until its end is read
			open[o.Index] = len(all)
		}
		all = append(all, f)
	}
	return all
}

// lanes are the nodes in whose lanes a fault is shown: its targets, and both ends of each link where the target says little.
func lanes(o chaos.Outcome, nodes int) []int {
	switch o.Fault.Kind {
	case chaos.Bridge, chaos.Ring, chaos.Split:
	default:
		return o.Nodes
	}
	var all []int
	for _, link := range chaos.Links(o.Fault, o.Nodes, nodes) {
		all = append(all, link.From, link.To)
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(n int) bool { return n == chaos.Clients })
}

// linkWords lists links, those that go both ways once: "1 ⇄ 2, clients → 3".
func linkWords(links []chaos.Link) string {
	name := func(n int) string {
		if n == chaos.Clients {
			return "clients"
		}
		return fmt.Sprint(n)
	}
	var words []string
	for _, link := range links {
		back := slices.Contains(links, chaos.Link{From: link.To, To: link.From})
		switch {
		case !back:
			words = append(words, name(link.From)+" → "+name(link.To))
		case link.From < link.To:
			words = append(words, name(link.From)+" ⇄ "+name(link.To))
		}
	}
	return strings.Join(words, ", ")
}

// classOf says what a kind acts on.
func classOf(k chaos.Kind) string {
	switch {
	case k.TakesProcess():
		return reports.OnProcess
	case k.OnDisk():
		return reports.OnDisk
	case k == chaos.Pause:
		return reports.OnClock
	}
	return reports.OnLinks
}
