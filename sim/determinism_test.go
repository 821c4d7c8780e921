package sim

import (
	"bytes"
	"io"
	"runtime"
	"sync"
	"testing"

	"odradek/chaos"
	"odradek/sim/trace"
)

// busyPlan is a small universe in which much happens, with every random choice from the seed.
func busyPlan(seed uint64) chaos.Plan {
	at := func(s float64, f chaos.Fault) chaos.Fault { f.At = seconds(s); return f }
	plan := smallPlan(
		at(3.2, fault(chaos.Crash, 0.5, chaos.LeaderOf("t0", 0), chaos.Params{})),
		at(3.5, fault(chaos.SlowLink, 3, chaos.Everyone, chaos.Params{Delay: &chaos.Delay{Distribution: "exponential", Mean: seconds(0.01)}})),
		at(4.0, fault(chaos.Split, 1.5, chaos.ActiveController, chaos.Params{})),
		at(5.8, fault(chaos.PowerLoss, 0.5, chaos.Node(3), chaos.Params{})),
		at(6.5, fault(chaos.Stop, 0.5, chaos.Node(1), chaos.Params{})),
		at(6.9, fault(chaos.Pause, 0.8, chaos.Node(2), chaos.Params{})),
	)
	plan.Seed = seed
	return durable(plan)
}

func hashOf(t *testing.T, options Options) uint64 {
	t.Helper()
	options.Program = program(t)
	result, err := Run(options)
	if err != nil {
		t.Error(err)
		return 0
	}
	return result.Hash
}

// A seed and a plan have one hash, whatever is written down beside, however many threads there are and whoever runs beside it.
func TestOneSeedOneHash(t *testing.T) {
	want := hashOf(t, Options{Plan: busyPlan(1)})
	t.Run("written down", func(t *testing.T) {
		if got := hashOf(t, Options{Plan: busyPlan(1), Trace: io.Discard, Log: io.Discard, History: io.Discard}); got != want {
			t.Errorf("with trace, log and history the hash is %016x, without %016x", got, want)
		}
	})
	t.Run("another seed", func(t *testing.T) {
		if got := hashOf(t, Options{Plan: busyPlan(2)}); got == want {
			t.Errorf("two seeds have the hash %016x", got)
		}
	})
	if testing.Short() {
		return
	}
	for _, threads := range []int{1, 2} {
		t.Run("threads", func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
			if got := hashOf(t, Options{Plan: busyPlan(1)}); got != want {
				t.Errorf("with %d threads the hash is %016x, before it was %016x", threads, got, want)
			}
		})
	}
	t.Run("side by side", func(t *testing.T) {
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				if got := hashOf(t, Options{Plan: busyPlan(1)}); got != want {
					t.Errorf("beside another the hash is %016x, alone it is %016x", got, want)
				}
			})
		}
		all.Wait()
	})
}

// Where two hashes differ, the traces say what differed first.
func TestTracesTellWhereHashesPart(t *testing.T) {
	if testing.Short() {
		t.Skip("four universes")
	}
	var texts [3]bytes.Buffer
	for i, seed := range []uint64{1, 1, 2} {
		hashOf(t, Options{Plan: busyPlan(seed), Trace: &texts[i]})
	}
	if d, err := trace.Diff(bytes.NewReader(texts[0].Bytes()), &texts[1]); d != nil || err != nil {
		t.Errorf("two traces of a seed: %v\n%v", err, d)
	}
	if d, err := trace.Diff(&texts[0], &texts[2]); d == nil || err != nil {
		t.Errorf("the traces of two seeds don't differ: %v", err)
	}
}
