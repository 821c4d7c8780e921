package validate_test

import (
	"odradek/linearizability/history"
	"odradek/linearizability/historytest"
	"odradek/linearizability/validate"
	"odradek/linearizability/verdict"
)

// vanishing are promises of topic t. A script's calls stand a microsecond apart.
func vanishing(v history.Vanishing) history.Promises {
	v.Topic = "t"
	return history.Promises{Progress: true, Vanishing: []history.Vanishing{v}}
}

func at(offset int64, values ...string) history.Run {
	return history.Run{Offset: offset, Values: values}
}

const (
	soon = 1_000         // nanoseconds: less than a script's call takes
	late = 1_000_000_000 // more than a script takes
)

var vanishingCases = []handMade{
	{name: "deleted on demand", promises: history.Promises{Progress: true}, play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Delete("d", 1)
		s.FinalRuns("f", 1, 2, at(1, "b"))
	}, allowed: []string{validate.Deleted}},
	{name: "everything deleted on demand", promises: history.Promises{Progress: true}, play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Delete("d", 1)
		s.FinalRuns("f", 1, 1)
	}, allowed: []string{validate.Deleted}},
	{name: "a deletion of unknown outcome", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Begin("d", history.Event{Op: history.Delete, Topic: "t", Offset: 1})
		s.FinalRuns("f", 0, 2, at(0, "a", "b"))
	}},
	{name: "lost-write: more is gone than was deleted", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Put("p", "c", 2)
		s.Delete("d", 1)
		s.FinalRuns("f", 2, 3, at(2, "c"))
	}, want: []verdict.Kind{verdict.LostWrite}, allowed: []string{validate.Deleted}, words: `"b" of p was acknowledged at offset 1`},
	{name: "a poll that was fetched before a deletion", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Assign("c", 0, false)
		s.Delete("d", 1)
		s.Poll("c", 0, "a", "b")
		s.FinalRuns("f", 1, 2, at(1, "b"))
	}, allowed: []string{validate.Deleted}},
	{name: "a rebalance that leaves a member what it has, and what it had fetched before a deletion", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Assign("c", history.PositionLatest, false)
		s.Delete("d", 1)
		s.Assign("c", history.PositionLatest, false)
		s.Poll("c", 0, "a", "b")
		s.FinalRuns("f", 1, 2, at(1, "b"))
	}, allowed: []string{validate.Deleted}},
	{name: "undeleted: the answer says so", promises: history.Promises{Progress: true}, play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		id := s.Begin("d", history.Event{Op: history.Delete, Topic: "t", Offset: 1})
		s.End("d", id, history.OK, history.Event{Op: history.Delete, Start: 0})
		s.FinalRuns("f", 1, 2, at(1, "b"))
	}, want: []verdict.Kind{verdict.Undeleted}, allowed: []string{validate.Deleted}},
	{name: "undeleted: the log's start goes back", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Delete("d", 1)
		s.Bounds("q", 0, 2)
		s.FinalRuns("f", 1, 2, at(1, "b"))
	}, want: []verdict.Kind{verdict.Undeleted}, allowed: []string{validate.Deleted}, words: "the log begins at 0"},
	{name: "undeleted: a reader that begins later finds it", play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Delete("d", 1)
		s.Assign("c", 0, false)
		s.Poll("c", 0, "a", "b")
		s.FinalRuns("f", 1, 2, at(1, "b"))
	}, want: []verdict.Kind{verdict.Undeleted}, allowed: []string{validate.Deleted}, words: "found offset 0"},
	{name: "retention takes the oldest", promises: vanishing(history.Vanishing{Head: true, HeadAfter: soon}), play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Assign("c", history.PositionEarliest, false)
		s.Poll("c", 0, "a", "b")
		s.Assign("e", history.PositionEarliest, false)
		s.Poll("e", 1, "b")
		s.FinalRuns("f", 1, 2, at(1, "b"))
	}, allowed: []string{validate.Retained}},
	{name: "retention takes both copies of a retried record, of which one was read", promises: vanishing(history.Vanishing{Head: true}), play: func(s *historytest.Script) {
		id := s.Send("p", 0, "a", all, false)
		s.Assign("c", history.PositionEarliest, false)
		s.Poll("c", 0, "a")
		s.Acked("p", id, 0, 1)
		s.Put("q", "b", 2)
		s.FinalRuns("f", 2, 3, at(2, "b"))
	}, allowed: []string{validate.Retained}},
	{name: "wrong-ack: retention is no excuse for an idempotent producer's record", promises: vanishing(history.Vanishing{Head: true}), play: func(s *historytest.Script) {
		id := s.Send("p", 0, "a", all, true)
		s.Assign("c", history.PositionEarliest, false)
		s.Poll("c", 0, "a")
		s.Acked("p", id, 0, 1)
		s.Put("q", "b", 2)
		s.FinalRuns("f", 2, 3, at(2, "b"))
	}, want: []verdict.Kind{verdict.WrongAck}, allowed: []string{validate.Retained}},
	{name: "lost-write: retention takes what is young", promises: vanishing(history.Vanishing{Head: true, HeadAfter: late}), play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.FinalRuns("f", 1, 2, at(1, "b"))
	}, want: []verdict.Kind{verdict.LostWrite}},
	{name: "lost-write: retention takes from the middle", promises: vanishing(history.Vanishing{Head: true}), play: func(s *historytest.Script) {
		s.Put("p", "a", 0)
		s.Put("p", "b", 1)
		s.Put("p", "c", 2)
		s.FinalRuns("f", 0, 3, at(0, "a"), at(2, "c"))
	}, want: []verdict.Kind{verdict.LostWrite}},
	{name: "the newest of each key survives", promises: vanishing(history.Vanishing{Compacted: true}), play: func(s *historytest.Script) {
		s.PutKey("p", "k", "a", 0)
		s.PutKey("p", "l", "b", 1)
		s.PutKey("p", "k", "c", 2)
		s.Assign("c", 0, false)
		s.Poll("c", 0, "a", "b", "c")
		s.Assign("e", 0, false)
		s.Poll("e", 1, "b", "c")
		s.FinalRuns("f", 0, 3, at(1, "b", "c"))
	}, allowed: []string{validate.Compacted}},
	{name: "lost-write: the newest of a key is gone", promises: vanishing(history.Vanishing{Compacted: true}), play: func(s *historytest.Script) {
		s.PutKey("p", "k", "a", 0)
		s.PutKey("p", "k", "b", 1)
		s.PutKey("p", "l", "c", 2)
		s.FinalRuns("f", 0, 3, at(2, "c"))
	}, want: []verdict.Kind{verdict.LostWrite}, allowed: []string{validate.Compacted}, words: `"b" of p was acknowledged at offset 1`},
	{name: "lost-write: another key's record is no successor", promises: vanishing(history.Vanishing{Compacted: true}), play: func(s *historytest.Script) {
		s.PutKey("p", "k", "a", 0)
		s.PutKey("p", "l", "b", 1)
		s.FinalRuns("f", 0, 2, at(1, "b"))
	}, want: []verdict.Kind{verdict.LostWrite}},
	{name: "lost-write: compacted too early", promises: vanishing(history.Vanishing{Compacted: true, CompactedAfter: late}), play: func(s *historytest.Script) {
		s.PutKey("p", "k", "a", 0)
		s.PutKey("p", "k", "b", 1)
		s.FinalRuns("f", 0, 2, at(1, "b"))
	}, want: []verdict.Kind{verdict.LostWrite}},
	{name: "a tombstone buries its key, and goes", promises: vanishing(history.Vanishing{Compacted: true}), play: func(s *historytest.Script) {
		s.PutKey("p", "k", "a", 0)
		s.Bury("p", "k", "b", 1)
		s.PutKey("p", "l", "c", 2)
		s.FinalRuns("f", 0, 3, at(2, "c"))
	}, allowed: []string{validate.Compacted}},
	{name: "a tombstone that nobody knows of may have buried its key", promises: vanishing(history.Vanishing{Compacted: true}), play: func(s *historytest.Script) {
		s.PutKey("p", "k", "a", 0)
		id := s.Begin("p", history.Event{Op: history.Send, Topic: "t", Partition: -1, Key: "k", Value: "b", Acks: all, Idempotent: true, Tombstone: true})
		s.Lost("p", id, history.Info)
		s.PutKey("p", "l", "c", 2)
		s.FinalRuns("f", 0, 3, at(2, "c"))
	}, allowed: []string{validate.Compacted}},
	{name: "lost-write: a tombstone goes too early", promises: vanishing(history.Vanishing{Compacted: true, TombstonesFor: late}), play: func(s *historytest.Script) {
		s.Bury("p", "k", "b", 0)
		s.PutKey("p", "l", "c", 1)
		s.FinalRuns("f", 0, 2, at(1, "c"))
	}, want: []verdict.Kind{verdict.LostWrite}},
	{name: "resurrected: the tombstone is gone, the value is not", promises: vanishing(history.Vanishing{Compacted: true, TombstonesFor: 4 * soon}), play: func(s *historytest.Script) {
		s.PutKey("p", "k", "a", 0)
		s.Bury("p", "k", "b", 1)
		s.PutKey("p", "l", "c", 2)
		s.FinalRuns("f", 0, 3, at(0, "a"), at(2, "c"))
	}, want: []verdict.Kind{verdict.Resurrected}, allowed: []string{validate.Compacted}},
	{name: "inconsistent-offsets: compaction moves a record", promises: vanishing(history.Vanishing{Compacted: true}), play: func(s *historytest.Script) {
		s.PutKey("p", "k", "a", 0)
		s.PutKey("p", "k", "b", 1)
		s.PutKey("p", "l", "c", 2)
		s.FinalRuns("f", 0, 3, history.Run{Offset: 1, Next: 3, Values: []string{"c"}})
	}, want: []verdict.Kind{verdict.WrongAck, verdict.LostWrite}, allowed: []string{validate.Compacted}},
}
