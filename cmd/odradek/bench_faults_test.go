package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"odradek/bench"
)

// A cluster under faults of every kind loses nothing, and the result tells what was done to it and what clients got meanwhile.
func TestBenchUnderFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("runs three nodes")
	}
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	at := []string{"cluster", "up", "--slow-disks", "--nodes", "3", "--dir", dir, "--port", strconv.Itoa(portBase(t))}
	r := succeed(t, "", at...)
	defer succeed(t, "", "cluster", "down", "--dir", dir)
	bootstrap, _ := strings.CutPrefix(r.lastLine(), "ready bootstrap=")
	for name, text := range map[string]string{
		"workload.json": `{"partitions": 2, "replication_factor": 2, "record_bytes": 100, "keys": 10, "rate": 500, "groups": 1, "read": "beside", "seconds": 1}`,
		"faults.json": `{"schedule": [{"at": "200ms", "for": "300ms", "kind": "slow-disk", "target": "leader/t0/0", "params": {"factor": 2}},
			{"at": "500ms", "for": "300ms", "kind": "pause", "target": "controller"}, {"at": "1s", "for": "100ms", "kind": "crash", "target": "leader/t0/1"},
			{"at": "2s", "for": "100ms", "kind": "stop", "target": "node/1"}], "moves": [{"at": "4s"}], "members": [{"at": "100ms", "for": "1s"}], "after": "500ms"}`,
	} {
		if err := os.WriteFile(file(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	control := os.Args[0] + " cluster node --dir " + dir
	asked := []string{"bench", "--bootstrap-server", bootstrap, "--workload", file("workload.json"), "--control", control}
	r = succeed(t, "", append(asked, "--faults", file("faults.json"), "--json", file("r.json"), "--report", file("r.html"))...)
	var result bench.Result
	text, err := os.ReadFile(file("r.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for _, f := range result.Faults {
		said[strings.Fields(f.Words)[0]] = true
	}
	if len(result.Faults) != 6 || !said["slow-disk"] || !said["pause"] || !said["crash"] || !said["stop"] || !said["reassignment"] || !said["another"] {
		t.Errorf("faults: %+v", result.Faults)
	}
	if len(result.Phases) != 3 || result.Phases[1].Written == 0 || result.Phases[1].WriteGapMs == 0 || result.Produce.Records != result.Consume.Records {
		t.Errorf("phases: %+v; %d written, %d read", result.Phases, result.Produce.Records, result.Consume.Records)
	}
	if !strings.Contains(r.stdout, "during (") {
		t.Errorf("printed %q", r.stdout)
	}
	if r := succeed(t, "", "cluster", "node", "--dir", dir, "status"); strings.Count(r.stdout, " pid ") != 3 {
		t.Errorf("not all nodes are back: %q", r.stdout)
	}
	for name, arguments := range map[string][]string{
		"no such faults": append(asked, "--faults", "nothing"), "no control": {"bench", "--bootstrap-server", bootstrap, "--faults", "leader-kill"},
		"a node that runs": {"cluster", "node", "--dir", dir, "start", "1"}, "no such node": {"cluster", "node", "--dir", dir, "start", "9"},
		"no such verb": {"cluster", "node", "--dir", dir, "stop", "1"}, "no JSON": {"cluster", "node", "--dir", dir, "disk", "1", "slow"},
	} {
		if r := odradek(t, "", arguments...); r.code != 2 || r.stderr == "" {
			t.Errorf("%s: exit code %d, %q", name, r.code, r.stderr)
		}
	}
}
