package host_test

import (
	"testing"
	"time"
)

func TestClocksShowVirtualTime(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.start("a", "clocks", "3")
	began := time.Now()
	w.run(10 * time.Second)
	w.expect("a: 2026-01-01T00:00:02Z 2s")
	w.expect("a: 2026-01-01T00:00:03Z 3s")
	t.Log(w.lines, w.exits, time.Since(began))
}

func TestEnvtestInTheGuest(t *testing.T) {
	w := newWorld(t, 1, nil)
	hanging := w.add("hanging", "clocks", "1")
	hanging.PowerLoss()
	w.start("a", "suite", "10.0.0.2", "hanging:1")
	w.run(10 * time.Minute)
	t.Log(w.lines, w.exits)
	for _, line := range w.said("FAIL") {
		t.Error(line)
	}
}
