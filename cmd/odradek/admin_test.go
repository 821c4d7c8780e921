package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
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

func TestGroupCommands(t *testing.T) {
	s := serving(t, "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--set", "group.initial.rebalance.delay.ms=0")
	defer s.stop(t)
	at := []string{"--bootstrap-server", s.address}
	run := func(arguments ...string) string { return succeed(t, "", append(arguments, at...)...).stdout }
	run("topic", "--create", "--topic", "t", "--partitions", "2")
	succeed(t, "a\nb\nc\n", append([]string{"produce", "--topic", "t"}, at...)...)
	client, err := kgo.NewClient(kgo.SeedBrokers(s.address), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.ClientID("member"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	if err != nil {
		t.Fatal(err)
	}
	for read := 0; read < 3; {
		read += len(client.PollFetches(t.Context()).Records())
	}
	if err := client.CommitUncommittedOffsets(t.Context()); err != nil {
		t.Fatal(err)
	}
	if shown := run("group", "--describe", "--members", "--group", "g"); strings.Count(shown, "\n") != 2 || !strings.Contains(shown, " member ") {
		t.Errorf("members:\n%s", shown)
	}
	if r := odradek(t, "", append([]string{"group", "--reset-offsets", "--group", "g", "--topic", "t", "--to-latest"}, at...)...); r.code != 2 || !strings.Contains(r.stderr, "stop them first") {
		t.Errorf("a reset in use: exit code %d: %s", r.code, r.stderr)
	}
	client.Close()
	if listed := run("group", "--list"); listed != "g\n" {
		t.Errorf("listed: %q", listed)
	}
	type described struct {
		State      string
		Partitions []struct{ Current, End, Lag int64 }
	}
	progress := func() (current, end, lag int64) {
		var g described
		if err := json.Unmarshal([]byte(run("group", "--describe", "--group", "g", "--output", "json")), &g); err != nil {
			t.Fatal(err)
		}
		for _, p := range g.Partitions {
			current, end, lag = current+max(p.Current, 0), end+p.End, lag+max(p.Lag, 0)
		}
		return current, end, lag
	}
	if current, end, lag := progress(); current != 3 || end != 3 || lag != 0 {
		t.Errorf("described: %d of %d, %d behind", current, end, lag)
	}
	if shown := run("group", "--describe", "--group", "g"); !strings.Contains(shown, "has no active members") || !strings.Contains(shown, "LOG-END-OFFSET") {
		t.Errorf("described:\n%s", shown)
	}
	run("group", "--reset-offsets", "--group", "g", "--topic", "t", "--to-earliest")
	if current, _, _ := progress(); current != 3 {
		t.Error("offsets were set without --execute")
	}
	run("group", "--reset-offsets", "--group", "g", "--topic", "t", "--to-earliest", "--execute")
	if current, _, lag := progress(); current != 0 || lag != 3 {
		t.Errorf("after the reset: at %d, %d behind", current, lag)
	}
	run("group", "--reset-offsets", "--group", "g", "--all-topics", "--shift-by", "100", "--execute")
	if current, _, _ := progress(); current != 3 {
		t.Errorf("beyond the end: at %d", current)
	}
	for says, arguments := range map[string]string{
		"--group ID is needed":       "--describe",
		"needs one of --to-earliest": "--reset-offsets --group g --topic t",
		"--topic T or --all-topics":  "--reset-offsets --group g --to-latest",
		"T or T:0,1 is expected":     "--reset-offsets --group g --topic t:x --to-latest",
		"cannot parse":               "--reset-offsets --group g --topic t --to-datetime noon",
		"GROUP_ID_NOT_FOUND":         "--describe --group unknown",
		"UNKNOWN_TOPIC_OR_PARTITION": "--reset-offsets --group g --topic unknown --to-latest",
		"text or json is allowed":    "--list --output xml",
	} {
		if r := odradek(t, "", append(append([]string{"group"}, strings.Fields(arguments)...), at...)...); r.code != 2 || !strings.Contains(r.stderr, says) {
			t.Errorf("%s: exit code %d: %s", arguments, r.code, r.stderr)
		}
	}
	run("group", "--delete", "--group", "g")
	if listed := run("group", "--list"); listed != "" {
		t.Errorf("after the deletion: %q", listed)
	}
	if dirs := run("log-dirs", "--describe", "--topic-list", "t"); strings.Count(dirs, "\n") != 3 || strings.Contains(dirs, "__consumer_offsets") {
		t.Errorf("directories:\n%s", dirs)
	}
	if dirs := run("log-dirs", "--describe", "--broker-list", "1"); !strings.Contains(dirs, "__consumer_offsets") {
		t.Errorf("directories of a broker:\n%s", dirs)
	}
	if r := odradek(t, "", append([]string{"log-dirs", "--describe", "--topic-list", "unknown"}, at...)...); r.code != 2 || !strings.Contains(r.stderr, "UNKNOWN_TOPIC") {
		t.Errorf("an unknown topic: exit code %d: %s", r.code, r.stderr)
	}
}
