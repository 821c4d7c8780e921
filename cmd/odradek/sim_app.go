package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"odradek/sim"
	"odradek/sim/host"
)

// appOptions are the flags that bring a program of somebody's own into a universe.
type appOptions struct {
	source    string
	instances int
	args      []string
	program   *host.Program // once it is loaded; nil without one
}

func (a *appOptions) register(flags *pflag.FlagSet) {
	flags.StringVar(&a.source, "app", "", "a program that lives in the universe in place of its clients: its directory, as ./myapp, or a built .wasm (package sim/app says how)")
	flags.IntVar(&a.instances, "instances", 3, "of the program")
	flags.StringArrayVar(&a.args, "app-arg", nil, "an argument that the program is given; may be repeated")
}

// load builds the program, if it isn't built, and reads it.
func (a *appOptions) load(ctx context.Context) error {
	if a.source == "" {
		return nil
	}
	name := a.source
	if !strings.HasSuffix(name, ".wasm") {
		dir, err := os.MkdirTemp("", "odradek-app-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		name = filepath.Join(dir, "app.wasm")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", name, ".")
		build.Dir = a.source
		build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("--app %s does not build for wasip1: %w\n%s", a.source, err, out)
		}
	}
	var err error
	a.program, err = sim.LoadProgram(ctx, name)
	return err
}

func (a *appOptions) close() error {
	if a.program == nil {
		return nil
	}
	return a.program.Close()
}

// flags name the program again.
func (a *appOptions) flags() string {
	if a.program == nil {
		return ""
	}
	words := fmt.Sprintf(" --app %s --instances %d", a.source, a.instances)
	for _, arg := range a.args {
		words += " --app-arg " + arg
	}
	return words
}
