package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"odradek/sim"
)

// The manifest asks for what there is: its arguments are flags of the command, and its parts are as many as its pods.
func TestManifestOfACampaign(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "campaign.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var arguments []string
	for _, m := range regexp.MustCompile(`(?m)^ +- (--\S+)$`).FindAllStringSubmatch(string(text), -1) {
		arguments = append(arguments, strings.ReplaceAll(m[1], "$(SHARD)", "3"))
	}
	command := simCommand()
	if err := command.ParseFlags(arguments); err != nil || len(arguments) != 4 {
		t.Fatalf("%q: %v", arguments, err)
	}
	shard, err := sim.ParseShard(command.Flag("shard").Value.String())
	if err != nil || shard.Of != 16 {
		t.Errorf("%+v: %v", shard, err)
	}
	for _, words := range []string{"completionMode: Indexed", "completions: 16", "parallelism: 16"} {
		if !strings.Contains(string(text), words) {
			t.Errorf("the manifest lacks %q", words)
		}
	}
}

// Two parts are put together; a results file of another campaign is refused.
func TestMergeOfResults(t *testing.T) {
	dir := t.TempDir()
	write := func(name, guest string, lines ...any) string {
		text := sim.AppendResult(nil, sim.ResultsHeader{Version: sim.ResultsVersion, Guest: guest, For: "1m0s"})
		for _, line := range lines {
			text = sim.AppendResult(text, line)
		}
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	a := write("a", "g", sim.Record{Seed: 1, Verdict: "pass", Hash: "1"})
	b := write("b", "g", sim.Record{Seed: 2, Verdict: "fail", Kinds: []string{"lost-write"}})
	again := write("again", "g", sim.Record{Seed: 1, Verdict: "pass", Hash: "2"})
	other := write("other", "h")
	r := odradek(t, "", "sim", "--merge", a+","+b)
	if r.code != 1 || !strings.HasPrefix(r.lastLine(), "seeds=2 passed=1 failed=1 ") || !strings.Contains(r.stdout, "lost-write: 1 seed") {
		t.Errorf("%d %s", r.code, r.stdout)
	}
	if r := odradek(t, "", "sim", "--merge", a+","+again); r.code != 3 || !strings.Contains(r.stdout, "seed=1 was not the same") {
		t.Errorf("%d %s", r.code, r.stdout)
	}
	if r := odradek(t, "", "sim", "--merge", a+","+other); r.code != 2 || !strings.Contains(r.stderr, "another campaign") {
		t.Errorf("%d %s", r.code, r.stderr)
	}
	guest := filepath.Join(dir, "guest.wasm")
	if err := os.WriteFile(guest, []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	o := simOptions{resultsFile: filepath.Join(dir, "kept"), guestFile: guest}
	first, err := o.openResults()
	if err != nil {
		t.Fatal(err)
	}
	first.write(sim.Record{Seed: 7, Verdict: "pass"})
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	second, err := o.openResults()
	if err != nil || len(second.known) != 1 || second.known[0].Seed != 7 {
		t.Fatalf("%v: %+v", err, second)
	}
	if err := second.close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(guest, []byte("two"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := o.openResults(); err == nil || !strings.Contains(err.Error(), "another campaign") {
		t.Errorf("a results file of another guest: %v", err)
	}
}
