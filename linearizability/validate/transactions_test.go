package validate_test

import (
	"odradek/linearizability/history"
	"odradek/linearizability/historytest"
	"odradek/linearizability/validate"
	"odradek/linearizability/verdict"
)

// copied sends a record to topic u in a transaction, as a copy of source, and has it acknowledged.
func copied(s *historytest.Script, value, source, txn string, offset int64) {
	id := s.Begin("x", history.Event{Op: history.Send, Topic: "u", Partition: 0, Value: value, Acks: all, Idempotent: true, Txn: txn, Copies: source})
	s.Acked("x", id, 0, offset)
}

// ended ends a transaction.
func ended(s *historytest.Script, txn string, commit bool, outcome history.Type) {
	id := s.Begin("x", history.Event{Op: history.EndTxn, Txn: txn, Commit: commit})
	e := history.Event{Op: history.EndTxn}
	if outcome != history.OK {
		e.Error = "aborted"
	}
	s.End("x", id, outcome, e)
}

// viewedRuns is what a reader of committed records finds in topic u: a value an offset, "" for none.
func viewedRuns(s *historytest.Script, final bool, values ...string) {
	id := s.Begin("v", history.Event{Op: history.View, Final: final})
	runs := []history.Run{}
	for offset, value := range values {
		if value != "" {
			runs = append(runs, history.Run{Topic: "u", Offset: int64(offset), Values: []string{value}})
		}
	}
	s.End("v", id, history.OK, history.Event{Op: history.View, Runs: runs})
}

var transactionCases = []handMade{
	{name: "copies, once each, of which a transaction was aborted and one lost", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		copied(s, "x0", "a", "1", 0)
		ended(s, "1", false, history.OK)
		copied(s, "x1", "a", "2", 2)
		copied(s, "x2", "b", "2", 3)
		viewedRuns(s, false)
		ended(s, "2", true, history.OK)
		copied(s, "x3", "c", "3", 5)
		ended(s, "3", true, history.Info)
		viewedRuns(s, false, "", "", "x1", "x2")
		s.Final("f", "a", "b")
		viewedRuns(s, true, "", "", "x1", "x2")
	}},
	{name: "aborted-read: a reader of committed records finds an aborted one", play: func(s *historytest.Script) {
		copied(s, "x0", "a", "1", 0)
		ended(s, "1", false, history.OK)
		viewedRuns(s, false, "x0")
	}, want: []verdict.Kind{verdict.AbortedRead}, words: "was aborted"},
	{name: "aborted-read: one that was to be committed and was aborted", play: func(s *historytest.Script) {
		copied(s, "x0", "a", "1", 0)
		ended(s, "1", true, history.Fail)
		viewedRuns(s, false, "x0")
	}, want: []verdict.Kind{verdict.AbortedRead}, words: "was aborted"},
	{name: "aborted-read: one of an open transaction", play: func(s *historytest.Script) {
		copied(s, "x0", "a", "1", 0)
		viewedRuns(s, false, "x0")
		ended(s, "1", true, history.OK)
	}, want: []verdict.Kind{verdict.AbortedRead}, words: "before its transaction 1 was ended"},
	{name: "torn-transaction: half of an unknown one", play: func(s *historytest.Script) {
		copied(s, "x0", "a", "1", 0)
		copied(s, "x1", "b", "1", 1)
		ended(s, "1", true, history.Info)
		viewedRuns(s, true, "x0")
	}, want: []verdict.Kind{verdict.TornTransaction}, words: `"x0" is read, and "x1" is not`},
	{name: "torn-transaction: nothing of a committed one", play: func(s *historytest.Script) {
		copied(s, "x0", "a", "1", 0)
		ended(s, "1", true, history.OK)
		viewedRuns(s, true)
	}, want: []verdict.Kind{verdict.TornTransaction}, words: "is not read"},
	{name: "a committed one that may be lost", promises: history.Promises{MayLoseAcksAll: []string{"u"}}, play: func(s *historytest.Script) {
		copied(s, "x0", "a", "1", 0)
		ended(s, "1", true, history.OK)
		viewedRuns(s, true)
	}, allowed: []string{"lost-acks-all"}},
	{name: "copied-twice", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		copied(s, "x0", "a", "1", 0)
		ended(s, "1", true, history.OK)
		copied(s, "x1", "a", "2", 2)
		ended(s, "2", true, history.OK)
		s.Final("f", "a")
		viewedRuns(s, true, "x0", "", "x1")
	}, want: []verdict.Kind{verdict.CopiedTwice}, words: `both copies of "a"`},
	{name: "a retried record is copied as often as it is there", play: func(s *historytest.Script) {
		s.Acked("p", s.Send("p", 0, "a", all, false), 0, 0)
		copied(s, "x0", "a", "1", 0)
		copied(s, "x1", "a", "1", 1)
		ended(s, "1", true, history.OK)
		s.Final("f", "a", "a")
		viewedRuns(s, true, "x0", "x1")
	}, allowed: []string{validate.Retried}},
	{name: "copy-skipped", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Put("p", "c", 2)
		copied(s, "x0", "b", "1", 0)
		ended(s, "1", true, history.OK)
		s.Final("f", "a", "b", "c")
		viewedRuns(s, true, "x0")
	}, want: []verdict.Kind{verdict.CopySkipped}, words: `"a" at offset 0 was not copied`},
}
