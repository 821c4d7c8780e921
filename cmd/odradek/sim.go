package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	humanize "github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"odradek/chaos"
	"odradek/linearizability/verdict"
	"odradek/sim"
	"odradek/sim/host"
	"odradek/sim/shrink"
)

// simOptions are the flags of `odradek sim`.
type simOptions struct {
	seed                           uint64
	seeds                          string
	length                         time.Duration
	standard                       bool
	planFile, traceFile, guestFile string
	oldGuestFile                   string
	older                          *host.Program
	historyFile, logFile           string
	reportFile                     string
	writePlan                      string
	jobs                           int
	rerun                          float64
	app                            appOptions
	shard, resultsFile             string
	mergeFiles                     []string
	shrink                         bool
	shrinkRuns                     int
	leastFile                      string // of the smallest plan, once there is one
}

func simCommand() *cobra.Command {
	var o simOptions
	command := &cobra.Command{
		Use:   "sim",
		Short: "Run universes: a cluster, its clients and its faults, all drawn from a seed, and a verdict",
		Example: "  odradek sim --seed 7 --report /tmp/7.html --history /tmp/7.history --log /tmp/7.log\n" +
			"  odradek sim --seeds 1..200 --jobs 2",
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	flags.Uint64Var(&o.seed, "seed", 1, "the universe to run")
	flags.StringVar(&o.seeds, "seeds", "", "a campaign instead: A..B, both included")
	flags.DurationVar(&o.length, "for", chaos.RunDefault, fmt.Sprintf("virtual time of a run, %v at least", chaos.RunMin))
	flags.BoolVar(&o.standard, "standard", false, "the workload by which universes are timed, the same for every seed but for its faults")
	flags.StringVar(&o.planFile, "plan", "", "take the plan from this file instead of drawing it from the seed")
	flags.StringVar(&o.writePlan, "write-plan", "", "write the plan to this file; with --shrink, the smallest that was found")
	flags.BoolVar(&o.shrink, "shrink", false, "make a failing plan smaller for as long as it breaks the same promise, and name the fault that sealed it")
	flags.IntVar(&o.shrinkRuns, "shrink-runs", shrink.RunsMax, "how many runs that may take")
	flags.StringVar(&o.traceFile, "trace", "", "write every host call to this file")
	flags.StringVar(&o.historyFile, "history", "", "write the clients' history to this file")
	flags.StringVar(&o.logFile, "log", "", "write the guests' logs and the faults, by virtual time, to this file")
	flags.StringVar(&o.reportFile, "report", "", "write a page that shows the run to this file, as run.html")
	flags.StringVar(&o.guestFile, "guest", "", "the guest to run (default: odradek.wasm beside this program)")
	flags.StringVar(&o.oldGuestFile, "old-guest", "", "an earlier build of the guest, which nodes run for a while and are upgraded from")
	flags.IntVar(&o.jobs, "jobs", runtime.NumCPU(), "universes at a time, in a campaign or while a plan is made smaller")
	flags.Float64Var(&o.rerun, "rerun", 0.05, "share of a campaign's universes that are run twice and have to be the same")
	flags.StringVar(&o.shard, "shard", "", "run a part of the seeds only: I/N is every N-th from the I-th on, counted from 0, as 2/16")
	flags.StringVar(&o.resultsFile, "results", "", "keep a campaign's outcomes in this file, and run what it lacks: a campaign that was interrupted goes on")
	flags.StringSliceVar(&o.mergeFiles, "merge", nil, "run nothing: put together the results files of several parts, separated by commas")
	o.app.register(flags)
	command.MarkFlagsMutuallyExclusive("seed", "seeds", "plan", "merge")
	command.MarkFlagsMutuallyExclusive("for", "plan")
	command.MarkFlagsMutuallyExclusive("standard", "plan", "app")
	for _, single := range []string{"write-plan", "trace", "history", "log", "report", "shrink"} {
		command.MarkFlagsMutuallyExclusive("seeds", single)
	}
	command.RunE = func(command *cobra.Command, _ []string) error {
		if o.length < chaos.RunMin {
			return fmt.Errorf("--for %v: %v or more is allowed", o.length, chaos.RunMin)
		}
		if o.mergeFiles != nil {
			return o.merge(command)
		}
		program, err := sim.LoadProgram(command.Context(), o.guestFile)
		if err != nil {
			return err
		}
		// A universe that was interrupted is left where it is, in these programs' code.
		release := func(free func() error) {
			if command.Context().Err() == nil {
				_ = free() // the run is over: nothing could be done
			}
		}
		defer release(program.Close)
		if o.oldGuestFile != "" {
			if o.older, err = sim.LoadProgram(command.Context(), o.oldGuestFile); err != nil {
				return err
			}
			defer release(o.older.Close)
		}
		if err := o.app.load(command.Context()); err != nil {
			return err
		}
		defer release(o.app.close)
		if o.seeds != "" {
			return o.campaign(command, program)
		}
		return o.single(command, program)
	}
	return command
}

// draw draws the plan of a seed.
func (o *simOptions) draw(seed uint64, total time.Duration) chaos.Plan {
	if o.standard {
		return chaos.Standard(seed, total)
	}
	return chaos.DrawFor(seed, total)
}

// plan draws the plan or reads it.
func (o *simOptions) plan() (chaos.Plan, error) {
	if o.planFile == "" {
		plan := o.draw(o.seed, o.length)
		if o.older != nil {
			plan = chaos.WithVersions(plan)
		}
		if o.app.program != nil {
			plan = chaos.WithApp(plan, o.app.instances, o.app.args)
		}
		return plan, nil
	}
	file, err := os.Open(o.planFile)
	if err != nil {
		return chaos.Plan{}, err
	}
	defer file.Close()
	plan, err := chaos.ReadPlan(file)
	if err != nil {
		return plan, fmt.Errorf("%s: %w", o.planFile, err)
	}
	return plan, nil
}

func (o *simOptions) single(command *cobra.Command, program *host.Program) (err error) {
	plan, err := o.plan()
	if err != nil {
		return err
	}
	options := sim.Options{Plan: plan, Program: program, Older: o.older, App: o.app.program}
	var report io.Writer
	var files []*os.File
	defer func() {
		for _, file := range files {
			if closeErr := file.Close(); err == nil {
				err = closeErr
			}
		}
	}()
	for _, output := range []struct {
		name string
		to   *io.Writer
	}{{o.traceFile, &options.Trace}, {o.historyFile, &options.History}, {o.logFile, &options.Log}, {o.reportFile, &report}} {
		if output.name == "" {
			continue
		}
		file, err := os.Create(output.name)
		if err != nil {
			return err
		}
		files = append(files, file)
		*output.to = file
	}
	if o.writePlan != "" && !o.shrink {
		file, err := os.Create(o.writePlan)
		if err != nil {
			return err
		}
		files = append(files, file)
		if err := chaos.WritePlan(file, plan); err != nil {
			return err
		}
	}
	if report != nil {
		options.Recording = &sim.Recording{}
	}
	describePlan(command.OutOrStdout(), &plan)
	result, err := run(command.Context(), options)
	if err != nil {
		return err
	}
	least, err := o.least(command, options, result)
	if err != nil {
		return err
	}
	if report != nil {
		if err := o.writePage(report, result, options.Recording, least); err != nil {
			return err
		}
	}
	return o.report(command, result, least)
}

// run is sim.Run until ctx ends, when the universe is left where it is: the program is about to end.
func run(ctx context.Context, options sim.Options) (*sim.Result, error) {
	type outcome struct {
		result *sim.Result
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		result, err := sim.Run(options)
		done <- outcome{result, err}
	}()
	select {
	case o := <-done:
		return o.result, o.err
	case <-ctx.Done():
		return nil, errors.New("interrupted")
	}
}

// report says what happened, and, when the verdict is no pass, how to see more.
func (o *simOptions) report(command *cobra.Command, result *sim.Result, least *shrink.Outcome) error {
	out := command.OutOrStdout()
	for _, fault := range result.Faults {
		printFault(out, fault)
	}
	fmt.Fprintf(out, "%s host calls, %d sends acknowledged\n", humanize.Comma(int64(result.Calls)), result.Acked)
	if len(result.Reached) > 0 {
		fmt.Fprintf(out, "sometimes: %s\n", strings.Join(result.Reached, ", "))
	}
	for _, s := range result.Served {
		fmt.Fprintln(out, s)
	}
	for _, a := range result.Assertions {
		fmt.Fprintln(out, a)
	}
	result.Explain(out)
	if result.Verdict != verdict.Pass {
		fmt.Fprintf(out, "replay with: %s\n", o.replay(result))
	}
	if slices.Contains(result.Kinds(), string(verdict.NotLinearizable)) {
		fmt.Fprintln(out, "and then, for what has no order: bin/odradek check --porcupine porcupine.html run.history")
	}
	if least != nil {
		for _, words := range least.Words(&result.Plan) {
			fmt.Fprintln(out, words)
		}
		fmt.Fprintf(out, "the least that does it: %s\n", o.replayLeast())
	}
	fmt.Fprintln(out, result.Line())
	return outcome(result.Verdict)
}

// printFault says in a line what a fault struck.
func printFault(out io.Writer, fault chaos.Outcome) {
	fmt.Fprintf(out, "fault %s", fault.Fault)
	if len(fault.Nodes) > 0 {
		fmt.Fprintf(out, ", struck %v", fault.Nodes)
	}
	if fault.Note != "" {
		fmt.Fprintf(out, " (%s)", fault.Note)
	}
	fmt.Fprintln(out)
}

func (o *simOptions) replay(result *sim.Result) string {
	return fmt.Sprintf("bin/odradek sim %s%s%s --report run.html --history run.history --log run.log", o.source(result.Seed), o.guestFlag(), o.app.flags())
}

// guestFlag names the guest when it is not the usual one.
func (o *simOptions) guestFlag() string {
	if o.guestFile == "" {
		return ""
	}
	return " --guest " + o.guestFile
}

// source is the flags that name a universe.
func (o *simOptions) source(seed uint64) string {
	if o.planFile != "" {
		return "--plan " + o.planFile
	}
	flags := fmt.Sprintf("--seed %d", seed)
	if o.length != chaos.RunDefault {
		flags += fmt.Sprintf(" --for %v", o.length)
	}
	if o.standard {
		flags += " --standard"
	}
	return flags
}

// outcome turns a verdict into an exit code.
func outcome(v verdict.Verdict) error {
	switch v {
	case verdict.Pass:
		return nil
	case verdict.Unknown:
		return exitError{code: 3}
	}
	return exitError{code: 1}
}

func (o *simOptions) campaign(command *cobra.Command, program *host.Program) error {
	first, last, err := seedRange(o.seeds)
	if err != nil {
		return err
	}
	var shard sim.Shard
	if o.shard != "" {
		if shard, err = sim.ParseShard(o.shard); err != nil {
			return fmt.Errorf("--shard: %w", err)
		}
	}
	results, err := o.openResults()
	if err != nil {
		return err
	}
	out := command.OutOrStdout()
	progress := newProgress(command.ErrOrStderr(), int(last-first+1)/int(max(shard.Of, 1)))
	campaign := sim.Campaign{First: first, Last: last, For: o.length, Draw: o.draw, Jobs: o.jobs, Rerun: o.rerun, Shard: shard, Known: results.known, Program: program, Older: o.older,
		App: o.app.program, Instances: o.app.instances, AppArgs: o.app.args,
		Done: func(seed uint64, r *sim.Result, err error) bool {
			switch {
			case err != nil:
				fmt.Fprintf(out, "seed=%d has no outcome: %v\n", seed, err)
			case r.Verdict != verdict.Pass:
				words := r.Kinds()
				if r.Verdict == verdict.Unknown {
					words = r.Report.Unknown
				}
				fmt.Fprintf(out, "seed=%d verdict=%s %s\n", seed, r.Verdict, strings.Join(words, ", "))
			}
			results.write(sim.RecordOf(seed, r, err))
			progress.step()
			return results.err == nil
		}}
	tally := campaign.Run(command.Context())
	progress.end()
	if err := results.close(); err != nil {
		return fmt.Errorf("--results: %w", err)
	}
	for _, differs := range tally.Differ {
		fmt.Fprintln(out, differs)
	}
	fmt.Fprintf(out, "run twice: %d, not the same: %d\n", tally.Reran, len(tally.Differ))
	return o.conclude(out, tally, len(tally.Differ) > 0 || command.Context().Err() != nil)
}

// conclude says what a campaign came to. Open leaves it without a verdict, unless something failed.
func (o *simOptions) conclude(out io.Writer, tally *sim.Tally, open bool) error {
	o.printFailures(out, tally)
	tally.PrintProbes(out)
	for _, name := range tally.Never() {
		fmt.Fprintf(out, "sometimes: %q was never true\n", name)
	}
	fmt.Fprintln(out, tally.Line())
	switch {
	case tally.Failed > 0 || len(tally.Missed()) > 0 || len(tally.Never()) > 0:
		return exitError{code: 1}
	case tally.Unknown+tally.Broken > 0 || open:
		return exitError{code: 3}
	}
	return nil
}

// printFailures groups the failing seeds by what they violate.
func (o *simOptions) printFailures(out io.Writer, tally *sim.Tally) {
	for _, kind := range tally.Kinds() {
		seeds := tally.ByKind[kind]
		fmt.Fprintf(out, "%s: %s; the first again: bin/odradek sim %s\n", kind, count(len(seeds), "seed"), o.source(seeds[0])+o.app.flags())
	}
}

// seedRange reads A..B.
func seedRange(text string) (first, last uint64, err error) {
	low, high, ok := strings.Cut(text, "..")
	if ok {
		if first, err = strconv.ParseUint(low, 10, 64); err == nil {
			last, err = strconv.ParseUint(high, 10, 64)
		}
	}
	if !ok || err != nil || last < first {
		return 0, 0, fmt.Errorf("--seeds %q: A..B is expected, as 1..200", text)
	}
	return first, last, nil
}
