package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"odradek/linearizability"
	"odradek/linearizability/history"
)

func checkCommand() *cobra.Command {
	var page string
	command := &cobra.Command{
		Use:   "check HISTORY",
		Short: "Hold a history against what a broker promises",
		Example: "  odradek sim --seed 7 --history /tmp/7.history\n  odradek check /tmp/7.history\n" +
			"  odradek check --porcupine /tmp/7.html /tmp/7.history",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			table, err := readHistory(args[0])
			if err != nil {
				return err
			}
			report := linearizability.Check(table, table.Header.Promises)
			out := command.OutOrStdout()
			fmt.Fprint(out, report)
			if page != "" {
				if err := writePorcupine(out, page, table); err != nil {
					return err
				}
			}
			fmt.Fprintln(out, report.Line())
			return outcome(report.Verdict)
		},
	}
	command.Flags().StringVar(&page, "porcupine", "", "write porcupine's page of the operations that have no order to this file, if there are such")
	return command
}

func readHistory(name string) (*history.Table, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	table, err := history.Collect(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return table, nil
}

// writePorcupine writes the page; without such operations there is no file.
func writePorcupine(out io.Writer, name string, table *history.Table) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	written, err := linearizability.Page(file, table, table.Header.Promises)
	if err = errors.Join(err, file.Close()); err != nil || written {
		return err
	}
	fmt.Fprintln(out, "note: every window of operations has an order, so porcupine has nothing to show")
	return os.Remove(name)
}
