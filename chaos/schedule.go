package chaos

import (
	"cmp"
	"fmt"
	"slices"
)

// A Schedule is the faults of a run. Their order in the list has no meaning but to tell simultaneous ones apart; any subset
// of a valid schedule is valid.
type Schedule []Fault

// A Step is one thing to do at one time: apply a fault, or undo it.
type Step struct {
	At    Duration
	Index int  // of the fault in its schedule
	Undo  bool // else apply
}

// Steps lists what is to be done, by time. At equal times undoing comes first, then the order in the schedule: a node
// that is to be up again at the instant of its next crash is up for that instant.
func (s Schedule) Steps() []Step {
	var steps []Step
	for i, f := range s {
		steps = append(steps, Step{At: f.At, Index: i})
		if f.For > 0 {
			steps = append(steps, Step{At: f.End(), Index: i, Undo: true})
		}
	}
	slices.SortStableFunc(steps, func(a, b Step) int {
		if c := cmp.Compare(a.At, b.At); c != 0 {
			return c
		}
		if a.Undo != b.Undo {
			if a.Undo {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Index, b.Index)
	})
	return steps
}

// Without returns a copy that lacks the faults at these indexes, for a search that makes a failing schedule smaller.
func (s Schedule) Without(indexes ...int) Schedule {
	var out Schedule
	for i, f := range s {
		if !slices.Contains(indexes, i) {
			out = append(out, f)
		}
	}
	return out
}

// check says what is wrong with the first bad fault. Every fault lies within the fault phase.
func (s Schedule) check(cluster *Cluster, phases Phases) error {
	if len(s) > faultsMax {
		return fmt.Errorf("schedule: %d faults: allowed are %d", len(s), faultsMax)
	}
	for i, f := range s {
		if err := f.check(cluster); err != nil {
			return fmt.Errorf("schedule[%d]: %w", i, err)
		}
		if f.At < phases.Calm || f.End() > phases.FaultsEnd() {
			return fmt.Errorf("schedule[%d]: from %s to %s: allowed is the fault phase, from %s to %s",
				i, f.At, f.End(), phases.Calm, phases.FaultsEnd())
		}
	}
	return nil
}
