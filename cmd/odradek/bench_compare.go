package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"odradek/bench"
	"odradek/bench/compare"
	"odradek/bench/page"
)

// readResults reads what `bench --json` wrote into the files that match a pattern.
func readResults(pattern string) ([]*bench.Result, error) {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no file matches %s", pattern)
	}
	var results []*bench.Result
	for _, file := range files {
		result, err := compare.ReadResult(file)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	return results, nil
}

// comparisonOptions say what the two arguments of a comparison are.
type comparisonOptions struct {
	name, unit string
	figures    bool
}

func (o *comparisonOptions) flags(command *cobra.Command) {
	command.Flags().StringVar(&o.name, "name", "bench", "what was run")
	command.Flags().BoolVar(&o.figures, "figures", false, "the arguments are files of numbers, one a line, not patterns of results")
	command.Flags().StringVar(&o.unit, "unit", "", "the unit of those numbers")
}

// rows compares two patterns of result files, or two files of figures.
func (o *comparisonOptions) rows(patterns []string) ([]compare.Row, error) {
	if o.figures {
		ours, err := compare.ReadFigures(patterns[0])
		if err != nil {
			return nil, err
		}
		peer, err := compare.ReadFigures(patterns[1])
		return []compare.Row{{Name: o.name, Unit: o.unit, Ours: ours, Peer: peer}}, err
	}
	first, err := readResults(patterns[0])
	if err != nil {
		return nil, err
	}
	second, err := readResults(patterns[1])
	if err != nil {
		return nil, err
	}
	return compare.Rows(o.name, first, second), nil
}

func benchRowsCommand() *cobra.Command {
	var o comparisonOptions
	command := &cobra.Command{
		Use:     "rows OURS PEER",
		Short:   "Compare results of two sides: a line a row, with medians, ratios (ours to the peer's) and spread",
		Example: "  odradek bench rows --name 1KB 'ours-*.json' 'peer-*.json'",
		Args:    cobra.ExactArgs(2),
	}
	o.flags(command)
	command.RunE = func(command *cobra.Command, patterns []string) error {
		rows, err := o.rows(patterns)
		for _, row := range rows {
			fmt.Fprintln(command.OutOrStdout(), row.Line())
		}
		return err
	}
	return command
}

func benchDiffCommand() *cobra.Command {
	var o comparisonOptions
	var old, newer string
	command := &cobra.Command{
		Use:     "diff OLD NEW",
		Short:   "Compare results of two versions, and say which differences are more than chance",
		Example: "  odradek bench diff --name 1KB 'old-*.json' 'new-*.json'",
		Args:    cobra.ExactArgs(2),
	}
	o.flags(command)
	command.Flags().StringVar(&old, "old", "old", "what the older version is called")
	command.Flags().StringVar(&newer, "new", "new", "what the newer one is called")
	command.RunE = func(command *cobra.Command, patterns []string) error {
		rows, err := o.rows([]string{patterns[1], patterns[0]})
		if err != nil {
			return err
		}
		fmt.Fprint(command.OutOrStdout(), compare.Table(old, newer, rows))
		return nil
	}
	return command
}

func benchPageCommand() *cobra.Command {
	var p compare.Page
	var out []string
	command := &cobra.Command{
		Use:   "page DIRECTORY",
		Short: "Make a page of two sides' results, as bench/turns keeps them: NAME-SIDE-ROUND.json, and NAME-SIDE.UNIT with figures",
		Example: "  odradek bench page --first ours --second peer --out page.md --out page.html results\n" +
			"  odradek bench page --first this --second v1 --commit abc --command 'make bench-compare REF=v1' --out page.html results",
		Args: cobra.ExactArgs(1),
	}
	flags := command.Flags()
	flags.StringVar(&p.Sides[0], "first", "ours", "the side whose ratio is told")
	flags.StringVar(&p.Sides[1], "second", "peer", "the side that it is compared with")
	flags.StringVar(&p.Commit, "commit", "", "which commit was measured")
	flags.StringVar(&p.Date, "date", "", "when")
	flags.StringVar(&p.Machine, "machine", "", "on what")
	flags.StringArrayVar(&p.Commands, "command", nil, "what gives the figures; may be repeated")
	flags.StringArrayVar(&out, "out", nil, "a file, .md for a table or .html for a page with curves; may be repeated")
	if err := command.MarkFlagRequired("out"); err != nil {
		panic(err)
	}
	command.RunE = func(_ *cobra.Command, directory []string) (err error) {
		if p.Groups, err = compare.ReadGroups(directory[0], p.Sides[0], p.Sides[1]); err != nil {
			return err
		}
		if len(p.Groups) == 0 {
			return fmt.Errorf("%s has no results of %s and %s", directory[0], p.Sides[0], p.Sides[1])
		}
		for _, name := range out {
			if err := writeComparison(name, p); err != nil {
				return err
			}
		}
		return nil
	}
	return command
}

func writeComparison(name string, p compare.Page) error {
	switch filepath.Ext(name) {
	case ".md":
		return os.WriteFile(name, []byte(p.Markdown()), 0o644)
	case ".html":
		return writeMeasurement(name, page.Comparison(p))
	}
	return fmt.Errorf("--out %s: a name that ends with .md or .html is needed", name)
}
