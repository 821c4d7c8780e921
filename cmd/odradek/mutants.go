package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"odradek/chaos"
	"odradek/sim/mutants"
)

// mutantsOptions are the flags of `odradek mutants`.
type mutantsOptions struct {
	only       []string
	seeds      string
	length     time.Duration
	jobs       int
	root, keep string
	list       bool
}

func mutantsCommand() *cobra.Command {
	var o mutantsOptions
	command := &cobra.Command{
		Use:   "mutants",
		Short: "Lay known bugs over the broker's source, and see which universes find them",
		Long: "Lays each known bug over the broker's source, builds the guest with it, and runs universes until one shows a violation.\n" +
			"A mutant that lives is a hole in the harness. Exit code: 0 when all are found, 1 when some live.",
		Example: "  odradek mutants --jobs 2\n" +
			"  odradek mutants --only vote-not-synced,directory-not-synced --seeds 1..200 --keep /tmp/guests",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return o.run(command) },
	}
	flags := command.Flags()
	flags.StringSliceVar(&o.only, "only", nil, "names of mutants, separated by commas (default: all)")
	flags.StringVar(&o.seeds, "seeds", "1..50", "the universes to try, A..B, both included")
	flags.DurationVar(&o.length, "for", chaos.RunDefault, "virtual time of a universe, 30s at least")
	flags.IntVar(&o.jobs, "jobs", runtime.NumCPU(), "mutants at a time")
	flags.StringVar(&o.root, "root", "", "the module's root directory (default: that of the working directory)")
	flags.StringVar(&o.keep, "keep", "", "leave the guests in this directory, for odradek sim --guest")
	flags.BoolVar(&o.list, "list", false, "say what the mutants are, and run nothing")
	return command
}

func (o *mutantsOptions) run(command *cobra.Command) error {
	all, err := mutants.Known()
	if err != nil {
		return err
	}
	chosen, err := mutants.Select(all, o.only)
	if err != nil {
		return err
	}
	out := command.OutOrStdout()
	if o.list {
		for _, m := range chosen {
			fmt.Fprintf(out, "%s: %s\n  source: %s\n  lost: %s\n", m.Name, m.Title, m.Source, m.Lost)
		}
		return nil
	}
	hunt := mutants.Hunt{Mutants: chosen, For: o.length, Jobs: o.jobs, Root: o.root, Dir: o.keep}
	if hunt.First, hunt.Last, err = seedRange(o.seeds); err != nil {
		return err
	}
	if hunt.Root == "" {
		if hunt.Root, err = moduleRoot(command.Context()); err != nil {
			return err
		}
	}
	if hunt.Dir == "" {
		if hunt.Dir, err = os.MkdirTemp("", "odradek-mutants-"); err != nil {
			return err
		}
		defer os.RemoveAll(hunt.Dir)
	}
	progress := newProgress(command.ErrOrStderr(), len(chosen))
	hunt.Done = func(s mutants.Score) {
		progress.end()
		fmt.Fprintln(out, s)
		for _, reason := range append(s.Broken, s.Missed...) {
			fmt.Fprintln(out, "      "+reason)
		}
		progress.step()
	}
	scores, err := hunt.Run(command.Context())
	progress.end()
	if err != nil {
		return err
	}
	fmt.Fprintln(out, mutants.Line(scores))
	if mutants.Alive(scores) > 0 {
		return exitError{code: 1}
	}
	return nil
}

// moduleRoot asks the go tool where the module of the working directory is.
func moduleRoot(ctx context.Context) (string, error) {
	text, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w (mutants are built from source: the go tool is needed)", err)
	}
	mod := strings.TrimSpace(string(text))
	if mod == "" || mod == os.DevNull {
		return "", errors.New("the working directory is in no module: run it in odradek's source, or say --root")
	}
	return filepath.Dir(mod), nil
}
