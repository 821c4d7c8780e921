package host_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"odradek/sim/clock"
	"odradek/sim/host"
)

// program compiles the test guest, once for all tests.
var program = sync.OnceValues(func() (*host.Program, error) {
	dir, err := os.MkdirTemp("", "testguest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "guest.wasm")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", file, "odradek/sim/host/testdata/testguest")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the guest: %w\n%s", err, out)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return host.Compile(context.Background(), wasm, host.CompileOptions{Workers: 2})
})

// world is a universe under test, and what its guests said.
type world struct {
	*host.Universe
	t     testing.TB
	lines []string // "name: line", as they came
	exits []string
}

// newWorld makes a universe; change, if not nil, edits its config before.
func newWorld(t testing.TB, seed uint64, change func(*host.Config)) *world {
	t.Helper()
	p, err := program()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t}
	config := host.DefaultConfig(seed, p)
	config.OnStdout = func(n *host.Node, _ clock.Time, line []byte) {
		w.lines = append(w.lines, n.Name()+": "+string(line))
	}
	config.OnStderr = func(n *host.Node, _ clock.Time, line []byte) { t.Logf("%s stderr: %s", n.Name(), line) }
	config.OnExit = func(n *host.Node, exit host.Exit) {
		w.exits = append(w.exits, n.Name()+" "+exit.String())
	}
	if change != nil {
		change(&config)
	}
	w.Universe = host.New(config)
	t.Cleanup(func() { w.Close() })
	return w
}

// add adds a node that runs a program of the test guest; its address ends with the number of nodes.
func (w *world) add(name string, args ...string) *host.Node {
	w.t.Helper()
	n, err := w.AddNode(host.NodeConfig{
		Name: name, IP: fmt.Sprintf("10.0.0.%d", len(w.Nodes())+1), Args: append([]string{"testguest"}, args...),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// start adds a node and starts it.
func (w *world) start(name string, args ...string) *host.Node {
	w.t.Helper()
	n := w.add(name, args...)
	w.restart(n)
	return n
}

func (w *world) restart(n *host.Node) {
	w.t.Helper()
	if err := n.Start(); err != nil {
		w.t.Fatal(err)
	}
}

// run lets the universe run until d after its beginning.
func (w *world) run(d time.Duration) {
	w.t.Helper()
	if err := w.Run(clock.Time(d)); err != nil {
		w.t.Fatal(err)
	}
}

// said returns the lines that contain what.
func (w *world) said(what string) []string {
	var found []string
	for _, line := range w.lines {
		if strings.Contains(line, what) {
			found = append(found, line)
		}
	}
	return found
}

// expect fails unless some line contains what.
func (w *world) expect(what string) {
	w.t.Helper()
	if len(w.said(what)) == 0 {
		w.t.Errorf("nobody said %q; said was:\n%s\nexits: %q", what, strings.Join(w.lines, "\n"), w.exits)
	}
}
