package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"

	"github.com/spf13/cobra"

	"odradek/bench"
)

func benchLimitCommand() *cobra.Command {
	var o benchOptions
	var dir string
	command := &cobra.Command{
		Use:     "limit",
		Short:   "Move a workload's bytes without a broker, from a connection to a file and back: the machine's own limit",
		Example: "  odradek bench limit --workload produce-1KB --dir /var/tmp",
		Args:    cobra.NoArgs,
	}
	o.workloadFlags(command)
	command.Flags().StringVar(&dir, "dir", os.TempDir(), "where the file is, on the disk that a broker would have")
	command.RunE = func(command *cobra.Command, _ []string) error {
		w, err := o.chosen(command)
		if err != nil {
			return err
		}
		self, err := os.Executable()
		if err != nil {
			return err
		}
		batch, err := w.LimitBatchBytes()
		if err != nil {
			return err
		}
		sink := exec.CommandContext(command.Context(), self, "bench", "sink", "--dir", dir, "--batch-bytes", strconv.Itoa(batch))
		sink.Stderr = command.ErrOrStderr()
		result, err := w.Limit(command.Context(), sink)
		if err != nil {
			return err
		}
		return o.publish(command.OutOrStdout(), result)
	}
	return command
}

// benchSinkCommand is what `bench limit` starts.
func benchSinkCommand() *cobra.Command {
	var dir string
	var batchBytes int
	command := &cobra.Command{Use: "sink", Hidden: true, Args: cobra.NoArgs, Example: "  odradek bench sink --dir /var/tmp"}
	command.Flags().StringVar(&dir, "dir", os.TempDir(), "where the file is")
	command.Flags().IntVar(&batchBytes, "batch-bytes", 1<<20, "bytes of a write")
	command.RunE = func(command *cobra.Command, _ []string) error {
		file, err := os.CreateTemp(dir, "odradek-limit-*")
		if err != nil {
			return err
		}
		defer file.Close()
		if err := os.Remove(file.Name()); err != nil { // it goes with the process
			return err
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		fmt.Fprintln(command.OutOrStdout(), listener.Addr())
		return bench.ServeLimit(command.Context(), listener, file, max(batchBytes, 1))
	}
	return command
}
