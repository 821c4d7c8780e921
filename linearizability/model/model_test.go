package model

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"odradek/linearizability/history"
	"odradek/linearizability/historytest"
	"odradek/linearizability/verdict"
)

const all = history.AcksAll

func words(r verdict.Report) string {
	var out []string
	for _, v := range r.Violations {
		out = append(out, v.String())
	}
	return strings.Join(append(append(out, r.Unknown...), r.Notes...), "\n")
}

func TestHandMade(t *testing.T) {
	mayLose := history.Promises{MayLoseAcksOne: []string{"t"}}
	for _, c := range []struct {
		name     string
		promises history.Promises
		play     func(s *historytest.Script)
		want     verdict.Verdict
		words    string // in the first violation
	}{
		{name: "nothing", play: func(s *historytest.Script) {}, want: verdict.Pass},
		{name: "one after another", play: func(s *historytest.Script) {
			s.Put("p", "a", 0)
			s.Put("p", "b", 1)
			s.Final("f", "a", "b")
		}, want: verdict.Pass},
		{name: "acknowledged in the wrong order of time", play: func(s *historytest.Script) {
			s.Put("p", "a", 1)
			s.Put("q", "b", 0)
		}, want: verdict.Fail, words: `the append of "b" at offset 0 comes before the append of "a" at offset 1 in the log, and began after`},
		{name: "the same, concurrent", play: func(s *historytest.Script) {
			a, b := s.Send("p", 0, "a", all, true), s.Send("q", 0, "b", all, true)
			s.Acked("p", a, 0, 1)
			s.Acked("q", b, 0, 0)
		}, want: verdict.Pass},
		{name: "a poll may lag", play: func(s *historytest.Script) {
			s.Put("p", "a", 0)
			s.Put("p", "b", 1)
			s.Assign("c", 0, false)
			s.Poll("c", 0, "a")
		}, want: verdict.Pass},
		{name: "a poll may not lead", play: func(s *historytest.Script) {
			s.Assign("c", 0, false)
			s.Poll("c", 0, "a")
			s.Put("p", "a", 0)
		}, want: verdict.Fail, words: `the append of "a" at offset 0 comes before the poll of c up to offset 0`},
		{name: "a poll bounds an append whose end is unknown", play: func(s *historytest.Script) {
			s.Send("p", 0, "a", all, true)
			s.Assign("c", 0, false)
			s.Poll("c", 0, "a")
			s.Put("q", "b", 1)
			s.Final("f", "a", "b")
		}, want: verdict.Pass},
		{name: "an unknown append cannot come before what ended before it began", play: func(s *historytest.Script) {
			s.Put("q", "b", 1)
			s.Send("p", 0, "a", all, true)
			s.Final("f", "a", "b")
		}, want: verdict.Fail, words: `the append of "a" at offset 0 comes before the append of "b"`},
		{name: "two readers see two logs", play: twoLogs,
			want: verdict.Fail, words: "has a place for the poll of d up to offset 0"},
		{name: "a reader sees another record than was acknowledged", play: func(s *historytest.Script) {
			s.Put("p", "a", 0)
			s.Send("p", 0, "b", all, true)
			s.Final("f", "b")
		}, want: verdict.Fail},
		{name: "a record from nowhere", play: func(s *historytest.Script) {
			s.Final("f", "a")
		}, want: verdict.Fail, words: "the record read at offset 0 was appended by no send"},
		{name: "a failed record", play: func(s *historytest.Script) {
			s.Lost("p", s.Send("p", 0, "a", all, true), history.Fail)
			s.Final("f", "a")
		}, want: verdict.Fail, words: "appended by no send"},
		{name: "an idempotent record twice", play: func(s *historytest.Script) {
			s.Put("p", "a", 0)
			s.Final("f", "a", "a")
		}, want: verdict.Fail, words: "the record read at offset 1"},
		{name: "a repeated record of another producer", play: func(s *historytest.Script) {
			s.Acked("p", s.Send("p", 0, "a", all, false), 0, 0)
			s.Final("f", "a", "a")
		}, want: verdict.Pass},
		{name: "an acknowledged record that may be lost", promises: mayLose, play: func(s *historytest.Script) {
			s.Acked("p", s.Send("p", 0, "a", history.AcksOne, false), 0, 0)
			s.Put("q", "b", 0)
			s.Final("f", "b")
		}, want: verdict.Pass},
		{name: "offsets without a record", play: func(s *historytest.Script) {
			s.Put("p", "a", 0)
			s.Put("p", "b", 3)
			s.Assign("f", 0, true)
			s.PollRun("f", history.Run{Topic: "t", Offset: 0, Next: 3, Values: []string{"a"}})
			s.Poll("f", 3, "b")
		}, want: verdict.Pass},
		{name: "a log may begin anywhere", play: func(s *historytest.Script) {
			s.Put("p", "a", 1<<40)
			s.Put("p", "b", 1<<40+1)
		}, want: verdict.Pass},
		{name: "a fork fills the offset that nobody else has", play: func(s *historytest.Script) {
			s.Put("p", "a", 0)
			s.Lost("q", s.Send("q", 0, "b", all, true), history.Info)
			s.Put("p", "c", 2)
		}, want: verdict.Pass},
		{name: "a fork is not needed", play: func(s *historytest.Script) {
			s.Put("p", "a", 0)
			s.Lost("q", s.Send("q", 0, "b", all, true), history.Info)
			s.Put("p", "c", 1)
		}, want: verdict.Pass},
		{name: "a fork began too late", play: func(s *historytest.Script) {
			s.Put("p", "a", 0)
			s.Put("p", "c", 2)
			s.Lost("q", s.Send("q", 0, "b", all, true), history.Info)
		}, want: verdict.Fail, words: `has a place for the append of "c" at offset 2`},
		{name: "one fork does not fill two offsets", play: func(s *historytest.Script) {
			s.Put("p", "a", 0)
			s.Lost("q", s.Send("q", 0, "b", all, true), history.Info)
			s.Put("p", "c", 3)
		}, want: verdict.Fail},
		{name: "forks in an order that time allows", play: func(s *historytest.Script) {
			s.Lost("q", s.Send("q", 0, "x", all, true), history.Info)
			s.Put("p", "a", 1)
			s.Lost("q", s.Send("q", 0, "y", all, true), history.Info)
			s.Put("p", "b", 3)
		}, want: verdict.Pass},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := historytest.New()
			c.play(s)
			got := Check(s.Table(t), c.promises, Limits{})
			if got.Verdict() != c.want {
				t.Fatalf("%s, want %s\n%s", got.Verdict(), c.want, words(got))
			}
			if c.want == verdict.Fail && !strings.Contains(got.Violations[0].Words, c.words) {
				t.Errorf("lacks %q:\n%s", c.words, words(got))
			}
		})
	}
}

func TestCorrectHistoriesPass(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := historytest.Play(rapid.IntRange(0, 80).Draw(r, "steps"), func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "n") })
		limits := Limits{OpsMax: rapid.IntRange(1, 20).Draw(r, "window")}
		if got := Check(s.Table(t), s.Promises, limits); got.Verdict() != verdict.Pass {
			r.Fatalf("%s\n%s", words(got), s.Text(t))
		}
	})
}

// A history that breaks off anywhere is a correct history whose last operations have no end.
func TestCorrectHistoriesPassWhereverTheyBreakOff(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := historytest.Play(rapid.IntRange(1, 60).Draw(r, "steps"), func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "n") })
		s.Events = s.Events[:rapid.IntRange(0, len(s.Events)).Draw(r, "kept")]
		if got := Check(s.Table(t), s.Promises, Limits{}); got.Verdict() != verdict.Pass {
			r.Fatalf("%s\n%s", words(got), s.Text(t))
		}
	})
}

func TestMutationsAreFound(t *testing.T) {
	// What the model is to see; the others break promises that are not the log's.
	seen := map[verdict.Kind]bool{verdict.Duplicate: true, verdict.InconsistentOffsets: true, verdict.WrongAck: true,
		verdict.Phantom: true, verdict.AbortedRead: true}
	for _, m := range historytest.Mutations {
		if !seen[m.Kind] {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			tried := 0
			for seed := range uint64(60) {
				r := rand.New(rand.NewPCG(seed, 1))
				s := historytest.Play(80, r.IntN)
				if !m.Break(s, r.IntN) {
					continue
				}
				tried++
				for _, window := range []int{1, 7, 1000} {
					if got := Check(s.Table(t), s.Promises, Limits{OpsMax: window}); got.Verdict() != verdict.Fail {
						t.Fatalf("seed %d in windows of %d: %s:\n%s\n%s", seed, window, got.Verdict(), words(got), s.Text(t))
					}
				}
			}
			if tried < 20 {
				t.Fatalf("the mutation fitted %d of 60 histories", tried)
			}
		})
	}
}

// The windows lose nothing: whatever the size, the verdict is that of one window over everything.
func TestWindowsAgreeWithTheWhole(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := historytest.New()
		open := map[int64]int64{}
		places := rapid.Permutation([]int64{0, 1, 2, 3, 4, 5}).Draw(r, "places")
		for len(places) > 0 || len(open) > 0 {
			if len(places) > 0 && (len(open) == 0 || rapid.Bool().Draw(r, "begin")) {
				v := string(rune('a' + places[0]))
				open[s.Send("p", 0, v, all, true)] = places[0]
				places = places[1:]
				continue
			}
			for id := int64(1); ; id++ { // the oldest: histories are to be linearizable now and then
				if place, ok := open[id]; ok {
					s.Acked("p", id, 0, place)
					delete(open, id)
					break
				}
			}
		}
		whole := Check(s.Table(t), s.Promises, Limits{OpsMax: 1000}).Verdict()
		for size := 1; size < 6; size++ {
			if got := Check(s.Table(t), s.Promises, Limits{OpsMax: size}).Verdict(); got != whole {
				r.Fatalf("windows of %d say %s, the whole says %s\n%s", size, got, whole, s.Text(t))
			}
		}
	})
}

// Cost grows with what must be guessed, not with what is concurrent: a cluster that was cut off answers everything at once.
func TestThousandsOfConcurrentSendsAreNoGuess(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	s := historytest.New()
	const n = 3000
	values := make([]string, n)
	ids := map[int]int64{}
	for _, place := range r.Perm(n) {
		values[place] = fmt.Sprint("v", place)
		ids[place] = s.Send("p", 0, values[place], all, false)
	}
	s.Assign("c", 0, false)
	for at := 0; at < n; at += 100 {
		s.Poll("c", int64(at), values[at:at+100]...)
	}
	for _, place := range r.Perm(n) {
		s.Acked("p", ids[place], 0, int64(place))
	}
	s.Final("f", values...)
	began := time.Now()
	if got := Check(s.Table(t), history.Promises{}, Limits{}); got.Verdict() != verdict.Pass {
		t.Fatal(words(got))
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestTopicsThatMayForgetAreNotJudged(t *testing.T) {
	s := historytest.New()
	s.Put("p", "a", 1)
	s.Put("q", "b", 0)
	got := Check(s.Table(t), history.Promises{MayLoseAcksAll: []string{"t"}}, Limits{})
	if got.Verdict() != verdict.Pass || len(got.Notes) != 1 {
		t.Errorf("%s\n%s", got.Verdict(), words(got))
	}
}

func TestTimeOutIsUnknown(t *testing.T) {
	s := historytest.New()
	for i := range 7 {
		s.Lost("q", s.Send("q", 0, string(rune('a'+i)), all, true), history.Info)
	}
	s.Put("p", "x", 20)
	got := Check(s.Table(t), history.Promises{}, Limits{Timeout: time.Nanosecond})
	if got.Verdict() != verdict.Unknown || len(got.Unknown) != 1 {
		t.Errorf("%s\n%s", got.Verdict(), words(got))
	}
}

func TestChain(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a, b, c := rapid.Uint64Max(modulus-1).Draw(r, "a"), rapid.Uint64Max(modulus-1).Draw(r, "b"), rapid.Uint64Max(modulus-1).Draw(r, "c")
		if mul(a, b) != mul(b, a) || mul(mul(a, b), c) != mul(a, mul(b, c)) || mul(a, add(b, c)) != add(mul(a, b), mul(a, c)) {
			r.Fatal("no field")
		}
		n, m := rapid.Int64Range(0, 1<<60).Draw(r, "n"), rapid.Int64Range(0, 1<<60).Draw(r, "m")
		if power(n+m) != mul(power(n), power(m)) {
			r.Fatal("no power")
		}
	})
	if mul(modulus-1, modulus-1) != 1 || add(modulus-1, 1) != 0 {
		t.Error("-1 squared is not 1, or -1 + 1 is not 0")
	}
}

func BenchmarkCheck(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	table := historytest.Play(20_000, r.IntN).Table(b)
	for b.Loop() {
		if got := Check(table, table.Header.Promises, Limits{}); got.Verdict() != verdict.Pass {
			b.Fatal(words(got))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(table.Operations), "ns/operation")
}
