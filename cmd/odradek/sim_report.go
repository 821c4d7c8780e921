package main

import (
	"bufio"
	"io"

	"odradek/reports"
	"odradek/sim"
	"odradek/sim/page"
)

// writePage writes the page of a run.
func (o *simOptions) writePage(to io.Writer, result *sim.Result, seen *sim.Recording) error {
	run, err := page.Of(result, seen, o.replay(result))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(to)
	if err := reports.Write(out, run); err != nil {
		return err
	}
	return out.Flush()
}
