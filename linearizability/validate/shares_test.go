package validate_test

import (
	"odradek/linearizability/history"
	"odradek/linearizability/historytest"
	"odradek/linearizability/validate"
	"odradek/linearizability/verdict"
)

// takes gives a member of share group g records of partition 0 of topic t.
func takes(s *historytest.Script, process string, offset int64, values ...string) {
	s.End(process, beginTake(s, process), history.OK, tookRun(offset, values...))
}

func beginTake(s *historytest.Script, process string) int64 {
	return s.Begin(process, history.Event{Op: history.Take, Group: "g"})
}

func tookRun(offset int64, values ...string) history.Event {
	return history.Event{Op: history.Take, Runs: []history.Run{{Topic: "t", Offset: offset, Values: values}}}
}

// settles is a member that is done with a record for good, and how that ends.
func settles(s *historytest.Script, process string, offset int64, outcome history.Type) {
	id := s.Begin(process, history.Event{Op: history.Settle, Group: "g", Positions: []history.Position{{Topic: "t", Offset: offset}}})
	e := history.Event{Op: history.Settle}
	if outcome != history.OK {
		e.Error = "INVALID_RECORD_STATE"
	}
	s.End(process, id, outcome, e)
}

// takenFrom and settledWith are about record "a" at offset 0, and a leader of an epoch.
func takenFrom(s *historytest.Script, process string, leaderEpoch int32) {
	took := tookRun(0, "a")
	took.Runs[0].LeaderEpoch = leaderEpoch
	s.End(process, beginTake(s, process), history.OK, took)
}

func settledWith(s *historytest.Script, process string, leaderEpoch int32) {
	at := []history.Position{{Topic: "t", LeaderEpoch: leaderEpoch}}
	id := s.Begin(process, history.Event{Op: history.Settle, Group: "g", Positions: at})
	s.End(process, id, history.OK, history.Event{Op: history.Settle})
}

var shareCases = []handMade{
	{name: "two members share", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		takes(s, "m1", 1, "b")
		takes(s, "m2", 0, "a")
		settles(s, "m1", 1, history.OK)
		settles(s, "m2", 0, history.OK)
		s.Final("f", "a", "b")
		committed(s, "f", 2)
	}},
	{name: "a lock ends, and the record comes again", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		takes(s, "m1", 0, "a")
		takes(s, "m2", 0, "a")
		settles(s, "m1", 0, history.Info)
		takes(s, "m2", 0, "a")
		settles(s, "m2", 0, history.OK)
		s.Final("f", "a")
		committed(s, "f", 1)
	}},
	{name: "it was acquired before it was settled", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		takes(s, "m1", 0, "a")
		late := beginTake(s, "m2")
		settles(s, "m1", 0, history.OK)
		s.End("m2", late, history.OK, tookRun(0, "a"))
		s.Final("f", "a")
		committed(s, "f", 1)
	}},
	{name: "taken-again", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		takes(s, "m1", 0, "a")
		settles(s, "m1", 0, history.OK)
		takes(s, "m2", 0, "a")
		s.Final("f", "a")
		committed(s, "f", 1)
	}, want: []verdict.Kind{verdict.TakenAgain}, words: "m1 had settled offset 0, and m2 was given it later"},
	{name: "a leader does not know yet that it was deposed", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		takenFrom(s, "m1", 1)
		settledWith(s, "m1", 1)
		takenFrom(s, "m2", 0)
		s.Final("f", "a")
		committed(s, "f", 1)
	}, allowed: []string{validate.Deposed}},
	{name: "a later leader gives what was settled", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		takenFrom(s, "m1", 1)
		settledWith(s, "m1", 1)
		takenFrom(s, "m2", 2)
		s.Final("f", "a")
		committed(s, "f", 1)
	}, want: []verdict.Kind{verdict.TakenAgain}, words: "m1 had settled offset 0, and m2 was given it later"},
	{name: "what was settled may be forgotten", promises: history.Promises{MayLoseAcksAll: []string{validate.ShareTopic}}, play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		takes(s, "m1", 0, "a")
		settles(s, "m1", 0, history.OK)
		takes(s, "m2", 0, "a")
		s.Final("f", "a")
		committed(s, "f", 1)
	}, allowed: []string{validate.Forgotten}},
	{name: "a share group passes over a record", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		takes(s, "m1", 1, "b")
		settles(s, "m1", 1, history.OK)
		s.Final("f", "a", "b")
		committed(s, "f", 2)
	}, want: []verdict.Kind{verdict.Undelivered}, words: "share group g starts at offset 2, and none of its members got \"a\" at offset 0"},
	{name: "a share group has not come to a record yet", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		takes(s, "m1", 1, "b")
		settles(s, "m1", 1, history.OK)
		s.Final("f", "a", "b")
		committed(s, "f", 0)
	}},
	{name: "a share group is given another record", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		takes(s, "m1", 0, "b")
		s.Final("f", "a", "b")
	}, want: []verdict.Kind{verdict.InconsistentOffsets}, words: "offset 0 has \"a\", and a share group was given \"b\""},
	{name: "a share group is given what nobody sent", play: func(s *historytest.Script) {
		takes(s, "m1", 0, "x")
		s.Final("f")
	}, want: []verdict.Kind{verdict.Phantom}, words: "sent by nobody"},
}
