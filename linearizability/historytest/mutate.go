package historytest

import (
	"slices"

	"odradek/linearizability/history"
	"odradek/linearizability/verdict"
)

// A Mutation breaks one promise in a history that Play made, as a broken broker would have. Break is false when the history has no
// place for it.
type Mutation struct {
	Name  string
	Kind  verdict.Kind // what a checker must find in it
	Break func(s *Script, intn func(n int) int) bool
}

// Mutations has at least one for each kind of violation that a correct history can be broken into.
var Mutations = []Mutation{
	{"an acknowledged record vanishes", verdict.LostWrite, vanish},
	{"the log's tail vanishes", verdict.LostWrite, truncate},
	{"the final read stops early", verdict.Unseen, stopEarly},
	{"an idempotent record is appended again", verdict.Duplicate, appendAgain},
	{"a reader finds another record", verdict.InconsistentOffsets, swapForOne},
	{"an acknowledgement names another offset", verdict.WrongAck, shiftAck},
	{"a producer's records change places", verdict.Reordered, reorder},
	{"a consumer reads again", verdict.NonMonotonicPoll, readAgain},
	{"a consumer misses a record", verdict.PollSkip, miss},
	{"a record comes from nowhere", verdict.Phantom, invent},
	{"a failed record is there", verdict.AbortedRead, revive},
}

// spot is a record within an event.
type spot struct{ event, run, index int }

func (s *Script) run(at spot) *history.Run { return &s.Events[at.event].Runs[at.run] }

// spots lists the records that readers of a kind found.
func (s *Script) spots(keep func(process string, run *history.Run, i int) bool) []spot {
	var out []spot
	for e := range s.Events {
		for r := range s.Events[e].Runs {
			run := &s.Events[e].Runs[r]
			for i := range run.Values {
				if keep(s.Events[e].Process, run, i) {
					out = append(out, spot{e, r, i})
				}
			}
		}
	}
	return out
}

// cut takes a record out of its run, which falls in two.
func (s *Script) cut(at spot) {
	run := *s.run(at)
	before, after := run, run
	before.Values, before.Next = run.Values[:at.index:at.index], 0
	after.Offset, after.Values = run.Offset+int64(at.index)+1, run.Values[at.index+1:]
	runs := slices.Clone(s.Events[at.event].Runs[:at.run])
	if len(before.Values) > 0 {
		runs = append(runs, before)
	}
	runs = append(runs, after) // empty, it still says where the consumer is
	s.Events[at.event].Runs = append(runs, s.Events[at.event].Runs[at.run+1:]...)
}

// begun finds a send's invoke by its value, or by its end.
func (s *Script) begun(match func(e *history.Event) bool) *history.Event {
	for i := range s.Events {
		if e := &s.Events[i]; e.Op == history.Send && e.Type == history.Invoke && match(e) {
			return e
		}
	}
	return nil
}

func (s *Script) sent(value string) *history.Event {
	return s.begun(func(e *history.Event) bool { return e.Value == value })
}

// acks lists the ends of acknowledged sends by producers that are idempotent or not.
func (s *Script) acks(idempotent bool) []int {
	var out []int
	for i := range s.Events {
		e := &s.Events[i]
		if e.Op != history.Send || e.Type != history.OK || e.Offset < 0 {
			continue
		}
		if s.beginOf(e).Idempotent == idempotent {
			out = append(out, i)
		}
	}
	return out
}

func (s *Script) beginOf(end *history.Event) *history.Event {
	return s.begun(func(e *history.Event) bool { return e.Process == end.Process && e.ID == end.ID })
}

func pick[T any](list []T, intn func(n int) int) (v T, ok bool) {
	if len(list) == 0 {
		return v, false
	}
	return list[intn(len(list))], true
}

// at lists where readers found the record of an acknowledged send.
func (s *Script) at(end *history.Event) []spot {
	return s.spots(func(_ string, run *history.Run, i int) bool {
		return run.Partition == end.Partition && run.Offset+int64(i) == end.Offset
	})
}

func vanish(s *Script, intn func(n int) int) bool {
	i, ok := pick(s.acks(true), intn)
	if !ok {
		return false
	}
	places := s.at(&s.Events[i])
	for _, at := range slices.Backward(places) {
		s.cut(at)
	}
	return true
}

func truncate(s *Script, intn func(n int) int) bool {
	i, ok := pick(s.acks(true), intn)
	if !ok {
		return false
	}
	ack := s.Events[i]
	for e := range s.Events {
		ev := &s.Events[e]
		if ev.Process != "final" {
			continue
		}
		if ev.Op == history.Offsets && ev.Type == history.OK && s.offsetsOf(ev) == ack.Partition {
			ev.End = ack.Offset
		}
		ev.Runs = slices.DeleteFunc(slices.Clone(ev.Runs), func(r history.Run) bool {
			return r.Partition == ack.Partition && r.Offset >= ack.Offset
		})
		for r := range ev.Runs {
			if run := &ev.Runs[r]; run.Partition == ack.Partition {
				run.Values = run.Values[:min(int64(len(run.Values)), ack.Offset-run.Offset)]
			}
		}
	}
	return true
}

// offsetsOf is the partition that an answer is of.
func (s *Script) offsetsOf(end *history.Event) int32 {
	for i := range s.Events {
		if e := &s.Events[i]; e.Type == history.Invoke && e.Process == end.Process && e.ID == end.ID {
			return e.Partition
		}
	}
	return -1
}

func stopEarly(s *Script, intn func(n int) int) bool {
	last := &s.Events[len(s.Events)-1]
	if last.Op != history.Poll {
		return false
	}
	last.Runs = []history.Run{}
	return true
}

func appendAgain(s *Script, intn func(n int) int) bool {
	last := &s.Events[len(s.Events)-1]
	if last.Op != history.Poll {
		return false
	}
	run := &last.Runs[0]
	at, ok := pick(s.spots(func(process string, _ *history.Run, _ int) bool { return process == "final" }), intn)
	if !ok {
		return false
	}
	v := s.run(at).Values[at.index]
	if !s.sent(v).Idempotent {
		return false
	}
	run.Values = append(slices.Clone(run.Values), v)
	return true
}

func swapForOne(s *Script, intn func(n int) int) bool {
	at, ok := pick(s.spots(func(process string, run *history.Run, i int) bool { return process != "final" && i > 0 }), intn)
	if !ok {
		return false
	}
	values := slices.Clone(s.run(at).Values)
	if values[at.index] == values[at.index-1] {
		return false
	}
	values[at.index], values[at.index-1] = values[at.index-1], values[at.index]
	s.run(at).Values = values
	return true
}

func shiftAck(s *Script, intn func(n int) int) bool {
	i, ok := pick(s.acks(true), intn)
	if !ok || s.Events[i].Offset == 0 {
		return false
	}
	s.Events[i].Offset--
	return true
}

// reorder lets the log hold two records of an idempotent producer the wrong way round, for every reader and acknowledgement.
func reorder(s *Script, _ func(n int) int) bool {
	acks := s.acks(true)
	for _, i := range acks {
		for _, k := range acks {
			a, b := &s.Events[i], &s.Events[k]
			if a.ID >= b.ID || a.Process != b.Process || a.Partition != b.Partition {
				continue
			}
			first, second := s.at(a), s.at(b)
			x, y := s.beginOf(a).Value, s.beginOf(b).Value
			for _, at := range first {
				s.run(at).Values = slices.Clone(s.run(at).Values)
				s.run(at).Values[at.index] = y
			}
			for _, at := range second {
				s.run(at).Values = slices.Clone(s.run(at).Values)
				s.run(at).Values[at.index] = x
			}
			a.Offset, b.Offset = b.Offset, a.Offset
			return true
		}
	}
	return false
}

func readAgain(s *Script, intn func(n int) int) bool {
	at, ok := pick(s.spots(func(string, *history.Run, int) bool { return true }), intn)
	if !ok {
		return false
	}
	event := &s.Events[at.event]
	event.Runs = append(slices.Clone(event.Runs), *s.run(at))
	return true
}

func miss(s *Script, intn func(n int) int) bool {
	at, ok := pick(s.spots(func(process string, run *history.Run, i int) bool { return process != "final" && i < len(run.Values)-1 }), intn)
	if ok {
		s.cut(at)
	}
	return ok
}

func invent(s *Script, intn func(n int) int) bool {
	at, ok := pick(s.spots(func(process string, _ *history.Run, _ int) bool { return process == "final" }), intn)
	if !ok {
		return false
	}
	// An offset that only the final read saw, or everything else disagrees first.
	run := s.run(at)
	offset := run.Offset + int64(at.index)
	for _, other := range s.spots(func(_ string, r *history.Run, i int) bool {
		return r.Partition == run.Partition && r.Offset+int64(i) == offset
	}) {
		s.run(other).Values = slices.Clone(s.run(other).Values)
		s.run(other).Values[other.index] = "nobody's"
	}
	return true
}

func revive(s *Script, intn func(n int) int) bool {
	at, ok := pick(s.spots(func(process string, _ *history.Run, _ int) bool { return process == "final" }), intn)
	if !ok {
		return false
	}
	sent := s.sent(s.run(at).Values[at.index])
	for i := range s.Events {
		e := &s.Events[i]
		if e.Op == history.Send && e.Process == sent.Process && e.ID == sent.ID && e.Type != history.Invoke {
			*e = history.Event{Time: e.Time, Process: e.Process, ID: e.ID, Op: e.Op, Type: history.Fail, Error: "MESSAGE_TOO_LARGE"}
			return true
		}
	}
	return false
}
