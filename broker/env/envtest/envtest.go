// Package envtest is the definition of what package env promises: one suite that the real machine, the simulated one and
// the one in memory all pass, so that what a test or a simulation shows can be believed of the real thing.
//
// It is a plain library without package testing, because it also runs inside a guest of the simulator, where no go test is
// around it. Natively a test calls Case.Run for each of Cases; a guest calls RunAll. CrashCases are for disks that can lose
// power, and run from outside of the machine that does.
//
// Promises that differ between systems are tested for what is common, and the comment at the case says so.
package envtest

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
	"sync"
	"time"

	"odradek/broker/env"
)

// caseTimeMax is how long one case may take: far more than any needs, also on a busy machine.
const caseTimeMax = time.Minute

// World is where the cases run.
type World struct {
	env.Env
	// Dir is a directory that each case makes one of its own in. It is made when it is missing.
	Dir string
	// Host is a name that this node can listen on and dial.
	Host string
	// HangingAddress is one that never answers a dial; without one the cases that need it end with ErrLeftOut.
	HangingAddress string
}

// ErrLeftOut is the outcome of a case that the World has not what it takes for.
var ErrLeftOut = errors.New("left out")

// Case is one promise.
type Case struct {
	Name string
	run  func(*T)
}

// Cases returns all that an env.Env has to pass.
func Cases() []Case {
	var all []Case
	for _, group := range [][]Case{fileCases, directoryCases, helperCases, streamCases, closeCases, deadlineCases, dialCases} {
		all = append(all, group...)
	}
	return all
}

// Run runs the case and returns what it found wrong, or ErrLeftOut, or nil.
func (c Case) Run(w World) error {
	dir := path.Join(w.Dir, c.Name)
	// A run that was cut short may have left something.
	if err := errors.Join(env.RemoveAll(w.Disk, dir), w.Disk.MkdirAll(dir)); err != nil {
		return err
	}
	err := runLimited(&T{World: w, dir: dir}, c.run)
	return errors.Join(err, env.RemoveAll(w.Disk, dir))
}

// RunAll runs all Cases in turn and reports each one's outcome.
func RunAll(w World, report func(name string, err error)) {
	for _, c := range Cases() {
		report(c.Name, c.Run(w))
	}
}

// T is what a running case sees of its surroundings, and how it says what is wrong.
type T struct {
	World
	ctx context.Context
	dir string

	mu     sync.Mutex
	errors []error
}

// runLimited runs a case in a goroutine of its own, which Fatalf ends, for no longer than caseTimeMax.
func runLimited(t *T, run func(*T)) error {
	ctx, cancel := context.WithTimeout(context.Background(), caseTimeMax)
	defer cancel()
	t.ctx = ctx
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(t)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		t.Errorf("not finished after %v", caseTimeMax)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return errors.Join(t.errors...)
}

// leaveOut ends the case without a verdict.
func (t *T) leaveOut(missing string) {
	t.mu.Lock()
	t.errors = append(t.errors, fmt.Errorf("%w: no %s", ErrLeftOut, missing))
	t.mu.Unlock()
	runtime.Goexit()
}

// Errorf notes that something is wrong. It may be called from any goroutine of the case.
func (t *T) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.errors = append(t.errors, fmt.Errorf(caller()+": "+format, args...))
}

// Fatalf is Errorf, and ends the case. It may only be called from the goroutine that runs the case.
func (t *T) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

// must ends the case when err is not nil.
func (t *T) must(err error) {
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// fails notes when err is not one that wraps want.
func (t *T) fails(err, want error) {
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

// failsSomehow notes when err is nil: it is promised that there is an error, not which.
func (t *T) failsSomehow(what string, err error) {
	if err == nil {
		t.Errorf("%s: no error", what)
	}
}

// caller returns the place in a case that led to the call, as file:line.
func caller() string {
	frames := make([]uintptr, 16)
	iter := runtime.CallersFrames(frames[:runtime.Callers(2, frames)])
	for {
		f, more := iter.Next()
		if !strings.HasPrefix(f.Function[strings.LastIndex(f.Function, "/")+1:], "envtest.(*T).") {
			return fmt.Sprintf("%s:%d", path.Base(f.File), f.Line)
		}
		if !more {
			return "?"
		}
	}
}
