package sim

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"odradek/chaos"
	"odradek/sim/clock"
	"odradek/sim/guest"
)

// A recording tells the same story as the log and the history, and changes nothing.
func TestRecordingTellsWhatTheRunSaw(t *testing.T) {
	var log, written bytes.Buffer
	var seen Recording
	result, err := Run(Options{Plan: busyPlan(1), Program: program(t), Log: &log, History: &written, Recording: &seen})
	if err != nil {
		t.Fatal(err)
	}
	if want := hashOf(t, Options{Plan: busyPlan(1)}); result.Hash != want {
		t.Errorf("with a recording the hash is %016x, without %016x", result.Hash, want)
	}
	if !bytes.Equal(seen.History, written.Bytes()) {
		t.Error("the recorded history is not the one that was written")
	}
	if lines := strings.Count(log.String(), "\n"); len(seen.Lines) != lines || seen.LeftOut != 0 {
		t.Errorf("%d lines recorded and %d left out of %d", len(seen.Lines), seen.LeftOut, lines)
	}
	begun := slices.DeleteFunc(slices.Clone(seen.Steps), func(o chaos.Outcome) bool { return o.Undo })
	if len(begun) != len(result.Faults) || len(seen.Steps) <= len(begun) {
		t.Errorf("%d steps, %d of them begin a fault; the result has %d faults", len(seen.Steps), len(begun), len(result.Faults))
	}
	ends := map[string]int{}
	for _, life := range seen.Lives {
		if life.Ended && life.To < life.From {
			t.Errorf("%+v ends before it begins", life)
		}
		if life.Node == "node-3" {
			ends[life.End]++
		}
	}
	if ends["power lost"] != 1 || ends[""] != 1 {
		t.Errorf("node 3 lost its power once and lived on; recorded: %v", ends)
	}
	leaders := map[string]bool{}
	for _, a := range seen.Accounts {
		leaders[a.Line.Event] = true
	}
	if !leaders[guest.EventPartition] || !leaders[guest.EventController] {
		t.Errorf("accounts of partitions and of the controller are expected: %v", leaders)
	}
}

func TestRecordingKeepsToItsBounds(t *testing.T) {
	var r Recording
	for i := range recordedLinesMax + 3 {
		r.log("node-1", clock.Time(i), "x")
	}
	r.Lines = nil
	r.log("node-1", 5, strings.Repeat("y", 2*recordedLineBytes))
	if r.LeftOut != 3 || len(r.Lines) != 1 || r.Lines[0].At != 5*time.Nanosecond || len(r.Lines[0].Text) > recordedLineBytes+8 {
		t.Errorf("left out %d, a line of %d bytes", r.LeftOut, len(r.Lines[0].Text))
	}
	var none *Recording
	none.log("node-1", 0, "nobody listens")
}
