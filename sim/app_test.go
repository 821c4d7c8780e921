package sim

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"odradek/chaos"
	"odradek/linearizability/verdict"
	"odradek/sim/host"
)

// example is one of the programs that package app comes with.
func example(t *testing.T, name string) *host.Program {
	t.Helper()
	return built(t, "odradek/sim/app/examples/"+name)
}

// built builds a guest from a package.
func built(t *testing.T, pkg string) *host.Program {
	t.Helper()
	guest := filepath.Join(t.TempDir(), "app.wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", guest, pkg)
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v: %s", pkg, err, out)
	}
	program, err := LoadProgram(t.Context(), guest)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return program
}

// appPlan has two workers die every second or so, one after the other, and nothing else happen.
func appPlan(args ...string) chaos.Plan {
	plan := smallPlan()
	plan.Phases = chaos.Phases{Calm: seconds(4), Faults: seconds(12), Heal: seconds(6), Read: seconds(3)}
	plan = chaos.WithApp(plan, 3, args)
	plan.App.Kills = nil
	for i := range 9 {
		plan.App.Kills = append(plan.App.Kills, chaos.Kill{At: seconds(5.03 + 1.17*float64(i)), For: seconds(0.4), Instance: 2 + i%2})
	}
	return plan
}

// firstFailing runs a plan with a few seeds, until one fails: a bug of timing needs its moment.
func firstFailing(t *testing.T, options Options) (result *Result) {
	t.Helper()
	for range 5 {
		var err error
		if result, err = Run(options); err != nil {
			t.Fatal(err)
		}
		if result.Verdict != verdict.Pass {
			break
		}
		options.Plan.Seed++
	}
	return result
}

// Each example has its bug, which is found, and is well without it.
func TestExamplesHaveTheirBug(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two programs and runs four universes")
	}
	for name, kind := range map[string]string{"orders": "eventually", "transform": "always"} {
		t.Run(name, func(t *testing.T) {
			program, app := program(t), example(t, name)
			for _, args := range [][]string{nil, {"mended"}} {
				result := firstFailing(t, Options{Plan: appPlan(args...), Program: program, App: app})
				var words bytes.Buffer
				result.Explain(&words)
				t.Logf("%v: %s\n%v\n%s", args, result.Line(), result.Assertions, &words)
				if args != nil && result.Verdict != verdict.Pass {
					t.Errorf("mended, and it still fails")
				}
				if args == nil && (result.Verdict != verdict.Fail || !slices.Equal(result.Kinds(), []string{kind})) {
					t.Errorf("the bug is not found: %s %v", result.Verdict, result.Kinds())
				}
			}
		})
	}
}

// An app that dies, one that is not given, and what is printed beside the assertions.
func TestAppsThatFail(t *testing.T) {
	if _, err := Run(Options{Plan: appPlan(), Program: program(t)}); err == nil || !strings.Contains(err.Error(), "--app") {
		t.Errorf("a plan with an app and a run without: %v", err)
	}
	if testing.Short() {
		return
	}
	// The broker's guest is no app: it knows no such role, and says so on its standard error.
	o, err := newRun(Options{Plan: appPlan(), Program: program(t), App: program(t)})
	if err != nil {
		t.Fatal(err)
	}
	result, err := o.take()
	if err != nil {
		t.Fatal(err)
	}
	if result.Verdict != verdict.Fail || !slices.Equal(result.Kinds(), []string{"app-died"}) || !strings.Contains(result.Violations[0].Words, "unknown role") {
		t.Errorf("%s %v", result.Verdict, result.Violations)
	}
}

// A guest that never waits ends the run: time would hardly go on. That is its own doing, and the run's verdict.
func TestAnAppThatSpins(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten million host calls")
	}
	result, err := Run(Options{Plan: appPlan(), Program: program(t), App: built(t, "./testdata/spins")})
	if err != nil {
		t.Fatal(err)
	}
	if result.Verdict != verdict.Fail || !slices.Contains(result.Kinds(), "spins") || !strings.Contains(result.Violations[0].Words, "app-") {
		t.Errorf("%s %v", result.Verdict, result.Violations)
	}
}
