package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"odradek/bench"
)

// benchProgress is the line on a terminal that says how a run goes.
type benchProgress struct{ out io.Writer }

func newBenchProgress(out io.Writer) *benchProgress {
	if file, ok := out.(*os.File); !ok || !isTerminal(file) {
		return &benchProgress{io.Discard}
	}
	return &benchProgress{out}
}

func (p *benchProgress) tell(at bench.Progress) {
	line := fmt.Sprintf("%s: %d", at.Doing, at.Done)
	if at.Of > 0 {
		line += fmt.Sprintf(" of %d", at.Of)
	}
	line += fmt.Sprintf(" records, %.0f/s", at.Records)
	if at.Second.Produce.Count > 0 {
		line += fmt.Sprintf(", p50 %.1f ms, p99 %.1f ms", at.Second.Produce.P50, at.Second.Produce.P99)
	}
	if at.Left > 0 {
		line += fmt.Sprintf(", %v left", at.Left.Round(time.Second))
	}
	fmt.Fprint(p.out, "\r\033[K"+line)
}

func (p *benchProgress) end() { fmt.Fprint(p.out, "\r\033[K") }
