package host_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"odradek/sim/clock"
	"odradek/sim/disksim"
	"odradek/sim/host"
	"odradek/sim/netsim"
)

func TestGuestsTalk(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.start("s", "server", ":9092")
	c := w.add("c", "client", "1000", "s:9092")
	w.After(100*time.Millisecond, func() { w.restart(c) })
	w.run(2 * time.Second)
	w.expect("c: done")
	if acked := len(w.said("acked")); acked < 300 {
		t.Errorf("%d acknowledgements in a virtual second", acked)
	}
	if len(w.said("errno"))+len(w.said("timeout")) > 0 {
		t.Errorf("errors without a fault: %q", w.said("errno"))
	}
}

func TestDialOutcomes(t *testing.T) {
	for _, c := range []struct {
		name, want string
		prepare    func(w *world, s *host.Node)
	}{
		{"listener", "connected from 10.0.0.2:32768 to 10.0.0.1:1 after 0s", func(w *world, s *host.Node) { w.restart(s) }},
		{"nobody", "failed: errno 14 after 0s", func(*world, *host.Node) {}},
		{"powerless", "failed: timeout after 3s", func(_ *world, s *host.Node) { s.PowerLoss() }},
		{"cut off", "failed: timeout after 3s", func(w *world, s *host.Node) {
			w.restart(s)
			w.After(0, func() { w.Network().Block(s.Host(), w.Node("c").Host()) })
		}},
	} {
		w := newWorld(t, 1, nil)
		s := w.add("s", "hold", "accept", ":1")
		c.prepare(w, s)
		w.start("c", "dial", "3000", "s:1")
		w.run(5 * time.Second)
		if len(w.said("c: "+c.want)) != 1 {
			t.Errorf("%s: %q, want %q", c.name, w.said("c: "), c.want)
		}
	}
}

// A killed process keeps what it wrote, and its peers hear of its death.
func TestCrashKeepsThePageCache(t *testing.T) {
	w := newWorld(t, 1, nil)
	n := w.start("n", "journal")
	w.After(time.Second, n.Crash)
	w.After(1100*time.Millisecond, func() { w.restart(n) })
	w.run(1200 * time.Millisecond)
	kept := len(w.said("kept"))
	if kept < 50 {
		t.Fatalf("only %d rounds", kept)
	}
	if boots := w.said("found"); len(boots) != 2 || boots[0][strings.Index(boots[0], "boot"):] != boots[1][strings.Index(boots[1], "boot"):] {
		t.Errorf("a crash is no boot: %q", boots)
	}
	if len(w.exits) != 1 || w.exits[0] != "n crashed" {
		t.Errorf("exits: %q", w.exits)
	}
}

// The careful way of writing a file survives its death at any host call, by crash and by power loss: what is found is the
// round that was last kept, or the one under way.
func TestDeathAtEachHostCall(t *testing.T) {
	outcomes := map[string]int{}
	for call := int64(1); call <= 60; call += 2 {
		for _, power := range []bool{false, true} {
			w := newWorld(t, uint64(call), func(c *host.Config) { c.OnStderr = nil })
			n := w.start("n", "journal")
			trap := &host.Trap{Calls: host.AnyCall, N: call, PowerLoss: power, After: call%4 == 1}
			w.After(300*time.Millisecond, func() { n.SetTrap(trap) })
			w.After(2*time.Second, func() { w.restart(n) })
			w.run(2050 * time.Millisecond)
			if !trap.Sprung() || len(w.exits) != 1 {
				t.Fatalf("the trap at call %d didn't spring: %q", call, w.exits)
			}
			last, found := 0, w.said("n: state")
			for _, line := range w.lines {
				if strings.HasPrefix(line, "n: state") {
					break
				}
				_, _ = fmt.Sscanf(line, "n: kept %d", &last)
			}
			if len(found) != 1 {
				t.Fatalf("call %d: found %q", call, found)
			}
			switch found[0] {
			case fmt.Sprintf("n: state %q", fmt.Sprintf("round %d", last)):
				outcomes["old"]++
			case fmt.Sprintf("n: state %q", fmt.Sprintf("round %d", last+1)):
				outcomes["new"]++
			default:
				t.Errorf("call %d, power loss %v: kept %d, found %s", call, power, last, found[0])
			}
		}
	}
	if outcomes["old"] == 0 || outcomes["new"] == 0 {
		t.Errorf("outcomes: %v", outcomes)
	}
}

// Traps tell calls apart: the sync of a file from that of a directory, a write to a file from one to standard output.
func TestTrapsByKindOfCall(t *testing.T) {
	for _, c := range []struct {
		calls host.CallSet
		after bool
		want  string // what is found in the directory at the restart
	}{
		{host.Creates, false, `found []`},
		{host.Creates, true, `found ["state.tmp"]`},
		{host.Renames, false, `found ["state.tmp"]`},
		{host.Renames, true, `found ["state"]`},
		{host.SyncDirs, false, `found ["state"]`},
		{host.Removes, false, ``},
	} {
		w := newWorld(t, 1, nil)
		n := w.add("n", "journal")
		n.SetTrap(&host.Trap{Calls: c.calls, N: 1, After: c.after})
		w.restart(n)
		w.After(100*time.Millisecond, func() {
			if !n.Running() {
				w.restart(n)
			}
		})
		w.run(150 * time.Millisecond)
		found := w.said("found")
		if c.want == "" {
			if len(found) != 1 || len(w.exits) != 0 {
				t.Errorf("%d: nothing calls that, and yet %q", c.calls, w.exits)
			}
		} else if len(found) != 2 || !strings.Contains(found[1], c.want) {
			t.Errorf("%d: %q, want %q", c.calls, found, c.want)
		}
	}
}

// Of a trap that waits for syncs, the process ends before the sync, or after it was done whole.
func TestTrapAtSync(t *testing.T) {
	for _, after := range []bool{false, true} {
		w := newWorld(t, 1, nil)
		n := w.add("n", "journal")
		n.SetTrap(&host.Trap{Calls: host.Syncs, N: 1, After: after})
		w.restart(n)
		w.run(50 * time.Millisecond)
		if len(w.exits) != 1 || len(w.said("kept")) != 0 {
			t.Errorf("exits %q, kept %q", w.exits, w.said("kept"))
		}
	}
}

func TestPartitionAndHealing(t *testing.T) {
	w := newWorld(t, 1, nil)
	s := w.start("s", "server", ":9092")
	c := w.start("c", "client", "6000", "s:9092")
	var before, during int
	w.After(time.Second, func() {
		before = len(w.said("acked"))
		w.Network().Block(c.Host(), s.Host())
		w.Network().Block(s.Host(), c.Host())
	})
	w.After(4*time.Second, func() {
		during = len(w.said("acked")) - before
		w.Network().Unblock(c.Host(), s.Host())
		w.Network().Unblock(s.Host(), c.Host())
	})
	w.run(10 * time.Second)
	after := len(w.said("acked")) - before - during
	if before < 100 || during > 3 || after < 100 {
		t.Errorf("acknowledged before %d, during %d, after %d", before, during, after)
	}
	w.expect("timeout")
	w.expect("done")
}

func TestHalfOpenConnection(t *testing.T) {
	w := newWorld(t, 1, nil)
	s := w.start("s", "hold", "accept", ":1")
	w.start("c", "hold", "dial", "s:1")
	w.After(time.Second, s.PowerLoss)
	w.run(time.Minute)
	w.expect("c: write: errno 73 after 16s") // ETIMEDOUT, a UserTimeout after the last acknowledgement
}

func TestPause(t *testing.T) {
	w := newWorld(t, 1, nil)
	n := w.start("n", "clocks", "5")
	w.After(1500*time.Millisecond, func() { n.Pause(2 * time.Second) })
	w.run(20 * time.Second)
	w.expect("n: 2026-01-01T00:00:03Z 3.5s") // its second line
	if len(w.said("n:")) != 5 {
		t.Errorf("said %q", w.lines)
	}
}

func TestClockFaults(t *testing.T) {
	w := newWorld(t, 1, nil)
	n := w.add("n", "clocks", "10")
	n.Clock().SetDrift(0, 100_000) // ten per cent
	w.restart(n)
	w.After(5*time.Second, func() { n.Clock().Step(-time.Hour) })
	w.run(9200 * time.Millisecond)
	if got := len(w.said("n:")); got != 10 {
		t.Errorf("a clock that runs fast lived %d seconds in 9.2", got)
	}
	w.expect("n: 2025-12-31T23:00:")
}

func TestSlowDiskDoesNotStopOtherGoroutines(t *testing.T) {
	w := newWorld(t, 1, func(c *host.Config) { c.Disk.Sync = netsim.Constant(100 * time.Millisecond) })
	w.start("n", "syncs")
	w.run(time.Second)
	lines := w.said("sync: <nil> after 100ms")
	ticks := 0
	if len(lines) == 1 {
		_, _ = fmt.Sscanf(lines[0], "n: sync: <nil> after 100ms, %d ticks", &ticks)
	}
	if ticks < 80 {
		t.Errorf("said %q", w.lines)
	}
}

func TestStalledDisk(t *testing.T) {
	w := newWorld(t, 1, nil)
	n := w.start("n", "journal")
	var before int
	w.After(time.Second, func() {
		before = len(w.said("kept"))
		n.Disk().SetFaults(disksim.Faults{StallUntil: clock.Time(3 * time.Second), StallAll: true})
	})
	w.run(2900 * time.Millisecond)
	if stalled := len(w.said("kept")) - before; before < 50 || stalled > 1 {
		t.Errorf("kept %d before, %d while stalled", before, stalled)
	}
	w.run(4 * time.Second)
	if len(w.said("kept")) < before+50 {
		t.Error("the disk came back, and nothing goes on")
	}
}

func TestFullDiskIsAnError(t *testing.T) {
	w := newWorld(t, 1, func(c *host.Config) { c.OnStderr = nil; c.Disk.Capacity = 1 })
	w.start("n", "journal")
	w.run(time.Second)
	if len(w.exits) != 1 || w.exits[0] != "n exited with code 1" {
		t.Errorf("exits: %q", w.exits)
	}
}

func TestExitsAreTold(t *testing.T) {
	var exits []host.Exit
	w := newWorld(t, 1, func(c *host.Config) {
		c.OnStderr = nil
		c.OnExit = func(_ *host.Node, e host.Exit) { exits = append(exits, e) }
	})
	w.start("a", "exit")
	w.start("b", "panic")
	w.start("c", "clocks", "1")
	w.run(3 * time.Second)
	if len(exits) != 3 {
		t.Fatalf("exits: %v", exits)
	}
	if exits[0].Code != 3 || !exits[0].Own() {
		t.Errorf("exit 3: %v", exits[0])
	}
	if exits[1].Code != 2 || len(exits[1].Stderr) == 0 || exits[1].Stderr[0] != "panic: as asked" {
		t.Errorf("panic: %v %q", exits[1], exits[1].Stderr)
	}
	if exits[2].Own() {
		t.Errorf("a good end: %v", exits[2])
	}
}

func TestCloseStdinAsksToStop(t *testing.T) {
	w := newWorld(t, 1, nil)
	n := w.start("n", "wait")
	w.After(time.Second, n.CloseStdin)
	w.run(2 * time.Second)
	w.expect("n: asked to stop after 1s")
}

func TestSpinningGuestFailsTheRun(t *testing.T) {
	w := newWorld(t, 1, func(c *host.Config) { c.SpinLimit = 50 * time.Millisecond })
	w.start("n", "spin")
	if err := w.Run(clock.Time(time.Hour)); !errors.Is(err, host.ErrSpin) {
		t.Errorf("got %v", err)
	}
}

// A guest that makes no calls can't be ended but with the process, so this test has one of its own.
func TestHangingGuestFailsTheRun(t *testing.T) {
	const child = "TEST_HANGING_GUEST"
	if os.Getenv(child) == "" {
		again := exec.Command(os.Args[0], "-test.run=^TestHangingGuestFailsTheRun$")
		again.Env = append(os.Environ(), child+"=1", "GOGC=off")
		if out, err := again.CombinedOutput(); err != nil || !strings.Contains(string(out), host.ErrHang.Error()) {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	w := newWorld(t, 1, func(c *host.Config) { c.HangLimit = 100 * time.Millisecond })
	w.start("n", "hang")
	fmt.Println(w.Run(clock.Time(time.Hour)))
	os.Exit(0)
}
