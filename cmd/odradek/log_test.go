package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odradek/broker/commitlog"
	"odradek/broker/env/osenv"
	"odradek/broker/inspect"
	"odradek/broker/record"
)

// logOnDisk writes a small log and returns the directory above it.
func logOnDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	l, err := commitlog.Open(osenv.New().Disk, filepath.Join(dir, "t-0"), commitlog.DefaultConfig(), commitlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		b := record.NewBuilder()
		b.Append(record.Record{Timestamp: 1_700_000_000_000, Value: []byte("hello")})
		batch, err := b.Build()
		if err == nil {
			_, err = l.AppendLeader(batch, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func runLog(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	var b bytes.Buffer
	command := root()
	command.SetOut(&b)
	command.SetArgs(append([]string{"log"}, args...))
	err := command.Execute()
	return b.String(), exitCode(err)
}

func TestLogVerifyNamesTheBatchAndExitsWith1(t *testing.T) {
	dir := logOnDisk(t)
	if out, code := runLog(t, "verify", dir); code != 0 || !strings.HasSuffix(out, "batches=3 records=3 bytes=219 problems=0\n") {
		t.Fatalf("%d: %s", code, out)
	}
	name := filepath.Join(dir, "t-0", "00000000000000000000.log")
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	content[73+70] ^= 4 // a byte of the second batch's record
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
	out, code := runLog(t, "verify", dir)
	if code != 1 || !strings.Contains(out, name+": batch 2, offset 1, position 73: 73 bytes: ") {
		t.Errorf("%d: %s", code, out)
	}
	out, code = runLog(t, "verify", "--output", "json", name)
	var report inspect.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 1 || len(report.Problems) != 1 || report.Problems[0].Offset != 1 {
		t.Errorf("%d, %v: %s", code, err, out)
	}
}

func TestLogDumpAndStatAsJSON(t *testing.T) {
	dir := logOnDisk(t)
	out, code := runLog(t, "dump", "--print-data-log", "--output", "json", "--files", filepath.Join(dir, "t-0", "00000000000000000000.log"))
	payloads := 0
	for line := range strings.Lines(out) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if object["payload"] == "hello" {
			payloads++
		}
	}
	if code != 0 || payloads != 3 {
		t.Errorf("%d: %s", code, out)
	}
	out, code = runLog(t, "stat", "--output", "json", dir)
	var stat inspect.LogStat
	if err := json.Unmarshal([]byte(out), &stat); err != nil || code != 0 || stat.Records != 3 || stat.EndOffset != 3 {
		t.Errorf("%d, %v: %s", code, err, out)
	}
}

func TestLogRefusesWhatItIsNotFor(t *testing.T) {
	for _, args := range [][]string{{"dump"}, {"verify", "/nowhere"}, {"stat", "--output", "xml", "."}, {"dump", "main.go"}} {
		if _, code := runLog(t, args...); code != 2 {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
}
