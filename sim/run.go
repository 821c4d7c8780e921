package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
	Trace   io.Writer // every host call, if not nil
	History io.Writer // what the clients did, if not nil
	Log     io.Writer // what the guests log and which faults strike, with their time, if not nil
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
	waiting  int // clients that have not ended
	failure  error
}

// Run takes one universe from its plan to its verdict. Errors wrap ErrHarness.
func Run(options Options) (*Result, error) {
	began := time.Now() //wall: for the result's Wall only
	r := &run{options: options, plan: options.Plan, view: newView()}
	r.result = Result{Seed: r.plan.Seed, Plan: r.plan}
	if err := r.build(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHarness, err)
	}
	err := r.live()
	r.result.Hash, r.result.Calls = r.universe.Hash(), r.universe.Calls()
	r.result.Virtual = time.Duration(r.universe.Now())
	if err == nil {
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
	} else {
		r.result.Faults = append(r.result.Faults, o)
	}
	text := fmt.Sprintf("%s %s on nodes %v", o.Fault.Kind, verb, o.Nodes)
	if o.Note != "" {
		text += ": " + o.Note
	}
	r.universe.Note("fault", text)
	r.log("fault", r.universe.Now(), text)
}

// heal ends the fault phase: every fault is undone and every broker is up.
func (r *run) heal() {
	outcomes, err := r.runner.Heal(r.plan.Phases.FaultsEnd())
	for _, o := range outcomes {
		r.took(o)
	}
	if err != nil {
		r.fail(err)
	}
	for i := range r.brokers {
		if err := r.target.startAll([]int{i + 1}); err != nil {
			r.fail(err)
		}
	}
}

// finishClients begins the read phase. Clients end by themselves when their time is up; when the last has, the final reader starts.
func (r *run) finishClients() {
	if r.waiting == 0 {
		r.startClient(r.finalReader())
	}
}

// exited is told of every process that ended.
func (r *run) exited(n *host.Node, exit host.Exit) {
	r.log("exit", r.universe.Now(), n.Name()+" "+exit.String())
	switch {
	case r.target.isBroker(n):
		if exit.Own() {
			r.violate("broker-died", fmt.Sprintf("%s %s", n.Name(), exit))
			for _, line := range exit.Stderr {
				r.log(n.Name(), r.universe.Now(), line)
			}
		}
		if err := r.target.ended(n); err != nil {
			r.fail(err)
		}
	case n == r.setup && !exit.Own():
		r.startClients()
	case n == r.setup || exit.Reason == host.Faulted || exit.Code != exitNoProgress && exit.Own():
		r.fail(fmt.Errorf("client %s %s: %v", n.Name(), exit, exit.Stderr))
	default:
		r.waiting--
		if now := chaos.Duration(r.universe.Now()); r.waiting == 0 && now >= r.plan.Phases.HealEnd() && n.Name() != finalReaderName {
			r.startClient(r.finalReader())
		}
	}
}

// exitNoProgress is how a client says that its time ended before its work.
const exitNoProgress = 4

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
	if r.options.History != nil {
		if _, err := r.options.History.Write(text.Bytes()); err != nil {
			return fmt.Errorf("write the history: %w", err)
		}
	}
	check, err := linearizability.CheckReader(&text)
	if err != nil {
		return err
	}
	r.result.Report, r.result.Operations, r.result.Acked = check.Report, check.Operations, check.Acknowledged
	r.result.Violations = append(r.result.Violations, r.view.violations...)
	if promises.Progress {
		different, err := differences(r.view, r.brokers)
		if err != nil {
			return err
		}
		r.result.Violations = append(r.result.Violations, different...)
	}
	r.result.Verdict = r.result.Report.Verdict()
	if len(r.result.Violations) > 0 {
		r.result.Verdict = verdict.Fail
	}
	return nil
}

// log writes a line of the run's log.
func (r *run) log(who string, at clock.Time, text string) {
	if r.options.Log != nil {
		fmt.Fprintf(r.options.Log, "%12.6f %-12s %s\n", at.Sub(0).Seconds(), who, text)
	}
}

// stdout takes what guests tell: clients their history, brokers what they see of the cluster.
func (r *run) stdout(n *host.Node, at clock.Time, line []byte) {
	if r.target.isBroker(n) {
		r.view.take(n.Name(), at, line)
		return
	}
	r.history.Write(line)
	r.history.WriteByte('\n')
}

func (r *run) stderr(n *host.Node, at clock.Time, line []byte) {
	r.log(n.Name(), at, string(line))
}

// startClient starts a client and waits for it.
func (r *run) startClient(n *host.Node, err error) {
	if err == nil {
		err = n.Start()
	}
	if err != nil {
		r.fail(err)
		return
	}
	r.waiting++
}

func (r *run) startClients() {
	for _, n := range r.clients {
		r.startClient(n, nil)
	}
}

// task is what a client of the given role is started with; until is when its time is up.
func (r *run) task(role, name string, until chaos.Duration) guest.Task {
	t := guest.Task{Role: role, Name: name, StartNs: clock.Epoch, UntilNs: int64(until), Seed: r.plan.Seed, Cluster: r.plan.Cluster}
	for i := range r.plan.Cluster.Nodes {
		t.Seeds = append(t.Seeds, brokerIP(i+1)+brokerPort)
	}
	return t
}
