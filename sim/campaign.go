package sim

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"odradek/chaos"
	"odradek/linearizability/verdict"
	"odradek/sim/host"
)

// Campaign is many universes, several beside each other.
type Campaign struct {
	First, Last uint64 // seeds, both included
	For         time.Duration
	Draw        func(seed uint64, total time.Duration) chaos.Plan // chaos.DrawFor, when nil
	Jobs        int                                               // universes at a time
	Program     *host.Program
	Older       *host.Program // an earlier build that nodes run for a while; may be nil
	// App is a program of somebody's own that lives in the universes in place of the plans' clients; nil for those.
	App       *host.Program
	Instances int
	AppArgs   []string
	// Shard is the part of the seeds that is run; Known are outcomes of an earlier run of it, which are not run again.
	Shard Shard
	Known []Record
	// Rerun is the share of universes that are run a second time, to see that the two are the same.
	Rerun float64
	// Done is told of each universe as it ends, one call at a time; false ends the campaign. May be nil.
	Done func(seed uint64, r *Result, err error) (goOn bool)

	run runner // Run, when nil
}

// Tally is what a campaign came to.
type Tally struct {
	Passed, Failed, Unknown, Broken int // universes; Broken had no outcome
	Virtual, Wall                   time.Duration
	ByKind                          map[string][]uint64 // failing seeds by what they violate, ascending
	Reached                         map[string]int      // by probe: in how many universes it was reached
	Sometimes                       map[string]int      // of an app, by name: in how many universes it was true
	Reran                           int                 // universes that were run twice
	Differ                          []*Difference       // those of them that were not the same, by seed
}

// Seeds is how many universes were run.
func (t *Tally) Seeds() int { return t.Passed + t.Failed + t.Unknown + t.Broken }

// Line is the last line that `odradek sim --seeds` prints.
func (t *Tally) Line() string {
	rate, speed := 0.0, 0.0
	if t.Wall > 0 { // what was put together from files took no time of its own
		rate, speed = float64(t.Seeds())/t.Wall.Hours(), t.Virtual.Seconds()/t.Wall.Seconds()
	}
	return fmt.Sprintf("seeds=%d passed=%d failed=%d unknown=%d seeds_per_hour=%.0f virtual_per_wall=%.1f",
		t.Seeds(), t.Passed, t.Failed, t.Unknown+t.Broken, rate, speed)
}

// Run runs the universes until all are done or ctx ends, and returns what they came to.
func (c *Campaign) Run(ctx context.Context) *Tally {
	began := time.Now() //wall: for the tally's rate only
	tally := newTally()
	known := map[uint64]bool{}
	for _, r := range c.Known {
		if c.has(r.Seed) && !known[r.Seed] {
			known[r.Seed] = true
			tally.add(r)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seeds := make(chan uint64)
	var workers sync.WaitGroup
	var mu sync.Mutex
	for range max(c.Jobs, 1) {
		workers.Go(func() {
			for seed := range seeds {
				result, differs, err := c.take(seed)
				mu.Lock()
				tally.add(RecordOf(seed, result, err))
				tally.addRerun(reruns(seed, c.Rerun), differs)
				if c.Done != nil && !c.Done(seed, result, err) {
					cancel()
				}
				mu.Unlock()
			}
		})
	}
feed:
	for seed := c.First; seed <= c.Last; seed++ {
		if known[seed] || !c.has(seed) {
			continue
		}
		select {
		case seeds <- seed:
		case <-ctx.Done():
			break feed
		}
	}
	close(seeds)
	workers.Wait()
	tally.Wall = time.Since(began) //wall
	for _, list := range tally.ByKind {
		slices.Sort(list)
	}
	slices.SortFunc(tally.Differ, func(a, b *Difference) int { return cmp.Compare(a.Seed, b.Seed) })
	return tally
}

func newTally() *Tally {
	return &Tally{ByKind: map[string][]uint64{}, Reached: map[string]int{}, Sometimes: map[string]int{}}
}

// has says whether a seed is one that the campaign runs.
func (c *Campaign) has(seed uint64) bool {
	return seed >= c.First && seed <= c.Last && c.Shard.has(seed-c.First)
}

// take runs one universe, and again if it is of the share that is.
func (c *Campaign) take(seed uint64) (*Result, *Difference, error) {
	run := c.run
	if run == nil {
		run = Run
	}
	draw := c.Draw
	if draw == nil {
		draw = chaos.DrawFor
	}
	options := Options{Plan: draw(seed, cmp.Or(c.For, chaos.RunDefault)), Program: c.Program, Older: c.Older}
	if c.Older != nil {
		options.Plan = chaos.WithVersions(options.Plan)
	}
	if c.App != nil {
		options.App, options.Plan = c.App, chaos.WithApp(options.Plan, c.Instances, c.AppArgs)
	}
	result, err := run(options)
	if err != nil || !reruns(seed, c.Rerun) {
		return result, nil, err
	}
	differs, err := run.rerun(options, result)
	return result, differs, err
}

func (t *Tally) addRerun(reran bool, differs *Difference) {
	if reran {
		t.Reran++
	}
	if differs != nil {
		t.Differ = append(t.Differ, differs)
	}
}

// add counts a universe.
func (t *Tally) add(r Record) {
	if r.Verdict == "" {
		t.Broken++
		return
	}
	t.Virtual += time.Duration(r.VirtualNs)
	for _, probe := range r.Reached {
		t.Reached[probe]++
	}
	for _, name := range slices.Sorted(maps.Keys(r.Sometimes)) {
		t.Sometimes[name] += 0 // that it is known counts, too
		if r.Sometimes[name] {
			t.Sometimes[name]++
		}
	}
	switch r.Verdict {
	case verdict.Pass:
		t.Passed++
	case verdict.Unknown:
		t.Unknown++
	default:
		t.Failed++
		for _, kind := range r.Kinds {
			t.ByKind[kind] = append(t.ByKind[kind], r.Seed)
		}
	}
}

// Never lists an app's sometimes that were true in no universe.
func (t *Tally) Never() []string {
	var never []string
	for _, name := range slices.Sorted(maps.Keys(t.Sometimes)) {
		if t.Sometimes[name] == 0 {
			never = append(never, name)
		}
	}
	return never
}

// Kinds lists what was violated, most seeds first.
func (t *Tally) Kinds() []string {
	kinds := slices.Sorted(maps.Keys(t.ByKind))
	slices.SortStableFunc(kinds, func(a, b string) int { return len(t.ByKind[b]) - len(t.ByKind[a]) })
	return kinds
}
