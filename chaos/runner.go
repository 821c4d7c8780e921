package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Target is a cluster that can act out faults: the simulator's, or real processes.
//
// Faults overlap. What a node or a link suffers is the union of the faults that were applied and not yet undone, each known
// by its index; undoing one leaves the others. Applying a fault that takes the process from a node that is already down
// is not an error: a power loss then still forgets what was not synced.
type Target interface {
	// Supports says whether the target can act out a kind. It is asked before anything starts.
	Supports(Kind) bool
	// Leader and Controller find whoever has the role now; ok is false while nobody has.
	Leader(topic string, partition int) (node int, ok bool)
	Controller() (node int, ok bool)
	// Apply begins a fault on the nodes that its target was resolved to.
	Apply(Act) error
	// Undo ends it. For a kind that takes the process, Act.Nodes lacks those that another fault still holds down: the
	// nodes that it does list are started unless they are up, and nothing stays armed on them by this fault. An error
	// that wraps ErrNeverFired says that an armed crash was not reached; it does not end the run.
	Undo(Act) error
}

// An Act is a fault with its target resolved.
type Act struct {
	Index int // of the fault in its schedule
	Fault Fault
	Nodes []int // ascending
}

var (
	// ErrUnsupported wraps the kinds that a target cannot act out.
	ErrUnsupported = errors.New("the target cannot act out")
	// ErrNeverFired is what a target's Undo says of an armed crash that was not reached.
	ErrNeverFired = errors.New("the armed crash was not reached")
)

// An Outcome is what became of a step, for the trace and the report.
type Outcome struct {
	Step
	Fault Fault
	Nodes []int  // whom it hit; none when Note says why
	Note  string // in words, when something kept the step from having its effect
}

// A Runner takes a target through a schedule. It has no clock: whoever runs it asks when the next step is due, and takes it.
type Runner struct {
	schedule Schedule
	nodes    int
	target   Target
	steps    []Step
	hit      map[int][]int // by index: the nodes of the faults that are applied
	holds    []int         // by node: how many applied faults took its process
}

// NewRunner makes a runner for a cluster of so many nodes. It fails with ErrUnsupported when the target lacks any kind in
// the schedule: a fault is never silently left out.
func NewRunner(s Schedule, nodes int, t Target) (*Runner, error) {
	var lacking []string
	for _, f := range s {
		if !t.Supports(f.Kind) && !slices.Contains(lacking, string(f.Kind)) {
			lacking = append(lacking, string(f.Kind))
		}
	}
	if lacking != nil {
		return nil, fmt.Errorf("%w: %s", ErrUnsupported, strings.Join(lacking, ", "))
	}
	return &Runner{schedule: s, nodes: nodes, target: t, steps: s.Steps(), hit: map[int][]int{}, holds: make([]int, nodes+1)}, nil
}

// Next says when the next step is due; ok is false when none is left.
func (r *Runner) Next() (at Duration, ok bool) {
	if len(r.steps) == 0 {
		return 0, false
	}
	return r.steps[0].At, true
}

// Step takes the next step. An error is the target's: the run cannot go on.
func (r *Runner) Step() (Outcome, error) {
	step := r.steps[0]
	r.steps = r.steps[1:]
	if step.Undo {
		return r.undo(step)
	}
	return r.apply(step)
}

// Heal undoes, in the schedule's order, whatever is still applied and does not stay, and forgets the steps that are left.
func (r *Runner) Heal(now Duration) ([]Outcome, error) {
	r.steps = nil
	var out []Outcome
	for i := range r.schedule {
		if _, applied := r.hit[i]; !applied || r.schedule[i].Stays {
			continue
		}
		o, err := r.undo(Step{At: now, Index: i, Undo: true})
		out = append(out, o)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func (r *Runner) apply(step Step) (Outcome, error) {
	f := r.schedule[step.Index]
	out := Outcome{Step: step, Fault: f}
	nodes, err := r.resolve(f.Target)
	if err != nil {
		return out, fmt.Errorf("fault %d, %s: %w", step.Index, f, err)
	}
	if nodes == nil {
		out.Note = "nobody had the role of " + string(f.Target)
		return out, nil
	}
	out.Nodes = nodes
	if err := r.target.Apply(Act{step.Index, f, nodes}); err != nil {
		return out, fmt.Errorf("fault %d, %s: %w", step.Index, f, err)
	}
	if f.Lasts() {
		r.hit[step.Index] = nodes
		r.hold(f.Kind, nodes, 1)
	}
	return out, nil
}

func (r *Runner) undo(step Step) (Outcome, error) {
	f := r.schedule[step.Index]
	out := Outcome{Step: step, Fault: f}
	nodes, applied := r.hit[step.Index]
	if !applied {
		out.Note = "was not applied"
		return out, nil
	}
	delete(r.hit, step.Index)
	r.hold(f.Kind, nodes, -1)
	out.Nodes = nodes
	if f.Kind.TakesProcess() {
		out.Nodes = slices.DeleteFunc(slices.Clone(nodes), func(n int) bool { return r.holds[n] > 0 })
		if len(out.Nodes) < len(nodes) {
			out.Note = "another fault still holds some of its nodes down"
		}
	}
	err := r.target.Undo(Act{step.Index, f, out.Nodes})
	if errors.Is(err, ErrNeverFired) {
		out.Note, err = err.Error(), nil
	}
	if err != nil {
		return out, fmt.Errorf("undoing fault %d, %s: %w", step.Index, f, err)
	}
	return out, nil
}

func (r *Runner) hold(k Kind, nodes []int, by int) {
	if !k.TakesProcess() {
		return
	}
	for _, n := range nodes {
		r.holds[n] += by
	}
}

// resolve gives nil when nobody has the role that is asked for.
func (r *Runner) resolve(s Selector) ([]int, error) {
	c, err := s.parse()
	if err != nil {
		return nil, err
	}
	one := func(node int, ok bool) ([]int, error) {
		if !ok {
			return nil, nil
		}
		if node < 1 || node > r.nodes {
			return nil, fmt.Errorf("%s is node %d of %d", s, node, r.nodes)
		}
		return []int{node}, nil
	}
	switch {
	case c.controller:
		return one(r.target.Controller())
	case c.topic != "":
		return one(r.target.Leader(c.topic, c.partition))
	case c.all:
		ids := make([]int, r.nodes)
		for i := range ids {
			ids[i] = i + 1
		}
		return ids, nil
	}
	return c.nodes, nil
}
