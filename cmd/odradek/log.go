package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"odradek/broker/env/osenv"
	"odradek/broker/inspect"
)

func logCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "log",
		Short: "Look at the files of a data directory: dump them, verify them, count what they hold",
	}
	command.AddCommand(logDumpCommand(), logVerifyCommand(), logStatCommand())
	return command
}

// logPaths are the files and directories that a command of `odradek log` is given: as arguments, or by --files as with
// kafka-dump-log.
type logPaths struct {
	files  []string
	output string
}

func (p *logPaths) flags(command *cobra.Command) {
	command.Flags().StringSliceVar(&p.files, "files", nil, "files and directories, as FILE,…; the same as arguments")
	command.Flags().StringVar(&p.output, "output", "text", "text or json, an object a line")
}

func (p *logPaths) all(args []string) ([]string, error) {
	if p.output != "text" && p.output != "json" {
		return nil, fmt.Errorf("--output %q: text or json is allowed", p.output)
	}
	paths := append(append([]string{}, args...), p.files...)
	if len(paths) == 0 {
		return nil, errors.New("a PATH is needed: a file, a partition's directory or a data directory")
	}
	return paths, nil
}

// printer returns how items are printed.
func (p *logPaths) printer(out io.Writer) func(item fmt.Stringer) error {
	if p.output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		return func(item fmt.Stringer) error { return encoder.Encode(item) }
	}
	return func(item fmt.Stringer) error {
		_, err := fmt.Fprintln(out, item)
		return err
	}
}

func logDumpCommand() *cobra.Command {
	var paths logPaths
	var o inspect.DumpOptions
	var offsets, transactions, cluster bool
	command := &cobra.Command{
		Use:   "dump PATH…",
		Short: "Show what files hold, in the words of kafka-dump-log",
		Example: "  odradek log dump --print-data-log DIR/greetings-0/00000000000000000000.log\n" +
			"  odradek log dump --offsets-decoder DIR/__consumer_offsets-0\n  odradek log dump --cluster-metadata-decoder DIR/__cluster_metadata",
	}
	paths.flags(command)
	flags := command.Flags()
	flags.BoolVar(&o.Records, "deep-iteration", false, "show the records of each batch")
	flags.BoolVar(&o.Data, "print-data-log", false, "show the records with their keys and values")
	flags.BoolVar(&offsets, "offsets-decoder", false, "read records as those of __consumer_offsets")
	flags.BoolVar(&transactions, "transaction-log-decoder", false, "read records as those of __transaction_state")
	flags.BoolVar(&cluster, "cluster-metadata-decoder", false, "show what entries of the quorum's log say of the cluster")
	flags.BoolVar(&o.SkipMetadata, "skip-record-metadata", false, "of a record show key and value only")
	flags.Int64Var(&o.MaxBytes, "max-bytes", 0, "of a segment show so many bytes; 0: all")
	command.MarkFlagsMutuallyExclusive("offsets-decoder", "transaction-log-decoder", "cluster-metadata-decoder")
	command.RunE = func(command *cobra.Command, args []string) error {
		names, err := paths.all(args)
		if err != nil {
			return err
		}
		switch {
		case offsets:
			o.Decode = inspect.DecodeOffsets
		case transactions:
			o.Decode = inspect.DecodeTransactions
		case cluster:
			o.Data = true
		}
		out := bufio.NewWriterSize(command.OutOrStdout(), 1<<20)
		print := paths.printer(out)
		for _, name := range names {
			if err := inspect.Dump(osenv.ReadOnlyDisk(), name, o, func(item inspect.Item) error { return print(item) }); err != nil {
				return errors.Join(err, out.Flush())
			}
		}
		return out.Flush()
	}
	return command
}

func logVerifyCommand() *cobra.Command {
	var paths logPaths
	command := &cobra.Command{
		Use:     "verify PATH…",
		Short:   "Find what is wrong in files, and say where; exits 1 when there is something",
		Example: "  odradek log verify DIR\n  odradek log verify --output json DIR/greetings-0",
	}
	paths.flags(command)
	command.RunE = func(command *cobra.Command, args []string) error {
		names, err := paths.all(args)
		if err != nil {
			return err
		}
		out := command.OutOrStdout()
		problems := 0
		for _, name := range names {
			report, err := inspect.Verify(osenv.ReadOnlyDisk(), name)
			if err != nil {
				return err
			}
			problems += len(report.Problems)
			if paths.output == "json" {
				if err := json.NewEncoder(out).Encode(report); err != nil {
					return err
				}
				continue
			}
			for _, note := range report.Notes {
				fmt.Fprintln(out, "note:", note)
			}
			for _, problem := range report.Problems {
				fmt.Fprintln(out, problem)
			}
			fmt.Fprintf(out, "%s: %s\n", strings.TrimRight(name, "/"), report.Line())
		}
		if problems > 0 {
			return exitError{code: 1}
		}
		return nil
	}
	return command
}

func logStatCommand() *cobra.Command {
	var paths logPaths
	command := &cobra.Command{
		Use:     "stat PATH…",
		Short:   "Count what segments and partitions hold, by the headers of their batches",
		Example: "  odradek log stat DIR\n  odradek log stat --output json DIR/greetings-0",
	}
	paths.flags(command)
	command.RunE = func(command *cobra.Command, args []string) error {
		names, err := paths.all(args)
		if err != nil {
			return err
		}
		print := paths.printer(command.OutOrStdout())
		for _, name := range names {
			if err := inspect.Stat(osenv.ReadOnlyDisk(), name, func(item inspect.Item) error { return print(item) }); err != nil {
				return err
			}
		}
		return nil
	}
	return command
}
