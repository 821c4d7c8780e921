package sim

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"odradek/chaos"
	"odradek/sim/clock"
)

// A universe in which something beside the seed and the plan decides is caught, and the event in which it did is named.
func TestWhatIsNotDeterministicIsCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("eight universes")
	}
	const loose = 2 * time.Second // nobody is down yet
	var runs atomic.Int64
	c := &Campaign{First: 1, Last: 1, For: chaos.RunMin, Jobs: 1, Program: program(t), Rerun: 1}
	c.Done = func(_ uint64, _ *Result, err error) bool {
		if err != nil {
			t.Error(err)
		}
		return true
	}
	c.run = func(options Options) (*Result, error) {
		options.Plan = smallPlan() // for speed
		r, err := newRun(options)
		if err != nil {
			return nil, err
		}
		if runs.Add(1)%2 == 0 { // what an earlier run has left behind in the host
			r.universe.At(clock.Time(loose), func() { r.brokers[0].Pause(50 * time.Millisecond) })
		}
		return r.take()
	}
	tally := c.Run(t.Context())
	if tally.Reran != 1 || len(tally.Differ) != 1 || tally.Differ[0].First == nil {
		t.Fatalf("%d were run twice, and of differences there are %v", tally.Reran, tally.Differ)
	}
	first := tally.Differ[0].First
	if moment := fmt.Sprintf("%.1f", loose.Seconds()); !strings.HasPrefix(first.Left, moment) || !strings.HasPrefix(first.Right, moment) {
		t.Errorf("what differs first is not of %s s: %s", moment, tally.Differ[0])
	}

	c.run = func(options Options) (*Result, error) { options.Plan = smallPlan(); return Run(options) }
	if tally := c.Run(t.Context()); tally.Reran != 1 || len(tally.Differ) != 0 {
		t.Errorf("left alone: %d were run twice, %v", tally.Reran, tally.Differ)
	}
}

// A share of the seeds is run twice, and always the same ones.
func TestAShareIsRunTwice(t *testing.T) {
	count := 0
	for seed := range uint64(1000) {
		if reruns(seed, 0.05) {
			count++
		}
		if reruns(seed, 0) || !reruns(seed, 1) {
			t.Fatalf("seed %d: a share of nothing, or of all", seed)
		}
	}
	if count < 30 || count > 70 {
		t.Errorf("%d of 1000 seeds", count)
	}
}
