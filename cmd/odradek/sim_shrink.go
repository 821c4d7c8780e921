package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"odradek/chaos"
	"odradek/linearizability/verdict"
	"odradek/sim"
	"odradek/sim/shrink"
)

// least makes a failing plan smaller, if that is asked for, and writes what is left of it to its file. It returns nil where there is
// nothing to make smaller.
func (o *simOptions) least(command *cobra.Command, options sim.Options, failing *sim.Result) (*shrink.Outcome, error) {
	if !o.shrink || failing.Verdict != verdict.Fail {
		return nil, nil
	}
	progress := newProgress(command.ErrOrStderr(), o.shrinkRuns)
	search := &shrink.Search{
		Failing: failing, Jobs: o.jobs, RunsMax: o.shrinkRuns,
		Run: func(plan chaos.Plan) (*sim.Result, error) {
			return run(command.Context(), sim.Options{Plan: plan, Program: options.Program, Older: options.Older, App: options.App})
		},
		Done: func(int, chaos.Plan) { progress.step() },
	}
	least, err := search.Shrink()
	progress.end()
	if err != nil {
		return nil, err
	}
	o.leastFile = cmp.Or(o.writePlan, fmt.Sprintf("seed-%d.min.json", failing.Seed))
	file, err := os.Create(o.leastFile)
	if err != nil {
		return nil, err
	}
	return least, errors.Join(chaos.WritePlan(file, least.Plan), file.Close())
}

// replayLeast runs the smallest plan.
func (o *simOptions) replayLeast() string {
	return fmt.Sprintf("bin/odradek sim --plan %s%s%s", o.leastFile, o.guestFlag(), o.app.flags())
}
