package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"odradek/chaos"
	"odradek/linearizability"
	"odradek/linearizability/history"
	"odradek/linearizability/verdict"
	"odradek/sim/clock"
	"odradek/sim/guest"
	"odradek/sim/host"
)

// Options say what to run and where to write it down.
type Options struct {
	Plan    chaos.Plan
	Program *host.Program
	Older   *host.Program // an earlier build, for the faults that start one; may be nil
	App     *host.Program // what the instances of the plan's app run
	Trace   io.Writer     // every host call, if not nil
	History io.Writer     // what the clients did, if not nil
	Log     io.Writer     // what the guests log and which faults strike, with their time, if not nil
	// Recording takes what the run saw, if not nil.
	Recording *Recording
}

// ErrHarness wraps what keeps a run from having an outcome: the harness failed, not the broker.
var ErrHarness = errors.New("the run has no outcome")

// run is a universe under way.
type run struct {
	options  Options
	plan     chaos.Plan
	universe *host.Universe
	brokers  []*host.Node
	clients  []*host.Node
	setup    *host.Node
	view     *view
	target   *target
	runner   *chaos.Runner
	result   Result
	history  bytes.Buffer
	life     clientsLife
	apps     apps
	panics   map[*host.Node][]string // what a broker's present process has said of its own death
	failure  error
}

// Run takes one universe from its plan to its verdict. Errors wrap ErrHarness.
func Run(options Options) (*Result, error) {
	r, err := newRun(options)
	if err != nil {
		return nil, err
	}
	return r.take()
}

// newRun makes the universe, in which nothing has happened yet.
func newRun(options Options) (*run, error) {
	r := &run{options: options, plan: options.Plan, view: newView(options.Plan.Cluster.Nodes), panics: map[*host.Node][]string{}}
	r.result = Result{Seed: r.plan.Seed, Plan: r.plan}
	if err := r.build(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHarness, err)
	}
	return r, nil
}

// take lets the universe live and judges it.
func (r *run) take() (*Result, error) {
	began := time.Now() //wall: for the result's Wall only
	err := r.live()
	r.result.Hash, r.result.Calls = r.universe.Hash(), r.universe.Calls()
	r.result.Virtual = time.Duration(r.universe.Now())
	switch {
	case errors.Is(err, host.ErrSpin): // whose fault it is that the run ended there, and what it shows beyond that says nothing
		r.violate("spins", err.Error())
		r.result.Verdict, err = verdict.Fail, nil
	case err == nil:
		err = r.judge()
	}
	if closeErr := r.universe.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("%w: seed %d: %w", ErrHarness, r.plan.Seed, err)
	}
	r.result.Wall = time.Since(began) //wall
	return &r.result, nil
}

// live runs the universe through its phases.
func (r *run) live() error {
	phases := r.plan.Phases
	r.universe.At(clock.Time(phases.FaultsEnd()), r.heal)
	r.universe.At(clock.Time(phases.HealEnd()), r.finishClients)
	r.nextFault()
	r.armKills()
	for _, n := range append(r.brokers, r.setup) {
		if err := n.Start(); err != nil {
			return err
		}
	}
	if err := r.universe.Run(clock.Time(phases.End())); err != nil {
		return err
	}
	return r.failure
}

// fail ends the run for a reason that is not the broker's.
func (r *run) fail(err error) {
	if r.failure == nil {
		r.failure = err
	}
	r.universe.Stop()
}

// nextFault arms the schedule's next step.
func (r *run) nextFault() {
	at, ok := r.runner.Next()
	if !ok {
		return
	}
	r.universe.At(clock.Time(at), func() {
		if _, left := r.runner.Next(); !left {
			return // healing has overtaken it
		}
		outcome, err := r.runner.Step()
		r.took(outcome)
		if err != nil {
			r.fail(err)
			return
		}
		r.nextFault()
	})
}

// took writes a fault's step down.
func (r *run) took(o chaos.Outcome) {
	verb := "begins"
	if o.Undo {
		verb = "ends"
		r.noteEnd(o)
	} else {
		r.result.Faults = append(r.result.Faults, o)
	}
	text := fmt.Sprintf("%s %s on nodes %v", o.Fault.Kind, verb, o.Nodes)
	if o.Note != "" {
		text += ": " + o.Note
	}
	r.universe.Note("fault", text)
	r.options.Recording.took(o)
	r.log("fault", r.universe.Now(), text)
}

// noteEnd adds to a fault's outcome what its end tells: that an armed crash was not reached, for one.
func (r *run) noteEnd(o chaos.Outcome) {
	for i := range r.result.Faults {
		if began := &r.result.Faults[i]; began.Index == o.Index && began.Note == "" {
			began.Note = o.Note
		}
	}
}

// heal ends the fault phase: every fault is undone and every broker is up, but of the nodes that are left broken.
func (r *run) heal() {
	outcomes, err := r.runner.Heal(r.plan.Phases.FaultsEnd())
	for _, o := range outcomes {
		r.took(o)
	}
	if err != nil {
		r.fail(err)
	}
	left := r.plan.Left()
	for i, n := range r.brokers {
		if task := r.brokerTask(i + 1); task.Cluster.Buggify != nil {
			task.Cluster.Buggify = nil
			n.SetArgs(task.Args())
			n.Say(guest.FaultsOver)
		}
		if slices.Contains(left, i+1) {
			continue
		}
		if err := r.target.startAll([]int{i + 1}); err != nil {
			r.fail(err)
		}
	}
}

// exited is told of every process that ended.
func (r *run) exited(n *host.Node, exit host.Exit) {
	r.log("exit", r.universe.Now(), n.Name()+" "+exit.String())
	r.options.Recording.ended(n, r.universe.Now(), exit)
	switch {
	case r.target.isBroker(n):
		r.brokerEnded(n, exit)
	case r.apps.has(n):
		r.appEnded(n, exit)
	default:
		r.clientEnded(n, exit)
	}
}

// brokerEnded tells a death that a fault or an operator's stop explains from one that is the broker's own.
func (r *run) brokerEnded(n *host.Node, exit host.Exit) {
	byItself := exit.Own() || exit.Reason == host.Exited && !r.target.stopping[n]
	if byItself && !r.target.explained(n) {
		words := r.panics[n]
		if words == nil && len(exit.Stderr) > 0 {
			words = exit.Stderr[len(exit.Stderr)-1:]
		}
		text := n.Name() + " " + exit.String()
		if len(words) > 0 {
			text += "\n    " + strings.TrimSpace(strings.Join(words, "\n    "))
		}
		r.violate("broker-died", text)
	}
	delete(r.panics, n)
	if err := r.target.ended(n, byItself); err != nil {
		r.fail(err)
	}
}

func (r *run) violate(kind, words string) {
	r.result.Violations = append(r.result.Violations, Violation{Kind: kind, At: time.Duration(r.universe.Now()), Words: words})
}

// judge holds what happened against what was promised.
func (r *run) judge() error {
	promises := r.plan.Promises()
	var text bytes.Buffer
	header, err := history.AppendHeader(nil, history.Header{Run: fmt.Sprintf("seed %d", r.plan.Seed), Promises: promises})
	if err != nil {
		return err
	}
	text.Write(header)
	text.Write(r.history.Bytes())
	if r.options.Recording != nil {
		r.options.Recording.History = bytes.Clone(text.Bytes())
	}
	if r.options.History != nil {
		if _, err := r.options.History.Write(text.Bytes()); err != nil {
			return fmt.Errorf("write the history: %w", err)
		}
	}
	table, err := history.Collect(&text)
	if err != nil {
		return err
	}
	check := linearizability.Check(table, promises)
	r.result.Report, r.result.Operations, r.result.Acked = check.Report, check.Operations, check.Acknowledged
	r.result.Violations = append(r.result.Violations, r.view.violations...)
	r.result.Reached = reachedOf(r.view.reached)
	r.result.Served = served(r.plan.Phases, table)
	r.judgeApps()
	if promises.Progress {
		if err := r.judgeProgress(table); err != nil {
			return err
		}
	}
	r.result.Report.Unknown = append(r.result.Report.Unknown, r.unproved(table)...)
	r.result.Verdict = r.result.Report.Verdict()
	if len(r.result.Violations) > 0 {
		r.result.Verdict = verdict.Fail
	}
	return nil
}

// log writes a line of the run's log.
func (r *run) log(who string, at clock.Time, text string) {
	r.options.Recording.log(who, at, text)
	if r.options.Log != nil {
		fmt.Fprintf(r.options.Log, "%12.6f %-12s %s\n", at.Sub(0).Seconds(), who, text)
	}
}

// stdout takes what guests tell: clients their history, brokers what they see of the cluster.
func (r *run) stdout(n *host.Node, at clock.Time, line []byte) {
	if r.target.isBroker(n) {
		if r.target.disks.foreign[n] {
			r.violate("wrong-disk", n.Name()+" goes on with another node's disk: "+string(line))
			return
		}
		r.view.take(n.Name(), at, line)
		r.options.Recording.told(n, at, line)
		return
	}
	if r.apps.has(n) {
		r.appTold(n, at, line)
		return
	}
	r.history.Write(line)
	r.history.WriteByte('\n')
}

func (r *run) stderr(n *host.Node, at clock.Time, line []byte) {
	r.log(n.Name(), at, string(line))
	if r.apps.has(n) {
		r.apps.heard(n, line)
	}
	if !r.target.isBroker(n) {
		return
	}
	// A Go program's last words begin with one of these and end with an empty line, before the stacks.
	said := r.panics[n]
	begins := bytes.HasPrefix(line, []byte("panic: ")) || bytes.HasPrefix(line, []byte("fatal error: "))
	if begins && said == nil || len(said) > 0 && len(said) < panicLinesMax && said[len(said)-1] != "" {
		r.panics[n] = append(said, string(line))
	}
}

// panicLinesMax bounds what a violation quotes of a process's last words.
const panicLinesMax = 4
