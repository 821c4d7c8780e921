package sim

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"odradek/chaos"
	"odradek/sim/trace"
)

// A Difference is a plan whose two runs were not the same: something that is neither the seed nor the plan has decided.
type Difference struct {
	Seed   uint64
	Hashes [2]uint64
	// First is the first event of two further runs that differs, with what led to it; nil when those two were the same.
	First *trace.Difference
}

// String names the first event that differs.
func (d *Difference) String() string {
	words := fmt.Sprintf("seed %d is not deterministic: its hash was %016x, and in a second run %016x", d.Seed, d.Hashes[0], d.Hashes[1])
	if d.First == nil {
		return words + "; two further runs did not differ"
	}
	return words + "; " + d.First.String()
}

// runner is Run, or what a test puts in its place.
type runner func(Options) (*Result, error)

// rerun runs again what came to result, and returns how the second run differs, nil when it doesn't.
func (run runner) rerun(options Options, result *Result) (*Difference, error) {
	again, err := run(options)
	if err != nil {
		return nil, err
	}
	if again.Hash == result.Hash {
		return nil, nil
	}
	d := &Difference{Seed: options.Plan.Seed, Hashes: [2]uint64{result.Hash, again.Hash}}
	d.First, err = run.firstDifference(options)
	return d, err
}

// errCompared ends the traces of two runs once it is known where they part.
var errCompared = errors.New("the traces have been compared")

// firstDifference runs a plan twice, side by side, and compares the traces as they are written: a trace of a minute is too large to
// be kept.
func (run runner) firstDifference(options Options) (*trace.Difference, error) {
	var readers [2]*io.PipeReader
	var both sync.WaitGroup
	for i := range readers {
		reader, writer := io.Pipe()
		readers[i] = reader
		traced := options
		traced.Trace = writer
		both.Go(func() {
			_, err := run(traced)
			if errors.Is(err, errCompared) {
				err = nil
			}
			writer.CloseWithError(err) // nil ends the trace
		})
	}
	first, err := trace.Diff(readers[0], readers[1])
	for _, reader := range readers {
		reader.CloseWithError(errCompared)
	}
	both.Wait()
	return first, err
}

// reruns says whether a seed is of the share that is run twice.
func reruns(seed uint64, share float64) bool { return chaos.Stream(seed, "rerun").Float64() < share }
