package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"odradek/chaos"
	"odradek/chaos/proc"
)

// chaosOptions are the flags of `odradek chaos`.
type chaosOptions struct {
	seed        uint64
	length      time.Duration
	nodes       int
	planFile    string
	historyFile string
	dir         string
	target      []string
}

func chaosCommand() *cobra.Command {
	var o chaosOptions
	command := &cobra.Command{
		Use:   "chaos",
		Short: "Put a cluster of real processes on this machine through a seed's faults, by the wall clock, and judge it as a universe is judged",
		Example: "  odradek chaos --nodes 3 --for 60s --seed 7\n" +
			"  odradek chaos --plan plan.json --history /tmp/chaos.history\n" +
			"  odradek chaos --target 127.0.0.1:9092,127.0.0.1:9093 --for 60s",
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	flags.Uint64Var(&o.seed, "seed", 1, "the plan to draw")
	flags.DurationVar(&o.length, "for", chaos.RunDefault, fmt.Sprintf("how long the run lasts, %v at least", chaos.RunMin))
	flags.IntVar(&o.nodes, "nodes", 0, "take the first seed from --seed on that draws so many nodes; 0 takes what the seed draws")
	flags.StringVar(&o.planFile, "plan", "", "take the plan from this file instead of drawing it from the seed")
	flags.StringVar(&o.historyFile, "history", "", "write the clients' history to this file")
	flags.StringVar(&o.dir, "dir", "", "directory for the nodes' data and logs, which are kept (default: a temporary one, removed after a pass)")
	flags.StringSliceVar(&o.target, "target", nil, "judge a cluster that runs already, HOST:PORT,…: clients of the plan and no faults but those that you bring about")
	for _, ours := range []string{"nodes", "plan", "dir"} {
		command.MarkFlagsMutuallyExclusive("target", ours)
	}
	command.MarkFlagsMutuallyExclusive("seed", "plan")
	command.MarkFlagsMutuallyExclusive("for", "plan")
	command.MarkFlagsMutuallyExclusive("nodes", "plan")
	command.RunE = func(command *cobra.Command, _ []string) error { return o.run(command) }
	return command
}

// seedsTried bounds the search for a seed whose cluster has the nodes that are asked for.
const seedsTried = 10_000

func (o *chaosOptions) plan() (chaos.Plan, error) {
	if o.planFile != "" {
		return (&simOptions{planFile: o.planFile}).plan()
	}
	if o.length < chaos.RunMin {
		return chaos.Plan{}, fmt.Errorf("--for %v: %v or more is allowed", o.length, chaos.RunMin)
	}
	for seed := o.seed; seed < o.seed+seedsTried; seed++ {
		if plan := chaos.DrawFor(seed, o.length); o.nodes == 0 || plan.Cluster.Nodes == o.nodes {
			return plan, nil
		}
	}
	return chaos.Plan{}, fmt.Errorf("--nodes %d: no seed draws such a cluster; 1 to 5 is allowed", o.nodes)
}

func (o *chaosOptions) run(command *cobra.Command) (err error) {
	plan, err := o.plan()
	if err != nil {
		return err
	}
	plan, leftOut := proc.Playable(plan)
	if o.target != nil {
		leftOut, plan = len(plan.Schedule)+leftOut, elsewhere(plan)
	}
	options := proc.Options{Plan: plan, Dir: o.dir, Target: o.target}
	if options.Program, err = os.Executable(); err != nil {
		return err
	}
	if options.History, err = o.openHistory(); err != nil {
		return err
	}
	if closer, ok := options.History.(io.Closer); ok {
		defer func() { err = errors.Join(err, closer.Close()) }()
	}
	if o.dir == "" {
		if options.Dir, err = os.MkdirTemp("", "odradek-chaos-"); err != nil {
			return err
		}
	} else if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	out := command.OutOrStdout()
	describePlan(out, &plan)
	if leftOut > 0 {
		fmt.Fprintf(out, "%d drawn faults are left out: these processes can't be put through them\n", leftOut)
	}
	options.Told = func(outcome chaos.Outcome) {
		if !outcome.Undo {
			printFault(out, outcome)
		}
	}
	result, err := proc.Run(command.Context(), options)
	if err != nil {
		return fmt.Errorf("%w (logs and data: %s)", err, options.Dir)
	}
	result.Explain(out)
	if failed := outcome(result.Verdict); failed != nil || o.dir != "" {
		fmt.Fprintf(out, "logs and data: %s\n", options.Dir)
		err = failed
	} else {
		err = os.RemoveAll(options.Dir)
	}
	fmt.Fprintln(out, result.Line())
	return err
}

// elsewhere is the plan for a cluster that is not ours: without faults, with topics whose names nobody else has, and with
// acknowledgements by all: what an operator's own faults may cost of others is not known here.
func elsewhere(plan chaos.Plan) chaos.Plan {
	plan.Schedule = nil
	suffix := "-" + uuid.NewString()[:8]
	for i := range plan.Cluster.Topics {
		plan.Cluster.Topics[i].Name += suffix
	}
	rename := func(topics []string) []string {
		renamed := make([]string, len(topics))
		for i, topic := range topics {
			renamed[i] = topic + suffix
		}
		return renamed
	}
	for i := range plan.Producers {
		plan.Producers[i].Topics, plan.Producers[i].Acks = rename(plan.Producers[i].Topics), "all"
	}
	for i := range plan.Consumers {
		plan.Consumers[i].Topics = rename(plan.Consumers[i].Topics)
	}
	return plan
}

// openHistory is where the history goes; nil for nowhere.
func (o *chaosOptions) openHistory() (io.Writer, error) {
	if o.historyFile == "" {
		return nil, nil
	}
	return os.Create(o.historyFile)
}
