package shrink

import (
	"fmt"

	"odradek/chaos"
)

// Words say what became of the plan, a sentence each.
func (o *Outcome) Words(before *chaos.Plan) []string {
	words := []string{
		o.Sealed.String(),
		fmt.Sprintf("smaller by %d runs, and still %s: %s, then %s", o.Runs, o.Kind, size(before), size(&o.Plan)),
	}
	for _, f := range o.Plan.Schedule {
		words = append(words, "needed: "+f.String())
	}
	if o.Plan.App != nil {
		for _, k := range o.Plan.App.Kills {
			words = append(words, "needed: "+k.String())
		}
	}
	if !o.Whole {
		words = append(words, "the search was ended by its bound on runs; more may be dispensable")
	}
	return words
}

// size is what a plan has, in words.
func size(p *chaos.Plan) string {
	clients := len(p.Producers) + len(p.Consumers) + len(p.Deleters) + len(p.Copiers)
	for _, g := range p.Groups {
		clients += g.Members
	}
	return fmt.Sprintf("%d faults, %d clients, %d nodes, %s", len(p.Schedule), clients, p.Cluster.Nodes, p.Phases.End())
}
