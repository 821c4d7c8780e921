package page

import (
	"fmt"
	"slices"

	"odradek/bench"
	"odradek/reports"
)

// Of is the page of one result.
func Of(r *bench.Result) reports.Measurement {
	name := r.Workload.Name
	if name == "" {
		name = "a workload of its own"
	}
	m := reports.Measurement{
		Title: "Benchmark: " + name, Figures: figures(r), Words: limits(r),
		Sections: []reports.Section{{Name: "Latencies and rates", Charts: charts([]Side{{"", []*bench.Result{r}}})}, {Name: "Figures", Tables: tables([]Side{{"", []*bench.Result{r}}})}},
		Facts: []reports.Fact{
			{Name: "Workload", Words: workload(r.Workload)}, {Name: "Machine", Words: machine(r.Machine)},
			{Name: "Begun", Words: []string{r.Began.Format("2006-01-02 15:04:05 MST")}},
		},
		Notes: notes,
	}
	for i, f := range r.Faults {
		if i == 0 {
			m.Facts = append(m.Facts, reports.Fact{Name: "Faults"})
		}
		last := &m.Facts[len(m.Facts)-1]
		last.Words = append(last.Words, fmt.Sprintf("%s, from %.1f s to %.1f s", f.Words, f.From, f.To))
	}
	if r.Repeated > 0 {
		m.Notes = append(slices.Clip(m.Notes), fmt.Sprintf("The group read %d records again: they are counted once.", r.Repeated))
	}
	if r.Command != "" {
		m.Commands = []string{r.Command}
	}
	return m
}

// notes are what holds for every page.
var notes = []string{
	"The client runs on the same machine, unless it was pointed elsewhere; what was bound by it, or by others on the cores, says so.",
	"At a rate, a latency counts from when a record was to be sent by the rate, however late it was by then (corrected for coordinated omission). Without one it counts from when the client took the record, which is then mostly the wait in the client's own buffer.",
	"Calls, waits and bytes are those that /proc tells of the processes named by --pid: read and write calls only, through which go files and connections alike; sendfile is one of each. The wire is what this client's connections carried.",
}
