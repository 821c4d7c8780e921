package mutants

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"odradek/chaos"
	"odradek/linearizability/verdict"
	"odradek/sim"
	"odradek/sim/host"
)

// Hunt says which mutants to look for, in which universes.
type Hunt struct {
	Mutants     []Mutant
	Root        string        // of the module, whose source the mutants change
	Dir         string        // where guests are built, and left
	First, Last uint64        // seeds, both included; a mutant that is found is done with
	For         time.Duration // virtual time of a universe; chaos.RunDefault when 0
	Jobs        int           // mutants at a time. Each takes its seeds one by one, so that Jobs changes no score
	// Done is told of each mutant as its score is known, one call at a time. May be nil.
	Done func(Score)
}

// Score is how a mutant fared.
type Score struct {
	Mutant  Mutant
	Found   bool
	Seed    uint64   // that found it
	Kinds   []string // what it violated there
	Seeds   int      // tried
	Virtual time.Duration
	// Broken are the seeds whose universe had no outcome, each with the reason: a guest that spins shows that something is
	// wrong, but breaks no promise that anybody checks, so it finds nothing.
	Broken []string
	// Missed are the seeds that violated something, but none of the kinds that the mutant is to be found by.
	Missed []string
}

// Run builds and tries every mutant, and returns the scores in the order of the mutants. Errors: a mutant that doesn't fit the
// source or doesn't build, and ctx's.
func (h *Hunt) Run(ctx context.Context) ([]Score, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	scores := make([]Score, len(h.Mutants))
	next := make(chan int)
	var workers sync.WaitGroup
	var mu sync.Mutex
	for range max(h.Jobs, 1) {
		workers.Go(func() {
			for i := range next {
				score, err := h.try(ctx, h.Mutants[i])
				if err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				scores[i] = score
				if h.Done != nil {
					h.Done(score)
				}
				mu.Unlock()
			}
		})
	}
	for i := range h.Mutants {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	return scores, context.Cause(ctx)
}

// try takes one mutant through its seeds.
func (h *Hunt) try(ctx context.Context, m Mutant) (Score, error) {
	score := Score{Mutant: m}
	program, err := h.compile(ctx, m)
	if err != nil {
		return score, err
	}
	defer program.Close()
	for seed := h.First; seed <= h.Last && !score.Found; seed++ {
		if err := context.Cause(ctx); err != nil {
			return score, err
		}
		result, err := sim.Run(sim.Options{Plan: chaos.DrawFor(seed, cmp.Or(h.For, chaos.RunDefault)), Program: program})
		score.take(seed, result, err)
	}
	return score, nil
}

func (h *Hunt) compile(ctx context.Context, m Mutant) (*host.Program, error) {
	dir := filepath.Join(h.Dir, m.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	guest, err := m.Build(ctx, h.Root, dir)
	if err != nil {
		return nil, err
	}
	wasm, err := os.ReadFile(guest)
	if err != nil {
		return nil, err
	}
	// Not kept in the user's cache: the next change of the source makes another guest.
	program, err := host.Compile(ctx, wasm, host.CompileOptions{Workers: runtime.NumCPU()})
	if err != nil {
		return nil, fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	return program, nil
}

// take adds the outcome of a universe.
func (s *Score) take(seed uint64, result *sim.Result, err error) {
	s.Seeds++
	if err != nil {
		s.Broken = append(s.Broken, fmt.Sprintf("seed %d: %v", seed, err))
		return
	}
	s.Virtual += result.Virtual
	if result.Verdict != verdict.Fail {
		return
	}
	kinds := result.Kinds()
	if !s.Mutant.foundBy(kinds) {
		s.Missed = append(s.Missed, fmt.Sprintf("seed %d: %s", seed, strings.Join(kinds, ",")))
		return
	}
	s.Found, s.Seed, s.Kinds = true, seed, kinds
}

// foundBy says whether violations of these kinds count.
func (m Mutant) foundBy(kinds []string) bool {
	if m.Finds == nil {
		return len(kinds) > 0
	}
	return slices.ContainsFunc(kinds, func(kind string) bool { return slices.Contains(m.Finds, kind) })
}

// String is the line for people: which seed found the mutant and by what, or how long it lived.
func (s Score) String() string {
	tried := fmt.Sprintf("seeds=%d virtual=%v", s.Seeds, s.Virtual.Round(time.Second))
	if len(s.Broken) > 0 {
		tried += fmt.Sprintf(" broken=%d", len(s.Broken))
	}
	if len(s.Missed) > 0 {
		tried += fmt.Sprintf(" missed=%d", len(s.Missed))
	}
	if !s.Found {
		return fmt.Sprintf("ALIVE %-32s %s", s.Mutant.Name, tried)
	}
	return fmt.Sprintf("found %-32s %s seed=%d %s", s.Mutant.Name, tried, s.Seed, strings.Join(s.Kinds, ","))
}

// Alive counts the mutants that no seed found.
func Alive(scores []Score) int {
	alive := 0
	for _, s := range scores {
		if !s.Found {
			alive++
		}
	}
	return alive
}

// Line is the last line that `odradek mutants` prints. median_seeds is that of how many seeds finding a mutant took, 0 when
// none was found.
func Line(scores []Score) string {
	var took []int
	for _, s := range scores {
		if s.Found {
			took = append(took, s.Seeds)
		}
	}
	return fmt.Sprintf("mutants=%d found=%d alive=%d median_seeds=%g", len(scores), len(took), Alive(scores), median(took))
}

func median(numbers []int) float64 {
	n := len(numbers)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(numbers))
	return float64(sorted[(n-1)/2]+sorted[n/2]) / 2
}

// Select returns the mutants of the given names, in the catalogue's order; all of them for no names. An unknown name is an error
// that lists what there is.
func Select(all []Mutant, names []string) ([]Mutant, error) {
	known := map[string]bool{}
	var list []string
	for _, m := range all {
		known[m.Name] = true
		list = append(list, m.Name)
	}
	for _, name := range names {
		if !known[name] {
			return nil, fmt.Errorf("unknown mutant %q: there are %s", name, strings.Join(list, ", "))
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(slices.Clone(all), func(m Mutant) bool { return !slices.Contains(names, m.Name) }), nil
}
