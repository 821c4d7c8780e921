package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"odradek/linearizability"
)

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "check HISTORY",
		Short:   "Hold a history against what a broker promises",
		Example: "  odradek sim --seed 7 --history /tmp/7.history\n  odradek check /tmp/7.history",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			file, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			report, err := linearizability.CheckReader(file)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			out := command.OutOrStdout()
			fmt.Fprint(out, report)
			fmt.Fprintln(out, report.Line())
			return outcome(report.Verdict)
		},
	}
}
