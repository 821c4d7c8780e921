package mutants

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odradek/linearizability/verdict"
	"odradek/sim"
)

func violating(kinds ...string) *sim.Result {
	r := &sim.Result{Virtual: time.Minute, Verdict: verdict.Pass}
	for _, kind := range kinds {
		r.Verdict = verdict.Fail
		r.Violations = append(r.Violations, sim.Violation{Kind: kind})
	}
	return r
}

func TestScoreTakesOnlyWhatFinds(t *testing.T) {
	s := Score{Mutant: Mutant{Name: "m", Finds: []string{"lost-write"}}}
	s.take(1, violating(), nil)
	s.take(2, nil, errors.New("guest spins"))
	s.take(3, violating("broker-died"), nil)
	unknown := violating()
	unknown.Verdict = verdict.Unknown
	s.take(4, unknown, nil)
	if s.Found || s.Seeds != 4 || len(s.Broken) != 1 || len(s.Missed) != 1 || s.Virtual != 3*time.Minute {
		t.Fatalf("%+v", s)
	}
	if !strings.HasPrefix(s.String(), "ALIVE m ") {
		t.Error(s)
	}
	s.take(5, violating("two-leaders", "lost-write"), nil)
	if !s.Found || s.Seed != 5 || s.Seeds != 5 {
		t.Fatalf("%+v", s)
	}
	if text := s.String(); !strings.HasPrefix(text, "found m ") || !strings.Contains(text, "seed=5 two-leaders,lost-write") {
		t.Error(text)
	}
}

func TestAnyViolationFindsAMutantWithoutKinds(t *testing.T) {
	var s Score
	s.take(1, violating("replicas-differ"), nil)
	if !s.Found {
		t.Errorf("%+v", s)
	}
}

func TestLine(t *testing.T) {
	for want, scores := range map[string][]Score{
		"mutants=0 found=0 alive=0 median_seeds=0":   nil,
		"mutants=1 found=0 alive=1 median_seeds=0":   {{Seeds: 50}},
		"mutants=2 found=1 alive=1 median_seeds=7":   {{Seeds: 50}, {Found: true, Seeds: 7}},
		"mutants=2 found=2 alive=0 median_seeds=2.5": {{Found: true, Seeds: 4}, {Found: true, Seeds: 1}},
		"mutants=3 found=3 alive=0 median_seeds=4":   {{Found: true, Seeds: 9}, {Found: true, Seeds: 1}, {Found: true, Seeds: 4}},
	} {
		if got := Line(scores); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestSelect(t *testing.T) {
	all := []Mutant{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	some, err := Select(all, []string{"c", "a"})
	if err != nil || len(some) != 2 || some[0].Name != "a" || some[1].Name != "c" || len(all) != 3 {
		t.Errorf("%v %v", some, err)
	}
	if some, err = Select(all, nil); err != nil || len(some) != 3 {
		t.Errorf("%v %v", some, err)
	}
	if _, err := Select(all, []string{"d"}); err == nil || !strings.Contains(err.Error(), "a, b, c") {
		t.Error(err)
	}
}

func TestOverlayIsStale(t *testing.T) {
	root := t.TempDir()
	m := Mutant{Name: "m", Edits: []Edit{{File: "f.go", Old: "one", New: "two"}}}
	if _, err := m.Overlay(root, t.TempDir()); !errors.Is(err, ErrStale) {
		t.Error(err)
	}
	for _, content := range []string{"two", "one and one"} {
		if err := os.WriteFile(filepath.Join(root, "f.go"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Overlay(root, t.TempDir()); !errors.Is(err, ErrStale) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

// TestHuntStopsAtAMutantThatDoesNotFit needs no build: the overlay is refused before.
func TestHuntStopsAtAMutantThatDoesNotFit(t *testing.T) {
	told := 0
	h := Hunt{
		Mutants: []Mutant{{Name: "m", Edits: []Edit{{File: "f.go", Old: "one", New: "two"}}}, {Name: "n"}},
		Root:    t.TempDir(), Dir: t.TempDir(), First: 1, Last: 2, Jobs: 2, Done: func(Score) { told++ },
	}
	if _, err := h.Run(context.Background()); !errors.Is(err, ErrStale) || told != 0 {
		t.Errorf("%v, %d scores", err, told)
	}
}

// TestHuntFindsAMutant builds one guest and runs it: the way from a text file to a violation, whole.
func TestHuntFindsAMutant(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a guest and runs universes")
	}
	all, err := Known()
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := Select(all, []string{"reads-above-high-watermark"})
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	h := Hunt{Mutants: chosen, Root: root, Dir: t.TempDir(), First: 1, Last: 20}
	scores, err := h.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(scores[0])
	if Alive(scores) > 0 {
		t.Error(Line(scores))
	}
}
