package validate_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"odradek/linearizability/history"
	"odradek/linearizability/historytest"
	"odradek/linearizability/validate"
	"odradek/linearizability/verdict"
)

const (
	all = history.AcksAll
	one = history.AcksOne
	non = history.AcksNone
)

// mayLose are promises that give up topic t's records of some acks.
func mayLose(acks history.Acks) history.Promises {
	if acks == one {
		return history.Promises{MayLoseAcksOne: []string{"t"}}
	}
	return history.Promises{MayLoseAcksAll: []string{"t"}}
}

// handMade is a history made by hand: what it violates, once each, and which exceptions it needs.
type handMade struct {
	name     string
	promises history.Promises
	play     func(s *historytest.Script)
	want     []verdict.Kind
	allowed  []string
	words    string // in the first violation
}

var cases = []handMade{
	{name: "nothing", play: func(s *historytest.Script) {}},
	{name: "plain", promises: history.Promises{Progress: true}, play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Assign("c", 0, false)
		s.Poll("c", 0, "a")
		s.Poll("c", 1, "b")
		s.Final("f", "a", "b")
	}},
	{name: "unknown outcomes, one there and one not", play: func(s *historytest.Script) {
		s.Lost("p", s.Send("p", 0, "a", all, true), history.Info)
		s.Lost("p", s.Send("p", 0, "b", all, true), history.Info)
		s.Send("p", 0, "c", all, true)
		s.Final("f", "b")
	}},
	{name: "lost-write: acknowledged and in the middle of nothing", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Assign("f", 0, true)
		s.Ends("f", 3)
		s.Poll("f", 0, "a")
		s.PollRun("f", history.Run{Topic: "t", Offset: 2, Next: 3})
	}, want: []verdict.Kind{verdict.LostWrite}, words: `"b" of p was acknowledged at offset 1 (acks=all); the final read of f passed it`},
	{name: "lost-write: the log ends before it", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Final("f", "a")
	}, want: []verdict.Kind{verdict.LostWrite}, words: "f found the end at offset 1"},
	{name: "lost-write: another record has its place", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Lost("q", s.Send("q", 0, "b", all, true), history.Info)
		s.Final("f", "b")
	}, want: []verdict.Kind{verdict.LostWrite}, words: `where f found "b"; it is nowhere else`},
	{name: "lost-write: a consumer passed it, without a final read", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Lost("p", s.Send("p", 0, "b", all, true), history.Info)
		s.Assign("c", 0, false)
		s.Poll("c", 1, "b")
	}, want: []verdict.Kind{verdict.LostWrite}, words: "c passed it"},
	{name: "lost-write: read by one and gone for the final read", play: func(s *historytest.Script) {
		s.Lost("p", s.Send("p", 0, "a", all, true), history.Info)
		s.Assign("c", 0, false)
		s.Poll("c", 0, "a")
		s.Final("f")
	}, want: []verdict.Kind{verdict.LostWrite}, words: "was read by c"},
	{name: "lost-write: acknowledged without an offset and nowhere", play: func(s *historytest.Script) {
		s.Acked("p", s.Send("p", 0, "a", all, true), 0, -1)
		s.Final("f")
	}, want: []verdict.Kind{verdict.LostWrite}, words: "and is nowhere"},
	{name: "lost-write: acks=1, when nothing may be lost", play: func(s *historytest.Script) {
		s.Acked("p", s.Send("p", 0, "a", one, false), 0, 0)
		s.Final("f")
	}, want: []verdict.Kind{verdict.LostWrite}},
	{name: "acks=1 may be lost", promises: mayLose(one), play: func(s *historytest.Script) {
		s.Acked("p", s.Send("p", 0, "a", one, false), 0, 0)
		s.Acked("p", s.Send("p", 0, "b", one, false), 0, 0)
		s.Final("f", "b")
	}, allowed: []string{validate.LostAcksOne}},
	{name: "acks=all may be lost", promises: mayLose(all), play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Assign("c", 0, false)
		s.Poll("c", 0, "a")
		s.Put("p", "b", 0)
		s.Final("f", "b")
	}, allowed: []string{validate.LostAcksAll, validate.Forgotten}},
	{name: "acks=0 promises nothing", play: func(s *historytest.Script) {
		s.Acked("p", s.Send("p", 0, "a", non, false), 0, -1)
		s.Final("f")
	}},
	{name: "acknowledged after the final read asked for the end", play: func(s *historytest.Script) {
		id := s.Send("p", 0, "a", all, true)
		s.Assign("f", 0, true)
		s.Ends("f", 0)
		s.Acked("p", id, 0, 0)
	}, allowed: []string{validate.AckAfterFinal}},
	{name: "not read to the end, and no progress demanded", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Assign("f", 0, true)
		s.Ends("f", 2)
		s.Poll("f", 0, "a")
	}},
	{name: "unseen: the final read stops short", promises: history.Promises{Progress: true}, play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Assign("f", 0, true)
		s.Ends("f", 2)
		s.Poll("f", 0, "a")
	}, want: []verdict.Kind{verdict.Unseen}, words: "came to offset 1 of 2"},
	{name: "unseen: no end is known", promises: history.Promises{Progress: true}, play: func(s *historytest.Script) {
		s.Assign("f", 0, true)
	}, want: []verdict.Kind{verdict.Unseen}, words: "not told where it ends"},
	{name: "unseen: no final read", promises: history.Promises{Progress: true}, play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
	}, want: []verdict.Kind{verdict.Unseen}, words: `no final read of it was begun; "a" was acknowledged`},
	{name: "duplicate", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Final("f", "a", "a")
	}, want: []verdict.Kind{verdict.Duplicate}, words: "at offset 0 of t-0 and at offset 1 of t-0"},
	{name: "a retry without idempotence", play: func(s *historytest.Script) {
		s.Acked("p", s.Send("p", 0, "a", all, false), 0, 1)
		s.Final("f", "a", "a")
	}, allowed: []string{validate.Retried}},
	{name: "inconsistent-offsets: two readers", play: func(s *historytest.Script) {
		s.Lost("p", s.Send("p", 0, "a", all, true), history.Info)
		s.Lost("p", s.Send("p", 0, "b", all, true), history.Info)
		s.Assign("c", 0, false)
		s.Poll("c", 0, "a")
		s.Assign("d", 0, false)
		s.Poll("d", 0, "b")
	}, want: []verdict.Kind{verdict.InconsistentOffsets}, words: `offset 0 is "a" to c and "b" to d`},
	{name: "inconsistent-offsets: two final readers, even when records may be lost", promises: mayLose(all), play: func(s *historytest.Script) {
		s.Send("p", 0, "a", all, true)
		s.Send("p", 0, "b", all, true)
		s.Final("f", "a")
		s.Final("g", "b")
	}, want: []verdict.Kind{verdict.InconsistentOffsets}},
	{name: "inconsistent-offsets: two acknowledgements", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("q", "b", 0)
	}, want: []verdict.Kind{verdict.InconsistentOffsets}, words: `given to "a" of p and to "b" of q`},
	{name: "wrong-ack: at another offset", play: func(s *historytest.Script) {
		s.Put("p", "a", 1)
		s.Lost("q", s.Send("q", 0, "b", all, true), history.Info)
		s.Final("f", "a", "b")
	}, want: []verdict.Kind{verdict.WrongAck}, words: "acknowledged at offset 1 (acks=all) and is at offset 0"},
	{name: "wrong-ack: in another partition", play: func(s *historytest.Script) {
		s.Acked("p", s.Send("p", 0, "a", all, true), 1, 0)
	}, want: []verdict.Kind{verdict.WrongAck}, words: "was sent to t-0 and acknowledged in t-1"},
	{name: "reordered", play: func(s *historytest.Script) {
		a, b := s.Send("p", 0, "a", all, true), s.Send("p", 0, "b", all, true)
		s.Acked("p", a, 0, 1)
		s.Acked("p", b, 0, 0)
		s.Final("f", "b", "a")
	}, want: []verdict.Kind{verdict.Reordered}, words: `sent "a" before "b"; they are at offsets 1 and 0`},
	{name: "another producer's order is its own, as is one without idempotence", play: func(s *historytest.Script) {
		a, b := s.Send("p", 0, "a", all, true), s.Send("q", 0, "b", all, true)
		c, d := s.Send("r", 0, "c", all, false), s.Send("r", 0, "d", all, false)
		s.Acked("p", a, 0, 1)
		s.Acked("q", b, 0, 0)
		s.Acked("r", c, 0, 3)
		s.Acked("r", d, 0, 2)
		s.Final("f", "b", "a", "d", "c")
	}},
	{name: "non-monotonic-poll", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Assign("c", 0, false)
		s.Poll("c", 0, "a", "b")
		s.Poll("c", 1, "b")
	}, want: []verdict.Kind{verdict.NonMonotonicPoll}, words: "c was at offset 2 and then read offset 1"},
	{name: "back by an assign", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Assign("c", 0, false)
		s.Poll("c", 0, "a")
		s.Assign("c", history.PositionEarliest, false)
		s.Poll("c", 0, "a")
	}},
	{name: "poll-skip: between polls", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Put("p", "c", 2)
		s.Assign("c", 0, false)
		s.Poll("c", 0, "a")
		s.Poll("c", 2, "c")
		s.Final("f", "a", "b", "c")
	}, want: []verdict.Kind{verdict.PollSkip}, words: `c went from offset 1 to 2 over "b"`},
	{name: "poll-skip: within a run", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Assign("c", 0, false)
		s.PollRun("c", history.Run{Topic: "t", Offset: 0, Next: 2, Values: []string{"a"}})
		s.Final("f", "a", "b")
	}, want: []verdict.Kind{verdict.PollSkip}},
	{name: "poll-skip: at the very beginning", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Assign("c", history.PositionEarliest, false)
		s.Poll("c", 1, "b")
		s.Final("f", "a", "b")
	}, want: []verdict.Kind{verdict.PollSkip}},
	{name: "offsets without a record, and a start at the end", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 2)
		s.Assign("c", history.PositionLatest, false)
		s.Poll("c", 2, "b")
		s.Assign("f", 0, true)
		s.Ends("f", 4)
		s.Poll("f", 0, "a")
		s.PollRun("f", history.Run{Topic: "t", Offset: 2, Next: 4, Values: []string{"b"}})
	}},
	{name: "phantom: sent by nobody", play: func(s *historytest.Script) {
		s.Final("f", "a")
	}, want: []verdict.Kind{verdict.Phantom}, words: `"a" at offset 0 was sent by nobody`},
	{name: "phantom: sent to elsewhere", play: func(s *historytest.Script) {
		s.Send("p", 1, "a", all, true)
		s.Final("f", "a")
	}, want: []verdict.Kind{verdict.Phantom}, words: "was sent to t-1"},
	{name: "phantom: read before it was sent", play: func(s *historytest.Script) {
		s.Final("f", "a")
		s.Send("p", 0, "a", all, true)
	}, want: []verdict.Kind{verdict.Phantom}, words: "before it was sent"},
	{name: "aborted-read", play: func(s *historytest.Script) {
		s.Lost("p", s.Send("p", 0, "a", all, true), history.Fail)
		s.Final("f", "a")
	}, want: []verdict.Kind{verdict.AbortedRead}, words: "was sent in vain: REQUEST_TIMED_OUT"},
}

func TestHandMade(t *testing.T) {
	for _, c := range slices.Concat(cases, vanishingCases, transactionCases, groupCases, shareCases) {
		t.Run(c.name, func(t *testing.T) {
			s := historytest.New()
			c.play(s)
			got := validate.Check(s.Table(t), c.promises)
			for _, kind := range c.want {
				if got.Counts[kind] != 1 {
					t.Errorf("%s found %d times", kind, got.Counts[kind])
				}
			}
			if got.Total() != len(c.want) {
				t.Errorf("found %d violations, want %v:\n%s", got.Total(), c.want, words(got))
			}
			if len(c.want) > 0 && (len(got.Violations) == 0 || !strings.Contains(got.Violations[0].Words, c.words)) {
				t.Errorf("lacks %q:\n%s", c.words, words(got))
			}
			if len(got.Allowed) != len(c.allowed) {
				t.Errorf("allowed %v, want %v", got.Allowed, c.allowed)
			}
			for _, name := range c.allowed {
				if got.Allowed[name] == 0 {
					t.Errorf("%s was not allowed: %v", name, got.Allowed)
				}
			}
		})
	}
}

func words(r verdict.Report) string {
	var out []string
	for _, v := range r.Violations {
		out = append(out, v.String())
	}
	return strings.Join(out, "\n")
}

func TestEveryKindHasAHandMadeCase(t *testing.T) {
	for _, kind := range []verdict.Kind{verdict.LostWrite, verdict.Unseen, verdict.Duplicate, verdict.InconsistentOffsets, verdict.WrongAck,
		verdict.Reordered, verdict.NonMonotonicPoll, verdict.PollSkip, verdict.Phantom, verdict.AbortedRead, verdict.Undeleted, verdict.Resurrected, verdict.TornTransaction,
		verdict.CopiedTwice, verdict.CopySkipped, verdict.TwoOwners, verdict.StaleCommit, verdict.CommitWentBack, verdict.LostCommit,
		verdict.Undelivered, verdict.TakenAgain} {
		if !slices.ContainsFunc(slices.Concat(cases, vanishingCases, transactionCases, groupCases, shareCases), func(c handMade) bool { return slices.Contains(c.want, kind) }) {
			t.Errorf("no case violates %s", kind)
		}
	}
}

func TestViolationsNameTheirEvents(t *testing.T) {
	s := historytest.New()
	s.Put("p", "a", 0)
	s.Final("f")
	got := validate.Check(s.Table(t), history.Promises{}).Violations[0].String()
	for _, line := range []string{`"process":"p","type":"invoke","op":"send"`, `"type":"ok","op":"send","id":1,"partition":0,"offset":0`, `"op":"offsets"`} {
		if !strings.Contains(got, line) {
			t.Errorf("%s\nlacks %s", got, line)
		}
	}
}

func TestCorrectHistoriesPass(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := historytest.Play(rapid.IntRange(0, 80).Draw(r, "steps"), func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "n") })
		got := validate.Check(s.Table(t), s.Promises)
		if got.Verdict() != verdict.Pass {
			r.Fatalf("%s\n%s", words(got), s.Text(t))
		}
	})
}

func TestMutationsAreFound(t *testing.T) {
	for _, m := range historytest.Mutations {
		t.Run(m.Name, func(t *testing.T) {
			tried := 0
			for seed := range uint64(60) {
				r := rand.New(rand.NewPCG(seed, 1))
				s := historytest.Play(80, r.IntN)
				if !m.Break(s, r.IntN) {
					continue
				}
				tried++
				got := validate.Check(s.Table(t), s.Promises)
				if got.Counts[m.Kind] == 0 {
					t.Fatalf("seed %d: no %s found:\n%s\n%s", seed, m.Kind, words(got), s.Text(t))
				}
			}
			if tried < 20 {
				t.Fatalf("the mutation fitted %d of 60 histories", tried)
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	table := historytest.Play(100_000, r.IntN).Table(b)
	b.ResetTimer()
	for b.Loop() {
		if got := validate.Check(table, table.Header.Promises); got.Verdict() != verdict.Pass {
			b.Fatal(words(got))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(table.Operations), "ns/operation")
}
