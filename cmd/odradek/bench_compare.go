package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"odradek/bench"
	"odradek/bench/compare"
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
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		result := new(bench.Result)
		if err := json.Unmarshal(text, result); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		results = append(results, result)
	}
	return results, nil
}

// readFigures reads files of numbers, one a line.
func readFigures(file string) (compare.Sample, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var figures compare.Sample
	for line := range strings.Lines(string(text)) {
		figure, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		figures = append(figures, figure)
	}
	return figures, nil
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
		ours, err := readFigures(patterns[0])
		if err != nil {
			return nil, err
		}
		peer, err := readFigures(patterns[1])
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
	var page compare.Page
	command := &cobra.Command{
		Use:     "page ROWS",
		Short:   "Make a page, in Markdown, of a file with the rows of a comparison",
		Example: "  odradek bench page --commit abc --date 2026-01-02 --machine '2 cores' --command 'make bench-peer' rows > page.md",
		Args:    cobra.ExactArgs(1),
	}
	flags := command.Flags()
	flags.StringVar(&page.Commit, "commit", "", "which commit was measured")
	flags.StringVar(&page.Date, "date", "", "when")
	flags.StringVar(&page.Machine, "machine", "", "on what")
	flags.StringArrayVar(&page.Commands, "command", nil, "what gives the figures; may be repeated")
	command.RunE = func(command *cobra.Command, files []string) error {
		text, err := os.ReadFile(files[0])
		if err != nil {
			return err
		}
		page.Rows = strings.Split(strings.TrimSpace(string(text)), "\n")
		markdown, err := page.Markdown()
		if err != nil {
			return err
		}
		fmt.Fprint(command.OutOrStdout(), markdown)
		return nil
	}
	return command
}
