package linearizability_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"odradek/linearizability"
	"odradek/linearizability/history"
	"odradek/linearizability/historytest"
	"odradek/linearizability/verdict"
)

func check(t *testing.T, s *historytest.Script) linearizability.Report {
	t.Helper()
	table := s.Table(t)
	return linearizability.Check(table, table.Header.Promises)
}

func TestPass(t *testing.T) {
	s := historytest.New()
	s.Put("p", "a", 0)
	s.Final("f", "a")
	r := check(t, s)
	if r.Verdict != linearizability.Pass || r.String() != "" {
		t.Errorf("%s\n%s", r.Verdict, r)
	}
	if got, want := r.Line(), "verdict=pass operations=4 violations=0"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFailTellsWhatAndHow(t *testing.T) {
	s := historytest.New()
	s.Put("p", "a", 0)
	s.Put("p", "b", 1)
	s.Final("f", "a")
	r := check(t, s)
	if got, want := r.Line(), "verdict=fail operations=5 violations=1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, words := range []string{`lost-write: t-0: "b" of p was acknowledged at offset 1`, `"op":"send","id":2,"topic":"t"`} {
		if !strings.Contains(r.String(), words) {
			t.Errorf("%s\nlacks %s", r, words)
		}
	}
}

func TestManyOfAKindAreCountedAndTenAreTold(t *testing.T) {
	s := historytest.New()
	for i := range 25 {
		s.Put("p", strings.Repeat("x", i+1), int64(i))
	}
	s.Final("f")
	r := check(t, s)
	if len(r.Violations) != verdict.PerKindMax || r.Counts[verdict.LostWrite] != 25 || !strings.Contains(r.String(), "lost-write: and 15 more") {
		t.Errorf("%d told, %v counted\n%s", len(r.Violations), r.Counts, r)
	}
}

func TestPromisesOfTheHeaderCount(t *testing.T) {
	s := historytest.New()
	s.Acked("p", s.Send("p", 0, "a", history.AcksOne, false), 0, 0)
	s.Final("f")
	if r := check(t, s); r.Verdict != linearizability.Fail {
		t.Errorf("%s\n%s", r.Verdict, r)
	}
	s.Promises.MayLoseAcksOne = []string{"t"}
	if r := check(t, s); r.Verdict != linearizability.Pass || !strings.Contains(r.String(), "allowed: lost-acks-one 1") {
		t.Errorf("%s\n%s", r.Verdict, r)
	}
}

func TestCorrectHistoriesPass(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := historytest.Play(rapid.IntRange(0, 60).Draw(r, "steps"), func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "n") })
		if got := check(t, s); got.Verdict != linearizability.Pass {
			r.Fatalf("%s\n%s", got, s.Text(t))
		}
	})
}

func TestEveryMutationFails(t *testing.T) {
	for seed := range uint64(30) {
		for _, m := range historytest.Mutations {
			r := rand.New(rand.NewPCG(seed, 2))
			s := historytest.Play(60, r.IntN)
			if !m.Break(s, r.IntN) {
				continue
			}
			if got := check(t, s); got.Verdict != linearizability.Fail || got.Counts[m.Kind] == 0 {
				t.Errorf("seed %d, %s: %s\n%s", seed, m.Name, got.Verdict, got)
			}
		}
	}
}
