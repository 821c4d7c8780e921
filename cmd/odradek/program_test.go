package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// asProgram, when set, makes the test binary the program: tests run it, and its children, as odradek without building it.
const asProgram = "ODRADEK_TEST_AS_PROGRAM"

// commandMax bounds every command of a test.
const commandMax = 60 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Setenv(asProgram, "1")
	os.Exit(m.Run())
}

// result is what a command printed and how it ended.
type result struct {
	stdout, stderr string
	code           int
}

// lastLine is what scripts read.
func (r result) lastLine() string {
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	return lines[len(lines)-1]
}

// odradek runs the program with input and waits for its end.
func odradek(t *testing.T, input string, arguments ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandMax) // the test's own ends before its cleanup
	defer cancel()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, os.Args[0], arguments...)
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(input), &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatalf("odradek %q did not end within %v: %s%s", arguments, commandMax, &stdout, &stderr)
	}
	return result{stdout.String(), stderr.String(), command.ProcessState.ExitCode()}
}

// succeed runs the program and demands exit code 0; it returns what was printed.
func succeed(t *testing.T, input string, arguments ...string) result {
	t.Helper()
	r := odradek(t, input, arguments...)
	if r.code != 0 {
		t.Fatalf("odradek %q: exit code %d: %s%s", arguments, r.code, r.stdout, r.stderr)
	}
	return r
}

// lines are n lines of input that can be told apart.
func lines(from, to int) string {
	var text strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	return text.String()
}
