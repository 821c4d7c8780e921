package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigCommands(t *testing.T) {
	s := serving(t, "--data", t.TempDir(), "--listen", "127.0.0.1:0")
	defer s.stop(t)
	at := []string{"--bootstrap-server", s.address}
	run := func(arguments ...string) result { return succeed(t, "", append(arguments, at...)...) }
	run("topic", "--create", "--topic", "t")
	run("config", "--alter", "--entity-type", "topics", "--entity-name", "t", "--add-config", "cleanup.policy=[compact,delete],retention.ms=60000")
	shown := run("config", "--describe", "--entity-type", "topics", "--entity-name", "t").stdout
	if !strings.Contains(shown, "cleanup.policy=compact,delete ") || !strings.Contains(shown, "retention.ms=60000 ") || strings.Contains(shown, "segment.ms") {
		t.Errorf("described:\n%s", shown)
	}
	run("config", "--alter", "--entity-type", "topics", "--entity-name", "t", "--delete-config", "retention.ms")
	var entries []struct{ Name, Value, Source string }
	if err := json.Unmarshal([]byte(run("config", "--describe", "--entity-type", "topics", "--entity-name", "t", "--output", "json").stdout), &entries); err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name != "cleanup.policy" || entries[0].Source != "DYNAMIC_TOPIC_CONFIG" {
		t.Errorf("as JSON: %+v", entries)
	}
	if all := run("config", "--describe", "--all", "--entity-type", "brokers", "--entity-name", "1").stdout; !strings.Contains(all, "node.id=1 ") {
		t.Errorf("a broker:\n%s", all)
	}
	for _, c := range []struct{ says, arguments string }{
		{"Unknown topic config name: no.such", "--alter --entity-type topics --entity-name t --add-config no.such=1"},
		{"topics, brokers or groups is allowed", "--describe --entity-type users --entity-name u"},
		{"needs --add-config or --delete-config", "--alter --entity-type topics --entity-name t"},
		{"KEY=VALUE is expected", "--alter --entity-type topics --entity-name t --add-config x"},
		{"has no ]", "--alter --entity-type topics --entity-name t --add-config x=[1"},
	} {
		if r := odradek(t, "", append(append([]string{"config"}, strings.Fields(c.arguments)...), at...)...); r.code != 2 || !strings.Contains(r.stderr, c.says) {
			t.Errorf("%s: exit code %d: %s", c.arguments, r.code, r.stderr)
		}
	}
}

func TestReassignCommands(t *testing.T) {
	s := serving(t, "--data", t.TempDir(), "--listen", "127.0.0.1:0")
	defer s.stop(t)
	at := []string{"--bootstrap-server", s.address}
	succeed(t, "", append([]string{"topic", "--create", "--topic", "t"}, at...)...)
	file := filepath.Join(t.TempDir(), "moves.json")
	write := func(content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(what string) result {
		return odradek(t, "", append([]string{"reassign", what, "--reassignment-json-file", file}, at...)...)
	}
	write(`{"version": 1, "partitions": [{"topic": "t", "partition": 0, "replicas": [1]}]}`)
	for what, says := range map[string]string{"--execute": "Moving t-0", "--verify": "t-0 is completed", "--list": "No partition reassignments found"} {
		if r := run(what); r.code != 0 || !strings.Contains(r.stdout, says) {
			t.Errorf("%s: exit code %d: %s%s", what, r.code, r.stdout, r.stderr)
		}
	}
	if r := run("--cancel"); r.code != 2 || !strings.Contains(r.stderr, "NO_REASSIGNMENT_IN_PROGRESS") {
		t.Errorf("nothing to take back: exit code %d: %s", r.code, r.stderr)
	}
	write(`{"version": 1, "partitions": [{"topic": "t", "partition": 0, "replicas": [1, 7]}, {"topic": "u", "partition": 0, "replicas": [1]}]}`)
	if r := run("--execute"); r.code != 2 || !strings.Contains(r.stderr, "broker 7") || !strings.Contains(r.stderr, "u-0: UNKNOWN_TOPIC_OR_PARTITION") {
		t.Errorf("nonsense: exit code %d: %s", r.code, r.stderr)
	}
	if r := run("--verify"); r.code != 1 || !strings.Contains(r.stdout, "t-0 has the replicas 1, not 1,7") || !strings.Contains(r.stdout, "u-0 is not there") {
		t.Errorf("not done: exit code %d: %s%s", r.code, r.stdout, r.stderr)
	}
	write(`{"version": 2}`)
	if r := run("--execute"); r.code != 2 || !strings.Contains(r.stderr, "version 1 with partitions is expected") {
		t.Errorf("bad file: exit code %d: %s", r.code, r.stderr)
	}
}
