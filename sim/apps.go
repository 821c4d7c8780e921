package sim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"odradek/chaos"
	"odradek/sim/app"
	"odradek/sim/clock"
	"odradek/sim/guest"
	"odradek/sim/host"
)

// An Assertion is what instances of an app told of one of their assertions.
type Assertion struct {
	Kind  string // of package app
	Name  string
	True  int // times
	False int // times; of an eventually that became true later these mean nothing
}

// String is a line for people.
func (a Assertion) String() string {
	return fmt.Sprintf("%s: %s: true %d, false %d", a.Kind, a.Name, a.True, a.False)
}

// apps are the instances of the plan's app and what they told.
type apps struct {
	nodes      []*host.Node
	assertions []Assertion // in the order of their first words
	// pending are the eventuallies that have not become true, by who waits for them.
	pending []pending
	broken  map[string]bool // alwayses that were false, of which the first time is told
	words   map[*host.Node][]string
	ended   map[*host.Node]bool // by themselves: they are not started again
	killed  map[*host.Node]bool
}

type pending struct {
	node         *host.Node
	name, detail string
}

func (a *apps) has(n *host.Node) bool { return slices.Contains(a.nodes, n) }

// appWordsMax bounds what is quoted of an instance that failed.
const appWordsMax = 6

// heard keeps an instance's last words.
func (a *apps) heard(n *host.Node, line []byte) {
	words := append(a.words[n], string(line))
	a.words[n] = words[max(0, len(words)-appWordsMax):]
}

// errNoApp says that a plan has an app and the run was given none.
var errNoApp = errors.New("the plan is of an app, which is not given (--app)")

// addApps makes the machines of the app's instances.
func (r *run) addApps() error {
	plan := r.plan.App
	r.apps = apps{broken: map[string]bool{}, words: map[*host.Node][]string{}, ended: map[*host.Node]bool{}, killed: map[*host.Node]bool{}}
	if plan == nil {
		return nil
	}
	if r.options.App == nil {
		return errNoApp
	}
	for number := 1; number <= plan.Instances; number++ {
		task := r.task(guest.RoleApp, fmt.Sprintf("app-%d", number), r.plan.Phases.End()-finalMargin)
		task.Number, task.Instances, task.AppArgs, task.HealedNs = number, plan.Instances, plan.Args, int64(r.plan.Phases.FaultsEnd())
		task.Cluster = chaos.Cluster{}
		n, err := r.universe.AddNode(host.NodeConfig{
			Name: task.Name, IP: fmt.Sprintf("10.0.2.%d", number), Args: task.Args(), Env: []string{"GOGC=200"}, Program: r.options.App,
		})
		if err != nil {
			return err
		}
		r.apps.nodes = append(r.apps.nodes, n)
	}
	return nil
}

// armKills has instances die as the plan says.
func (r *run) armKills() {
	if r.plan.App == nil {
		return
	}
	for _, k := range r.plan.App.Kills {
		n := r.apps.nodes[k.Instance-1]
		r.universe.At(clock.Time(k.At), func() {
			r.universe.Note("kill", n.Name())
			r.apps.killed[n] = true
			n.Crash()
		})
		r.universe.At(clock.Time(k.End()), func() {
			r.apps.killed[n] = false
			r.startApp(n)
		})
	}
}

// startApp starts an instance that is to live: the topics are there, nothing keeps it down, and it has not come to its own end.
func (r *run) startApp(n *host.Node) {
	if r.life.topicsMade && !r.apps.killed[n] && !r.apps.ended[n] && !n.Running() {
		r.apps.words[n] = nil
		r.start(n, nil)
	}
}

// appEnded tells an instance's own end from one that the plan or the run's end explains.
func (r *run) appEnded(n *host.Node, exit host.Exit) {
	if exit.Reason == host.Crashed || exit.Reason == host.PowerLost {
		return
	}
	r.apps.ended[n] = true
	if exit.Own() {
		r.violate("app-died", fmt.Sprintf("%s %s\n    %s", n.Name(), exit, strings.Join(r.apps.words[n], "\n    ")))
	}
}

// appTold takes a line of an instance's standard output.
func (r *run) appTold(n *host.Node, at clock.Time, text []byte) {
	line, ok := app.ParseLine(text)
	if !ok {
		r.log(n.Name(), at, string(text))
		return
	}
	a := &r.apps
	i := slices.IndexFunc(a.assertions, func(known Assertion) bool { return known.Kind == line.Kind && known.Name == line.Name })
	if i < 0 {
		i = len(a.assertions)
		a.assertions = append(a.assertions, Assertion{Kind: line.Kind, Name: line.Name})
	}
	if line.OK {
		a.assertions[i].True++
	} else {
		a.assertions[i].False++
	}
	switch {
	case line.Kind == app.Always && !line.OK && !a.broken[line.Name]:
		a.broken[line.Name] = true
		r.violate(app.Always, fmt.Sprintf("%q is false at %s: %s", line.Name, n.Name(), line.Detail))
	case line.Kind == app.Eventually:
		a.pending = slices.DeleteFunc(a.pending, func(p pending) bool { return p.node == n && p.name == line.Name })
		if !line.OK {
			a.pending = append(a.pending, pending{n, line.Name, line.Detail})
		}
	}
}

// judgeApps has what was to come true in the end told when it did not.
func (r *run) judgeApps() {
	slices.SortStableFunc(r.apps.pending, func(a, b pending) int { return cmp.Compare(a.name, b.name) })
	for _, p := range r.apps.pending {
		r.result.Violations = append(r.result.Violations, Violation{
			Kind: app.Eventually, Words: fmt.Sprintf("%q never came true at %s: %s", p.name, p.node.Name(), p.detail),
		})
	}
	r.result.Assertions = r.apps.assertions
}
