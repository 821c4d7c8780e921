package main

import (
	"regexp"
	"strconv"
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
	if r := succeed(t, "", "topic", "--bootstrap-server", s.address, "--list"); r.stdout != "" {
		t.Errorf("topics left behind: %q", r.stdout)
	}
	for name, arguments := range map[string][]string{
		"no records":        {"--records", "0"},
		"too many replicas": {"--replication-factor", "2"},
		"too large":         {"--record-size", "2000000", "--records", "2"},
		"no such process":   {"--pid", "999999999"},
	} {
		if r := odradek(t, "", append(at, arguments...)...); r.code != 2 || r.stderr == "" {
			t.Errorf("%s: exit code %d, %q", name, r.code, r.stderr)
		}
	}
}
