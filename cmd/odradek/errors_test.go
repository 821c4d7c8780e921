package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestErrorsNameWhatIsAllowed gives every command something wrong. Each must say on standard error, and nowhere else, what is
// wrong and what would be right, and exit with 2: it could not run.
func TestErrorsNameWhatIsAllowed(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	data := filepath.Join(dir, "data")
	unknown := file("unknown.properties", "# a comment\nnode.id=1\nlog.retention.hoers=3\n")
	noSyntax := file("syntax.properties", "node.id\n")
	noHistory := file("text", "no history\n")
	for _, c := range []struct {
		name      string
		arguments []string
		words     []string
	}{
		{"no such command", []string{"sevre"}, []string{`"sevre"`}},
		{"no such flag", []string{"serve", "--flub"}, []string{"--flub", "odradek serve --help"}},
		{"no data", []string{"serve"}, []string{"--data"}},
		{"a stray argument", []string{"serve", "--data", data, "extra"}, []string{"extra"}},
		{"an unknown key", []string{"serve", "--data", data, "--set", "num.partition=3"}, []string{"--set", "num.partition", "num.partitions"}},
		{"a bad number", []string{"serve", "--data", data, "--set", "num.partitions=many"}, []string{"num.partitions", "many", "[1,...]"}},
		{"a number out of range", []string{"serve", "--data", data, "--set", "num.partitions=0"}, []string{"num.partitions", "0", "[1,...]"}},
		{"a bad word", []string{"serve", "--data", data, "--set", "compression.type=wild"}, []string{"compression.type", "wild", "zstd, lz4, snappy, gzip"}},
		{"no value", []string{"serve", "--data", data, "--set", "num.partitions"}, []string{"--set", "KEY=VALUE"}},
		{"an unknown key in a file", []string{"serve", "--data", data, "--config", unknown}, []string{unknown, "3", "log.retention.hoers", "log.retention.hours"}},
		{"a file without syntax", []string{"serve", "--data", data, "--config", noSyntax}, []string{"node.id"}},
		{"no such file", []string{"serve", "--data", data, "--config", filepath.Join(dir, "none")}, []string{filepath.Join(dir, "none")}},
		{"a listener without a port", []string{"serve", "--data", data, "--listen", "localhost"}, []string{"listeners", "localhost", "host:port"}},
		{"controllers without addresses", []string{"serve", "--data", data, "--controllers", "1,2,3"}, []string{"controller.quorum.voters", "id@host:port"}},
		{"too many nodes", []string{"cluster", "up", "--dir", dir, "--nodes", "12"}, []string{"--nodes 12", "1 to 9"}},
		{"a port too high", []string{"cluster", "up", "--dir", dir, "--port", "65535"}, []string{"--port 65535", "1 to"}},
		{"no directory", []string{"cluster", "up"}, []string{"dir"}},
		{"no cluster", []string{"cluster", "down", "--dir", dir}, []string{"cluster.json", "cluster up"}},
		{"no broker", []string{"topic", "--list", "--bootstrap-server", "127.0.0.1:1"}, []string{"127.0.0.1:1", "odradek serve"}},
		{"nothing to do", []string{"topic"}, []string{"create", "list", "describe"}},
		{"two things to do", []string{"topic", "--create", "--list"}, []string{"create", "list"}},
		{"no topic", []string{"topic", "--create"}, []string{"--topic"}},
		{"an output of no kind", []string{"topic", "--list", "--output", "xml"}, []string{"xml", "text or json"}},
		{"a codec of no kind", []string{"produce", "--topic", "t", "--compression-codec", "zip"}, []string{"zip", "zstd"}},
		{"acks of no kind", []string{"produce", "--topic", "t", "--acks", "2"}, []string{`"2"`, "all, 1 or 0"}},
		{"no topic to read", []string{"consume"}, []string{"topic"}},
		{"no history", []string{"check", filepath.Join(dir, "none")}, []string{filepath.Join(dir, "none")}},
		{"not a history", []string{"check", noHistory}, []string{noHistory, "line 1"}},
		{"a range of no kind", []string{"sim", "--guest", noHistory, "--seeds", "5"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := odradek(t, "", c.arguments...)
			if r.code != 2 || r.stdout != "" || !strings.HasPrefix(r.stderr, "odradek: ") {
				t.Errorf("exit code %d, standard output %q, standard error %q", r.code, r.stdout, r.stderr)
			}
			for _, word := range c.words {
				if !strings.Contains(r.stderr, word) {
					t.Errorf("%q does not name %q", r.stderr, word)
				}
			}
		})
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	for _, command := range root().Commands() {
		for _, each := range append(command.Commands(), command) {
			if each.Name() != "help" && each.Name() != "completion" && !each.HasSubCommands() && !strings.Contains(each.Example, each.CommandPath()) {
				t.Errorf("%s: its example %q does not show it", each.CommandPath(), each.Example)
			}
		}
	}
}
