// Package historytest makes histories for tests: by hand, in few words, and by playing a log that keeps every promise.
package historytest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"odradek/linearizability/history"
)

// A Script is a history being written. Each call stands for a moment of its own, a microsecond after the one before.
type Script struct {
	Promises history.Promises
	Events   []history.Event
	now      int64
	ids      map[string]int64
}

// New begins a script.
func New() *Script { return &Script{ids: map[string]int64{}} }

func (s *Script) add(e history.Event) {
	s.now += 1000
	e.Time = s.now
	s.Events = append(s.Events, e)
}

// Begin writes an invoke and gives its id.
func (s *Script) Begin(process string, e history.Event) int64 {
	s.ids[process]++
	e.Process, e.Type, e.ID = process, history.Invoke, s.ids[process]
	s.add(e)
	return e.ID
}

// End writes the end of an operation.
func (s *Script) End(process string, id int64, typ history.Type, e history.Event) {
	e.Process, e.Type, e.ID = process, typ, id
	s.add(e)
}

// Send begins a send to topic t; partition -1 leaves the choice open. Idempotent means acks=all.
func (s *Script) Send(process string, partition int32, value string, acks history.Acks, idempotent bool) int64 {
	return s.Begin(process, history.Event{Op: history.Send, Topic: "t", Partition: partition, Value: value, Acks: acks, Idempotent: idempotent})
}

// Acked ends a send well.
func (s *Script) Acked(process string, id int64, partition int32, offset int64) {
	s.End(process, id, history.OK, history.Event{Op: history.Send, Partition: partition, Offset: offset})
}

// Lost ends a send with Fail or Info.
func (s *Script) Lost(process string, id int64, typ history.Type) {
	s.End(process, id, typ, history.Event{Op: history.Send, Error: "REQUEST_TIMED_OUT"})
}

// Put is a send by an idempotent producer, and its acknowledgement.
func (s *Script) Put(process, value string, offset int64) {
	s.Acked(process, s.Send(process, 0, value, history.AcksAll, true), 0, offset)
}

// PutKey is Put of a record with a key.
func (s *Script) PutKey(process, key, value string, offset int64) {
	s.putKey(process, key, value, offset, false)
}

// Bury is Put of a tombstone.
func (s *Script) Bury(process, key, value string, offset int64) {
	s.putKey(process, key, value, offset, true)
}

func (s *Script) putKey(process, key, value string, offset int64, tombstone bool) {
	id := s.Begin(process, history.Event{Op: history.Send, Topic: "t", Key: key, Value: value, Acks: history.AcksAll, Idempotent: true, Tombstone: tombstone})
	s.Acked(process, id, 0, offset)
}

// Delete asks for everything of partition 0 before an offset to go, and is told that it has.
func (s *Script) Delete(process string, offset int64) {
	id := s.Begin(process, history.Event{Op: history.Delete, Topic: "t", Offset: offset})
	s.End(process, id, history.OK, history.Event{Op: history.Delete, Start: offset})
}

// Assign gives a consumer partition 0 of topic t.
func (s *Script) Assign(process string, offset int64, final bool) {
	id := s.Begin(process, history.Event{Op: history.Assign, Final: final, Positions: []history.Position{{Topic: "t", Offset: offset}}})
	s.End(process, id, history.OK, history.Event{Op: history.Assign})
}

// Poll returns one run of partition 0.
func (s *Script) Poll(process string, offset int64, values ...string) {
	s.PollRun(process, history.Run{Topic: "t", Offset: offset, Values: values})
}

// PollRun returns one run.
func (s *Script) PollRun(process string, run history.Run) {
	id := s.Begin(process, history.Event{Op: history.Poll})
	if run.Values == nil {
		run.Values = []string{}
	}
	s.End(process, id, history.OK, history.Event{Op: history.Poll, Runs: []history.Run{run}})
}

// Ends answers that partition 0 ends at an offset.
func (s *Script) Ends(process string, end int64) { s.Bounds(process, 0, end) }

// Bounds answers where partition 0 begins and ends.
func (s *Script) Bounds(process string, start, end int64) {
	id := s.Begin(process, history.Event{Op: history.Offsets, Topic: "t"})
	s.End(process, id, history.OK, history.Event{Op: history.Offsets, Start: start, End: end})
}

// FinalRuns is a final read of partition 0 that finds runs between a start and an end.
func (s *Script) FinalRuns(process string, start, end int64, runs ...history.Run) {
	s.Assign(process, history.PositionEarliest, true)
	s.Bounds(process, start, end)
	for _, run := range runs {
		run.Topic = "t"
		s.PollRun(process, run)
	}
}

// Final is a whole final read of partition 0, from the beginning.
func (s *Script) Final(process string, values ...string) {
	s.Assign(process, 0, true)
	s.Ends(process, int64(len(values)))
	if len(values) > 0 {
		s.Poll(process, 0, values...)
	}
}

// Text is the history as a file.
func (s *Script) Text(t testing.TB) []byte {
	t.Helper()
	return Text(t, s.Promises, s.Events)
}

// Text writes events as a file.
func Text(t testing.TB, p history.Promises, events []history.Event) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := history.NewWriter(&b, history.Header{Run: "a test", Promises: p})
	if err != nil {
		t.Fatal(err)
	}
	for i := range events {
		if err := w.Write(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// Table is the history as the checkers read it.
func (s *Script) Table(t testing.TB) *history.Table {
	t.Helper()
	table, err := history.Collect(bytes.NewReader(s.Text(t)))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// Clone copies a script down to its runs, for a test to break.
func (s *Script) Clone() *Script {
	out := *s
	out.Events = slices.Clone(s.Events)
	for i := range out.Events {
		out.Events[i].Runs = slices.Clone(out.Events[i].Runs)
		for k := range out.Events[i].Runs {
			out.Events[i].Runs[k].Values = slices.Clone(out.Events[i].Runs[k].Values)
		}
	}
	return &out
}

// name makes process names.
func name(kind string, n int) string { return fmt.Sprintf("%s-%d", kind, n+1) }
