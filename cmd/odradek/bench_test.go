package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestBench(t *testing.T) {
	s := serving(t, "--data", t.TempDir(), "--listen", "127.0.0.1:0")
	defer s.stop(t)
	at := []string{"bench", "--bootstrap-server", s.address}
	r := succeed(t, "", append(at, "--records", "5000", "--record-size", "100", "--pid", strconv.Itoa(s.process.Process.Pid))...)
	number := `\d+(\.\d+)?`
	line := regexp.MustCompile(`^produced_per_s=` + number + ` produced_mib_per_s=` + number + ` consumed_mib_per_s=` + number + ` p50_ms=` + number +
		` p99_ms=` + number + ` p999_ms=` + number + ` broker_cpu_s_per_gib=` + number + ` broker_rss_mib=` + number + `$`)
	if !line.MatchString(r.lastLine()) {
		t.Errorf("last line %q", r.lastLine())
	}
	benchFiles(t, at)
	if r := succeed(t, "", "topic", "--bootstrap-server", s.address, "--list"); strings.Contains(r.stdout, "bench-") {
		t.Errorf("topics left behind: %q", r.stdout)
	}
	for name, arguments := range map[string][]string{
		"no records":        {"--records", "0"},
		"too many replicas": {"--replication-factor", "2"},
		"too large":         {"--record-size", "2000000", "--records", "2"},
		"no such process":   {"--pid", "999999999"},
		"no such workload":  {"--workload", "nothing"},
		"no such file":      {"--workload", "./nothing.json"},
	} {
		if r := odradek(t, "", append(at, arguments...)...); r.code != 2 || r.stderr == "" {
			t.Errorf("%s: exit code %d, %q", name, r.code, r.stderr)
		}
	}
}

// benchFiles tries a workload of each kind of client from a file, what is written of it, and the comparison of it.
func benchFiles(t *testing.T, at []string) {
	t.Helper()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{
		"backlog.json": `{"partitions": 2, "record_sizes": [{"bytes": 30, "share": 1}, {"bytes": 300, "share": 1}], "rate": 2000, "seconds": 0.8, "read": "beside",
			"backlog_seconds": 0.4, "groups": 2}`,
		"records.json": `{"topics": 2, "partitions": 2, "record_bytes": 50, "record_bytes_max": 90, "keys": 5, "compression": "lz4", "rate": 4000, "seconds": 0.5,
			"warmup_seconds": 0.1, "producers": 2, "consumers": 2, "groups": 2, "transaction_records": 100, "key_skew": 1, "read": "beside"}`,
		"batches.json": `{"partitions": 2, "record_bytes": 200, "client": "batches", "batch_bytes": 4096, "producers": 2, "in_flight": 3, "consumers": 2, "records": 20000}`,
	} {
		if err := os.WriteFile(file(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := succeed(t, "", append(at, "--workload", file("records.json"), "--json", file("r.json"), "--hgrm", file("latency"), "--report", file("r.html"))...)
	if !strings.Contains(r.stdout, "end to end ms: p50 ") {
		t.Errorf("records: %s", r.stdout)
	}
	if !strings.Contains(r.stdout, "commit ms: p50 ") {
		t.Errorf("no commits: %s", r.stdout)
	}
	if r := succeed(t, "", append(at, "--workload", file("backlog.json"))...); !strings.Contains(r.stdout, "caught up with after ") {
		t.Errorf("no backlog: %s", r.stdout)
	}
	if page, err := os.ReadFile(file("r.html")); err != nil || !strings.Contains(string(page), " bench --bootstrap-server") {
		t.Errorf("the page does not say how it was made: %v", err)
	}
	for _, name := range []string{"latency-produce.hgrm", "latency-end-to-end.hgrm"} {
		if text, err := os.ReadFile(file(name)); err != nil || !strings.Contains(string(text), "TotalCount") {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	succeed(t, "", append(at, "--workload", file("batches.json"), "--json", file("b.json"))...)
	succeed(t, "", "bench", "limit", "--workload", file("batches.json"), "--dir", dir, "--json", file("l.json"))
	r = succeed(t, "", "bench", "rows", "--name", "x", file("b.json"), file("l.json"))
	if !strings.Contains(r.stdout, "row=produce_x ours=") || !strings.Contains(r.stdout, "row=consume_x ours=") {
		t.Errorf("rows: %s", r.stdout)
	}
	r = succeed(t, "", "bench", "diff", file("b.json"), file("b.json"))
	if !strings.Contains(r.stdout, "~ (p=1.000") {
		t.Errorf("diff: %s", r.stdout)
	}
	if r := odradek(t, "", "bench", "rows", file("none*"), file("b.json")); r.code != 2 {
		t.Errorf("rows of nothing: exit code %d", r.code)
	}
}

func TestBenchAwait(t *testing.T) {
	address := fmt.Sprintf("127.0.0.1:%d", portBase(t))
	r := succeed(t, "", "bench", "await", "--stop", "--bootstrap-server", address, "--", os.Args[0], "serve", "--data", t.TempDir(), "--listen", address)
	if ms, err := strconv.ParseFloat(r.lastLine(), 64); err != nil || ms <= 0 {
		t.Errorf("%q: %v", r.stdout, err)
	}
	if r := odradek(t, "", "bench", "await", "--within", "100ms", "--bootstrap-server", address, "--", "sleep", "60"); r.code != 2 || !strings.Contains(r.stderr, "deadline") {
		t.Errorf("exit code %d, %q", r.code, r.stderr)
	}
}
