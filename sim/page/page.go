// Package page turns what a universe came to, and what was recorded of it, into the page that explains it: the neutral data of
// package reports, which draws it.
package page

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	humanize "github.com/dustin/go-humanize"

	"odradek/linearizability/verdict"
	"odradek/reports"
	"odradek/sim"
	"odradek/sim/guest"
	"odradek/sim/shrink"
)

// Of makes the page's data. Command is what replays the run. Errors wrap history.ErrMalformed.
func Of(result *sim.Result, seen *sim.Recording, command string) (reports.Run, error) {
	operations, seconds, err := operationsOf(bytes.NewReader(seen.History), result.Virtual)
	if err != nil {
		return reports.Run{}, err
	}
	run := reports.Run{
		Title:       fmt.Sprintf("Seed %d", result.Seed),
		Verdict:     string(result.Verdict),
		Hash:        fmt.Sprintf("%016x", result.Hash),
		Command:     command,
		Length:      at(result.Virtual),
		Figures:     figures(result),
		Plan:        planWords(&result.Plan),
		Phases:      phases(&result.Plan),
		Nodes:       nodes(result, seen),
		Controllers: controllers(seen),
		Partitions:  partitions(&result.Plan, seen),
		Faults:      faults(&result.Plan, seen.Steps),
		Violations:  violations(result, operations),
		Open:        result.Report.Unknown,
		Notes:       notes(result),
		Latencies:   latenciesOf(operations, phases(&result.Plan)),
		Seconds:     seconds,
		Operations:  operations,
	}
	for _, line := range seen.Lines {
		run.Lines = append(run.Lines, reports.Line{At: at(line.At), Who: line.Who, Text: line.Text})
	}
	if seen.LeftOut > 0 {
		run.LeftOut = append(run.LeftOut, fmt.Sprintf("%s lines, processes and changes came when the recording was full", humanize.Comma(int64(seen.LeftOut))))
	}
	return run, nil
}

// Smallest is the account of what a failing run can do without.
func Smallest(least *shrink.Outcome, failing *sim.Result, command string) *reports.Smallest {
	s := &reports.Smallest{Words: least.Words(&failing.Plan), Command: command}
	if by := least.Sealed.By; least.Sealed.Faults > 0 {
		s.Sealed = reports.Span{Name: by.String(), From: at(by.At.D()), To: at(max(by.End(), by.At+1e9).D())}
	}
	return s
}

// at turns virtual time into the page's.
func at(d time.Duration) reports.Time { return reports.Time(d.Microseconds()) }

func figures(r *sim.Result) []reports.Figure {
	comma := func(n int) string { return humanize.Comma(int64(n)) }
	return []reports.Figure{
		{Name: "violations", Value: comma(r.Count())},
		{Name: "operations", Value: comma(r.Operations)},
		{Name: "sends acknowledged", Value: comma(r.Acked)},
		{Name: "faults", Value: comma(len(r.Faults))},
		{Name: "of virtual time", Value: fmt.Sprintf("%.0f s", r.Virtual.Seconds())},
		{Name: "host calls", Value: comma(int(r.Calls))},
	}
}

// notes say what else a reader of the verdict should know: exceptions that were made, and violations beyond those shown.
func notes(r *sim.Result) []string {
	found := slices.Clone(r.Report.Notes)
	for _, kind := range slices.Sorted(maps.Keys(r.Report.Counts)) {
		if more := r.Report.Counts[kind] - verdict.PerKindMax; more > 0 {
			found = append(found, fmt.Sprintf("%s: %d more were found than are shown", kind, more))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Report.Allowed)) {
		found = append(found, fmt.Sprintf("allowed, as the promises say: %s, %d times", name, r.Report.Allowed[name]))
	}
	return found
}

// nodes are the brokers and their lives.
func nodes(result *sim.Result, seen *sim.Recording) []reports.Node {
	all := make([]reports.Node, result.Plan.Cluster.Nodes)
	for i := range all {
		n := &all[i]
		n.Name = fmt.Sprintf("node-%d", i+1)
		for _, life := range seen.Lives {
			if life.Node != n.Name {
				continue
			}
			span := reports.Span{Name: life.End, From: at(life.From), To: reports.Never}
			if life.Ended {
				span.To = at(life.To)
			}
			n.Lives = append(n.Lives, span)
		}
		n.Paused = paused(i+1, n.Lives, faults(&result.Plan, seen.Steps))
	}
	return all
}

// paused is when a node stood still: during a pause, while it lived.
func paused(node int, lives []reports.Span, faults []reports.Fault) []reports.Span {
	var all []reports.Span
	for _, f := range faults {
		if f.Class != reports.OnClock || !slices.Contains(f.Nodes, node) {
			continue
		}
		for _, life := range lives {
			from, to := f.From, f.To
			if life.From <= from && (life.To == reports.Never || life.To > from) { // a process that starts later is not paused
				if life.To != reports.Never {
					to = min(to, life.To)
				}
				all = append(all, reports.Span{Name: f.Words, From: from, To: to})
			}
		}
	}
	return all
}

func controllers(seen *sim.Recording) []reports.Reign {
	var all []reports.Reign
	for _, a := range seen.Accounts {
		if a.Line.Event == guest.EventController {
			all = append(all, reports.Reign{At: at(a.At), Node: int(a.Line.Leader), By: a.Node})
		}
	}
	return all
}

// violations are those of the run and those of the history, with the operations that show them.
func violations(result *sim.Result, operations []reports.Operation) []reports.Violation {
	var all []reports.Violation
	for _, v := range result.Violations {
		moment := at(v.At)
		if v.At == 0 {
			moment = reports.Never
		}
		all = append(all, reports.Violation{Kind: v.Kind, At: moment, Words: v.Words})
	}
	index := make(map[string]int, len(operations))
	for i, o := range operations {
		index[operationKey(o.Process, o.ID)] = i
	}
	for _, v := range result.Report.Violations {
		shown := reports.Violation{Kind: string(v.Kind), At: reports.Never, Words: v.Words}
		if v.Partition.Topic != "" {
			shown.Where = v.Partition.String()
		}
		for i := range v.Events {
			e := &v.Events[i]
			evidence := reports.Evidence{At: at(time.Duration(e.Time)), Who: e.Process, Words: eventWords(e), Operation: -1}
			if known, ok := index[operationKey(e.Process, e.ID)]; ok {
				evidence.Operation = known
			}
			shown.At = max(shown.At, evidence.At) // seen with the last of its events
			shown.Evidence = append(shown.Evidence, evidence)
		}
		all = append(all, shown)
	}
	return all
}

func operationKey(process string, id int64) string { return process + "/" + strconv.FormatInt(id, 10) }
