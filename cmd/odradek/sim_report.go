package main

import (
	"bufio"
	"io"

	"odradek/reports"
	"odradek/sim"
	"odradek/sim/page"
	"odradek/sim/shrink"
)

// writePage writes the page of a run, and of what is left of it when it was made smaller.
func (o *simOptions) writePage(to io.Writer, result *sim.Result, seen *sim.Recording, least *shrink.Outcome) error {
	run, err := page.Of(result, seen, o.replay(result))
	if err != nil {
		return err
	}
	if least != nil {
		run.Smallest = page.Smallest(least, result, o.replayLeast())
	}
	out := bufio.NewWriter(to)
	if err := reports.Write(out, run); err != nil {
		return err
	}
	return out.Flush()
}
