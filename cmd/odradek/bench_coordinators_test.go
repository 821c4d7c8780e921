package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Offsets outlive their coordinator's process, killed or asked to end, and the time until they are answered is told.
func TestBenchFailover(t *testing.T) {
	if testing.Short() {
		t.Skip("runs three nodes")
	}
	dir := t.TempDir()
	r := succeed(t, "", "cluster", "up", "--nodes", "3", "--dir", dir, "--port", strconv.Itoa(portBase(t)))
	defer succeed(t, "", "cluster", "down", "--dir", dir)
	bootstrap, _ := strings.CutPrefix(r.lastLine(), "ready bootstrap=")
	asked := []string{"bench", "coordinators", "failover", "--bootstrap-server", bootstrap, "--offsets", "100", "--per-group", "10", "--times", "1"}
	asked = append(asked, "--control", os.Args[0]+" cluster node --dir "+dir)
	for _, how := range []string{"--stop=false", "--stop"} {
		r := succeed(t, "", append(slices.Clone(asked), how)...)
		if name, figure, ok := strings.Cut(strings.TrimSpace(r.stdout), " "); !ok || name != "answer" || figure == "" {
			t.Errorf("%s: printed %q", how, r.stdout)
		}
	}
	if r := odradek(t, "", asked[:3]...); r.code != 2 || !strings.Contains(r.stderr, "control") {
		t.Errorf("without --control: exit code %d, %q", r.code, r.stderr)
	}
	if r := odradek(t, "", "bench", "coordinators", "rebalance", "--protocol", "share"); r.code != 2 || !strings.Contains(r.stderr, "classic or consumer") {
		t.Errorf("another protocol: exit code %d, %q", r.code, r.stderr)
	}
}
