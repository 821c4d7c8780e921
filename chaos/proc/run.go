package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"odradek/chaos"
	"odradek/chaos/workload"
	"odradek/linearizability"
	"odradek/linearizability/history"
	"odradek/linearizability/verdict"
)

// Options say what to run.
type Options struct {
	Plan    chaos.Plan // its schedule's kinds are among [Kinds], or Run refuses; see [Playable]
	Program string     // the broker's program, run as `PROGRAM serve …`
	Dir     string     // for the nodes' data and logs
	// Target is the address of a cluster that runs already, if not empty: then nothing is started, and the plan's schedule must be
	// empty. Its topics are made there, and must not exist.
	Target  []string
	History io.Writer // what the clients did, if not nil
	// Told is told of each step of the schedule, one call at a time. May be nil.
	Told func(chaos.Outcome)
}

// Playable is the plan with only those faults that real processes can be put through, and how many were left out. Any part of a
// valid schedule is a valid schedule.
func Playable(plan chaos.Plan) (playable chaos.Plan, leftOut int) {
	playable = plan
	playable.Schedule = nil
	c := &cluster{}
	for _, f := range plan.Schedule {
		if c.Supports(f.Kind) {
			playable.Schedule = append(playable.Schedule, f)
		}
	}
	return playable, len(plan.Schedule) - len(playable.Schedule)
}

// ErrHarness wraps what keeps a run from having an outcome: the harness failed, not the broker.
var ErrHarness = errors.New("the run has no outcome")

// run is a cluster under way.
type run struct {
	options Options
	plan    chaos.Plan
	cluster *cluster // nil when it is somebody else's
	watch   *watch
	began   time.Time
	seeds   []string
	text    bytes.Buffer    // the history
	writer  *history.Writer // to it
	result  Result

	mu sync.Mutex // over result.Violations
}

// Run takes a cluster of real processes through a plan, which lasts as long as its phases say, and judges it. Errors wrap
// ErrHarness, or are ctx's.
func Run(ctx context.Context, options Options) (*Result, error) {
	r := &run{options: options, plan: options.Plan}
	r.result = Result{Seed: r.plan.Seed}
	if err := r.plan.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHarness, err)
	}
	r.writer = history.NewLineWriter(&r.text)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := r.live(ctx)
	if r.cluster != nil {
		err = errors.Join(err, r.cluster.stop())
	}
	if err == nil {
		err = r.judge()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHarness, err)
	}
	r.result.Wall = time.Since(r.began)
	return &r.result, nil
}

// live takes the cluster through its phases.
func (r *run) live(ctx context.Context) error {
	runner, err := r.prepare()
	if err != nil {
		return err
	}
	r.began = time.Now()
	if r.cluster != nil {
		if err := r.cluster.start(); err != nil {
			return err
		}
	}
	go r.watch.run(ctx)
	if err := r.until(ctx, r.plan.Phases.HealEnd(), func(ctx context.Context) error {
		return workload.Setup(ctx, r.process("setup"), r.plan.Cluster)
	}); err != nil {
		return r.late(ctx, "the topics were not made", err)
	}
	clients := r.clients(ctx)
	err = r.torment(ctx, runner)
	if err := errors.Join(err, clients()); err != nil {
		return err
	}
	if err := r.until(ctx, r.plan.Phases.End(), func(ctx context.Context) error {
		return workload.FinalRead(ctx, r.process("final-reader"), r.plan.Cluster, r.plan.GroupNames(), r.plan.ShareNames())
	}); err != nil {
		return r.late(ctx, "the final read came to no end", err)
	}
	r.judgeHealed()
	return nil
}

// prepare lays out what runs: a cluster and the runner of its faults, or only who watches somebody else's.
func (r *run) prepare() (runner *chaos.Runner, err error) {
	r.seeds = r.options.Target
	var target chaos.Target = nobody{}
	if len(r.seeds) == 0 {
		r.cluster, err = newCluster(&r.plan, r.options.Program, r.options.Dir,
			func(_ *node, words string) { r.violate("broker-died", words) },
			func(words string) { r.violate("stop-hangs", words) })
		if err != nil {
			return nil, err
		}
		r.seeds, target = r.cluster.bootup, r.cluster
	}
	if r.watch, err = newWatch(r.seeds); err != nil {
		return nil, err
	}
	if r.cluster != nil {
		r.cluster.watch = r.watch
	}
	return chaos.NewRunner(r.plan.Schedule, r.plan.Cluster.Nodes, target)
}

// nobody is the target of a run on a cluster that is not ours: no fault can be acted out.
type nobody struct{ chaos.Target }

// Supports implements chaos.Target.
func (nobody) Supports(chaos.Kind) bool { return false }

// late tells a client that ran out of time, which is the cluster's doing, from one whose run was interrupted.
func (r *run) late(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.violate("no-progress", fmt.Sprintf("%s: %v", what, err))
	return nil
}

// process is a client of the run.
func (r *run) process(name string) *workload.Process {
	var dialer net.Dialer
	return &workload.Process{
		Name: name, Seeds: r.seeds, Dial: dialer.DialContext,
		History: history.NewRecorder(r.writer, name, func() int64 { return int64(time.Since(r.began)) }),
	}
}

// until runs a client until a moment of the run at the latest.
func (r *run) until(ctx context.Context, at chaos.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithDeadline(ctx, r.began.Add(at.D()))
	defer cancel()
	return do(ctx)
}

// clients starts the plan's clients. What it returns waits for them and gives the first error, which is the harness's.
func (r *run) clients(ctx context.Context) (wait func() error) {
	var group sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	start := func(name string, until chaos.Duration, do func(ctx context.Context, p *workload.Process) error) {
		group.Go(func() {
			err := r.until(ctx, until, func(ctx context.Context) error { return do(ctx, r.process(name)) })
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	end := r.plan.Phases.HealEnd()
	for i, producer := range r.plan.Producers {
		start(fmt.Sprintf("producer-%d", i+1), end, func(ctx context.Context, p *workload.Process) error {
			return workload.Produce(ctx, p, producer, r.plan.Seed)
		})
	}
	for i, consumer := range r.plan.Consumers {
		start(fmt.Sprintf("consumer-%d", i+1), end, func(ctx context.Context, p *workload.Process) error {
			return workload.Consume(ctx, p, consumer, r.plan.Cluster)
		})
	}
	for i, deleter := range r.plan.Deleters {
		start(fmt.Sprintf("deleter-%d", i+1), end, func(ctx context.Context, p *workload.Process) error {
			return workload.DeleteRecords(ctx, p, deleter, r.plan.Cluster, r.plan.Seed)
		})
	}
	if r.cluster != nil && len(r.plan.Reassignments)+len(r.plan.ReplicaMoves) > 0 { // nobody else's partitions are moved about
		start("operator", end, func(ctx context.Context, p *workload.Process) error {
			return workload.Operate(ctx, p, r.plan.Wishes(), r.plan.ReplicaMoves, r.began)
		})
	}
	for _, g := range r.plan.Groups {
		for number := 1; number <= g.Members; number++ {
			start(fmt.Sprintf("%s-member-%d", g.Name, number), end+workload.MemberMargin, func(ctx context.Context, p *workload.Process) error {
				return workload.Member(ctx, p, g, r.plan.Seed+uint64(number))
			})
		}
	}
	for _, g := range r.plan.Shares {
		for number := 1; number <= g.Members; number++ {
			start(fmt.Sprintf("%s-member-%d", g.Name, number), end+workload.MemberMargin, func(ctx context.Context, p *workload.Process) error {
				return workload.ShareMember(ctx, p, g, r.plan.Seed+uint64(number))
			})
		}
	}
	return func() error {
		group.Wait()
		return errors.Join(errs...)
	}
}

// torment takes the schedule's steps when they are due, and heals when the fault phase is over.
func (r *run) torment(ctx context.Context, runner *chaos.Runner) error {
	end := r.plan.Phases.FaultsEnd()
	for {
		at, some := runner.Next()
		if !some || at >= end {
			break
		}
		if !r.sleepUntil(ctx, at) {
			return ctx.Err()
		}
		outcome, err := runner.Step()
		r.took(outcome)
		if err != nil {
			return err
		}
	}
	if !r.sleepUntil(ctx, end) {
		return ctx.Err()
	}
	outcomes, err := runner.Heal(end)
	for _, o := range outcomes {
		r.took(o)
	}
	if err != nil || r.cluster == nil {
		return err
	}
	left := r.plan.Left()
	for number := range r.plan.Cluster.Nodes {
		if slices.Contains(left, number+1) {
			continue
		}
		err = errors.Join(err, r.cluster.startAll([]int{number + 1}))
	}
	return err
}

func (r *run) sleepUntil(ctx context.Context, at chaos.Duration) bool {
	timer := time.NewTimer(time.Until(r.began.Add(at.D())))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *run) took(o chaos.Outcome) {
	if !o.Undo {
		r.result.Faults = append(r.result.Faults, o)
	}
	if r.options.Told != nil {
		r.options.Told(o)
	}
}

func (r *run) violate(kind, words string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Violations = append(r.result.Violations, fmt.Sprintf("%s: %s", kind, words))
}

// judgeHealed demands what a cluster owes once every fault has been undone: every partition has a leader and its full ISR.
func (r *run) judgeHealed() {
	metadata, known := r.watch.last()
	if !known {
		r.violate("no-progress", "no broker answered where the leaders are")
	}
	for _, topic := range r.plan.Cluster.Topics {
		for _, p := range metadata.Topics[topic.Name].Partitions.Sorted() {
			if p.Leader < 0 || len(p.ISR) < len(p.Replicas) {
				r.violate("isr-not-full", fmt.Sprintf("%s-%d: the ISR is %v of %v (leader %d)", p.Topic, p.Partition, p.ISR, p.Replicas, p.Leader))
			}
			target, moved := r.plan.Target(topic.Name, int(p.Partition))
			if r.cluster != nil && moved && len(target.Replicas) > 0 && !slices.EqualFunc(p.Replicas, target.Replicas, func(a int32, b int) bool { return int(a) == b }) {
				r.violate("isr-not-full", fmt.Sprintf("%s-%d: the replicas are %v, %v were asked for at %v", p.Topic, p.Partition, p.Replicas, target.Replicas, target.At))
			}
		}
	}
}

// judge holds the history against what was promised.
func (r *run) judge() error {
	promises := r.plan.Promises()
	header, err := history.AppendHeader(nil, history.Header{Run: fmt.Sprintf("chaos seed %d", r.plan.Seed), Promises: promises})
	if err != nil {
		return err
	}
	text := append(header, r.text.Bytes()...)
	if r.options.History != nil {
		if _, err := r.options.History.Write(text); err != nil {
			return fmt.Errorf("write the history: %w", err)
		}
	}
	table, err := history.Collect(bytes.NewReader(text))
	if err != nil {
		return err
	}
	if promises.Progress {
		for _, words := range workload.Unwritten(&r.plan, table) {
			r.violate("no-progress", words)
		}
		for _, words := range workload.Undone(&r.plan, table) {
			r.violate("group-stuck", words)
		}
	}
	r.result.Report = linearizability.Check(table, promises)
	if r.result.Report.Acknowledged == 0 && len(r.plan.Producers) > 0 {
		r.result.Report.Unknown = append(r.result.Report.Unknown, "nothing was acknowledged")
	}
	r.result.Verdict = r.result.Report.Report.Verdict()
	if len(r.result.Violations) > 0 {
		r.result.Verdict = verdict.Fail
	}
	return nil
}
