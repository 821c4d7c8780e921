package vectors

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

var (
	ours      = flag.String("ours", "", "`host:port` of a fresh cluster of one: hold drawn sequences against -reference")
	reference = flag.String("reference", "", "`host:port` of a fresh reference cluster of one, for -ours")
	keep      = flag.String("keep", "", "`name` under which the shrunken sequence is kept as a vector, if there is a difference")
	movesMax  = flag.Int("moves", 12, "how many moves a sequence has, at most")
)

// drawnMoves draws sequences of moves, in versions that both sides have.
func drawnMoves(versions map[kmsg.Key][2]int16) *rapid.Generator[[]Move] {
	var kinds []Kind
	for _, k := range Kinds() {
		if _, both := versions[k.Key]; both {
			kinds = append(kinds, k)
		}
	}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Move {
		k := kinds[rapid.IntRange(0, len(kinds)-1).Draw(t, "kind")]
		m := Move{Kind: k.Name, Version: rapid.Int16Range(versions[k.Key][0], versions[k.Key][1]).Draw(t, "version")}
		for _, d := range k.Dimensions {
			option := 0
			if rapid.IntRange(0, 2).Draw(t, "plainest, "+d.Name) > 0 { // or most moves would be wrong in more than one way
				option = rapid.IntRange(0, len(d.Options)-1).Draw(t, d.Name)
			}
			m.With = append(m.With, d.Options[option])
		}
		return m
	}), 1, *movesMax)
}

// bothServe are the versions of each key that two brokers share. Produce is advertised from 0 for the sake of old clients, and not served.
func bothServe(a, b map[kmsg.Key][2]int16) map[kmsg.Key][2]int16 {
	both := make(map[kmsg.Key][2]int16)
	for key, ofA := range a {
		ofB, has := b[key]
		from, to := max(ofA[0], ofB[0]), min(ofA[1], ofB[1])
		if key == kmsg.Produce {
			from = max(from, 3)
		}
		if has && from <= to {
			both[key] = [2]int16{from, to}
		}
	}
	return both
}

// sides are two brokers that are asked the same.
type sides struct{ ours, reference Dialer }

// finding is a sequence that two brokers answer differently.
type finding struct {
	moves []Move
	what  string // the first difference, or what kept them from being compared; empty when there is none
	where string // the API that it is in: shrinking keeps to one
}

// ask plays moves against both at a time.
func (s sides) ask(ctx context.Context, name string, moves []Move) finding {
	type played struct {
		steps []Step
		err   error
	}
	theirs := make(chan played, 1)
	go func() {
		steps, err := Sequence(ctx, s.reference, name, moves)
		theirs <- played{steps, err}
	}()
	steps, err := Sequence(ctx, s.ours, name, moves)
	want := <-theirs
	var differences []Difference
	switch {
	case err != nil:
		err = fmt.Errorf("ours: %w", err)
	case want.err != nil:
		err = fmt.Errorf("the reference: %w", want.err)
	default:
		differences, err = CompareSteps(name, steps, want.steps)
	}
	switch {
	case err != nil:
		return finding{moves, err.Error(), "error"}
	case len(differences) > 0:
		api, _, _ := strings.Cut(differences[0].Path, ".")
		return finding{moves, differences[0].String(), api}
	}
	return finding{}
}

// differential draws sequences until one is answered differently, and makes that one as short as it gets. Then it fails t, and found holds it.
func (s sides) differential(t rapid.TB, versions map[kmsg.Key][2]int16, run string, found *finding) {
	sequences := 0
	drawn := drawnMoves(versions)
	rapid.Check(t, func(r *rapid.T) {
		sequences++
		if f := s.ask(r.Context(), fmt.Sprint(run, sequences), drawn.Draw(r, "moves")); f.what != "" {
			*found = f // the last to fail is the shortest
			r.Fatal(f.where)
		}
	})
}

// versions are those that both serve.
func (s sides) versions(ctx context.Context) (map[kmsg.Key][2]int16, error) {
	a, err := Versions(ctx, s.ours)
	if err != nil {
		return nil, err
	}
	b, err := Versions(ctx, s.reference)
	return bothServe(a, b), err
}

// TestDifferential holds a broker against the reference; make differential starts both.
func TestDifferential(t *testing.T) {
	if *ours == "" || *reference == "" {
		t.Skip("no -ours and -reference addresses")
	}
	s := sides{dialer(*ours), dialer(*reference)}
	for _, dial := range []Dialer{s.ours, s.reference} {
		if err := Prepare(t.Context(), dial); err != nil {
			t.Fatal(err)
		}
	}
	versions, err := s.versions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := s.find(t, versions, "drawn")
	if found.what == "" {
		return
	}
	t.Error(found.what)
	for _, m := range found.moves {
		t.Logf("v%d %v", m.Version, m)
	}
	if *keep == "" {
		return
	}
	file, content, err := Keep(t.Context(), s.reference, *keep, found.moves)
	if err == nil {
		err = os.WriteFile(filepath.Join(directory, file), content, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}

// quiet is a test that takes note of a failure instead of failing: rapid tells of it in more words than one wants to read.
type quiet struct {
	rapid.TB
	failed bool
}

func (q *quiet) Errorf(string, ...any) { q.failed = true }
func (q *quiet) Fatalf(string, ...any) { q.FailNow() }
func (q *quiet) Fail()                 { q.failed = true }
func (q *quiet) FailNow()              { q.failed = true; runtime.Goexit() }
func (q *quiet) Failed() bool          { return q.failed }

// find is differential for who takes a difference for a result.
func (s sides) find(t rapid.TB, versions map[kmsg.Key][2]int16, run string) (found finding) {
	var done sync.WaitGroup
	done.Go(func() { s.differential(&quiet{TB: t}, versions, run, &found) })
	done.Wait()
	return found
}
