package validate_test

import (
	"testing"

	"odradek/linearizability/history"
	"odradek/linearizability/historytest"
	"odradek/linearizability/validate"
	"odradek/linearizability/verdict"
)

// own tells a member that it has partition 0 of topic t in a generation of group g.
func own(s *historytest.Script, process string, generation int32) {
	s.Begin(process, history.Event{Op: history.Own, Group: "g", Generation: generation, Topic: "t"})
}

func beginCommit(s *historytest.Script, process string, generation int32, offset int64) int64 {
	return s.Begin(process, history.Event{Op: history.Commit, Group: "g", Generation: generation, Positions: []history.Position{{Topic: "t", Offset: offset}}})
}

// commit is a commit, and how it ends.
func commit(s *historytest.Script, process string, generation int32, offset int64, outcome history.Type) {
	e := history.Event{Op: history.Commit}
	if outcome != history.OK {
		e.Error = "ILLEGAL_GENERATION"
	}
	s.End(process, beginCommit(s, process, generation, offset), outcome, e)
}

// committed is an answer of what group g has committed; -1 is nothing.
func committed(s *historytest.Script, process string, offset int64) {
	id := s.Begin(process, history.Event{Op: history.Committed, Group: "g"})
	positions := []history.Position{}
	if offset >= 0 {
		positions = append(positions, history.Position{Topic: "t", Offset: offset})
	}
	s.End(process, id, history.OK, history.Event{Op: history.Committed, Positions: positions})
}

// anywhere begins to read partition 0 where the group left off.
func anywhere(s *historytest.Script, process string) {
	s.Assign(process, history.PositionLatest, false)
}

var groupCases = []handMade{
	{name: "a member reads and commits", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		own(s, "m1", 1)
		anywhere(s, "m1")
		s.Poll("m1", 0, "a")
		commit(s, "m1", 1, 1, history.OK)
		own(s, "m2", 2)
		anywhere(s, "m2")
		commit(s, "m1", 1, 1, history.Fail)
		s.Poll("m2", 1, "b")
		commit(s, "m2", 2, 2, history.OK)
		s.Final("f", "a", "b")
		committed(s, "f", 2)
	}},
	{name: "a redelivery commits the same again", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		own(s, "m1", 1)
		anywhere(s, "m1")
		s.Poll("m1", 0, "a")
		commit(s, "m1", 1, 1, history.Info) // it is in force, or not
		own(s, "m2", 2)
		anywhere(s, "m2")
		s.Poll("m2", 0, "a")
		commit(s, "m2", 2, 1, history.OK)
		s.Final("f", "a")
		committed(s, "f", 1)
	}},
	{name: "a commit of unknown outcome comes late", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		own(s, "m1", 1)
		anywhere(s, "m1")
		s.Poll("m1", 0, "a", "b")
		commit(s, "m1", 1, 1, history.OK)
		beginCommit(s, "m1", 1, 2)
		s.Final("f", "a", "b")
		committed(s, "f", 2)
	}},
	{name: "nothing was committed", play: func(s *historytest.Script) {
		own(s, "m1", 1)
		commit(s, "m1", 1, 0, history.Info)
		s.Final("f")
		committed(s, "f", -1)
	}},
	{name: "two-owners", play: func(s *historytest.Script) {
		own(s, "m1", 3)
		own(s, "m2", 3)
		s.Final("f")
	}, want: []verdict.Kind{verdict.TwoOwners}, words: "generation 3 of group g gave it to m1 and to m2"},
	{name: "one after the other", play: func(s *historytest.Script) {
		own(s, "m1", 3)
		own(s, "m2", 4)
		own(s, "m1", 5)
		s.Final("f")
	}},
	{name: "stale-commit", play: func(s *historytest.Script) {
		own(s, "m1", 1)
		own(s, "m2", 2)
		commit(s, "m1", 1, 0, history.OK)
		s.Final("f")
		committed(s, "f", 0)
	}, want: []verdict.Kind{verdict.StaleCommit}, words: "m1 committed in generation 1"},
	{name: "a commit that was under way when the generation ended", play: func(s *historytest.Script) {
		own(s, "m1", 1)
		id := beginCommit(s, "m1", 1, 0)
		own(s, "m2", 2)
		s.End("m1", id, history.OK, history.Event{Op: history.Commit})
		s.Final("f")
		committed(s, "f", 0)
	}},
	{name: "the next life of a static member", promises: history.Promises{Static: []string{"g"}}, play: func(s *historytest.Script) {
		own(s, "m.1", 3)
		commit(s, "m.1", 3, 0, history.OK)
		own(s, "m.2", 3)
		commit(s, "m.1", 3, 0, history.Fail)
		commit(s, "m.2", 3, 0, history.OK)
		s.Final("f")
		committed(s, "f", 0)
	}},
	{name: "another static member", promises: history.Promises{Static: []string{"g"}}, play: func(s *historytest.Script) {
		own(s, "m.1", 3)
		own(s, "n.1", 3)
		s.Final("f")
	}, want: []verdict.Kind{verdict.TwoOwners}, words: "gave it to m.1 and to n.1"},
	{name: "the life before of a static member", promises: history.Promises{Static: []string{"g"}}, play: func(s *historytest.Script) {
		own(s, "m.1", 3)
		own(s, "m.2", 3)
		commit(s, "m.1", 3, 0, history.OK)
		s.Final("f")
		committed(s, "f", 0)
	}, want: []verdict.Kind{verdict.StaleCommit}, words: "m.1 committed in generation 3 of group g, after m.2 had been told of generation 3"},
	{name: "members in different epochs", promises: history.Promises{HandedOver: []string{"g"}}, play: func(s *historytest.Script) {
		own(s, "m1", 3)
		s.Begin("m2", history.Event{Op: history.Own, Group: "g", Generation: 4, Topic: "t", Partition: 1})
		commit(s, "m1", 3, 0, history.OK) // of what it still has
		s.Final("f")
		committed(s, "f", 0)
	}},
	{name: "a partition that was handed over", promises: history.Promises{HandedOver: []string{"g"}}, play: func(s *historytest.Script) {
		own(s, "m1", 3)
		own(s, "m2", 4)
		commit(s, "m1", 3, 0, history.OK)
		s.Final("f")
		committed(s, "f", 0)
	}, want: []verdict.Kind{verdict.StaleCommit}, words: "after m2 had been told of generation 4"},
	{name: "commit-went-back", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		own(s, "m1", 1)
		anywhere(s, "m1")
		s.Poll("m1", 0, "a", "b")
		commit(s, "m1", 1, 2, history.OK)
		own(s, "m2", 2)
		anywhere(s, "m2")
		s.Poll("m2", 0, "a")
		commit(s, "m2", 2, 1, history.OK)
		s.Final("f", "a", "b")
		committed(s, "f", 1)
	}, want: []verdict.Kind{verdict.CommitWentBack}, words: "m1 had committed offset 2, and m2 committed 1 later"},
	{name: "committed offsets may be lost", promises: history.Promises{MayLoseAcksAll: []string{validate.OffsetsTopic}}, play: func(s *historytest.Script) {
		own(s, "m1", 1)
		commit(s, "m1", 1, 2, history.OK)
		commit(s, "m1", 1, 1, history.OK)
		s.Final("f")
		committed(s, "f", -1)
	}, allowed: []string{validate.Forgotten}},
	{name: "lost-commit: an older one is in force", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		own(s, "m1", 1)
		anywhere(s, "m1")
		s.Poll("m1", 0, "a", "b")
		commit(s, "m1", 1, 1, history.OK)
		commit(s, "m1", 1, 2, history.OK)
		s.Final("f", "a", "b")
		committed(s, "f", 1)
	}, want: []verdict.Kind{verdict.LostCommit}, words: "m1 committed offset 2, and what is committed is 1"},
	{name: "lost-commit: nothing is in force", play: func(s *historytest.Script) {
		own(s, "m1", 1)
		commit(s, "m1", 1, 0, history.OK)
		s.Final("f")
		committed(s, "f", -1)
	}, want: []verdict.Kind{verdict.LostCommit}},
	{name: "lost-commit: a refused one is in force", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		own(s, "m1", 1)
		anywhere(s, "m1")
		s.Poll("m1", 0, "a")
		commit(s, "m1", 1, 0, history.OK)
		commit(s, "m1", 1, 1, history.Fail)
		s.Final("f", "a")
		committed(s, "f", 1)
	}, want: []verdict.Kind{verdict.LostCommit}},
	{name: "undelivered", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		own(s, "m1", 1)
		anywhere(s, "m1")
		s.Poll("m1", 1, "b")
		commit(s, "m1", 1, 2, history.OK)
		s.Final("f", "a", "b")
		committed(s, "f", 2)
	}, want: []verdict.Kind{verdict.Undelivered}, words: `none of its members got "a" at offset 0`},
	{name: "what others got is not delivered to the group", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Assign("c", 0, false)
		s.Poll("c", 0, "a")
		own(s, "m1", 1)
		commit(s, "m1", 1, 1, history.OK)
		s.Final("f", "a")
		committed(s, "f", 1)
	}, want: []verdict.Kind{verdict.Undelivered}},
	{name: "what was deleted need not be delivered", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Delete("d", 1)
		own(s, "m1", 1)
		anywhere(s, "m1")
		s.Poll("m1", 1, "b")
		commit(s, "m1", 1, 2, history.OK)
		s.FinalRuns("f", 1, 2, at(1, "b"))
		committed(s, "f", 2)
	}, allowed: []string{validate.Deleted}},
}

// Events of groups are written as they are read.
func TestGroupEventsRoundTrip(t *testing.T) {
	s := historytest.New()
	for _, c := range groupCases {
		c.play(s)
		break
	}
	if table := s.Table(t); len(table.Owns) != 2 || len(table.Commits) != 3 || len(table.Committed) != 1 || table.Commits[1].Outcome != history.Fail {
		t.Errorf("%+v, %+v, %+v", table.Owns, table.Commits, table.Committed)
	}
}
