package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"odradek/bench"
	"odradek/bench/page"
)

// benchOptions are the flags of `odradek bench`: a workload, and what of it is different this time.
type benchOptions struct {
	workload       string
	records        int64
	recordBytes    int
	partitions     int32
	replicas       int16
	rate           int
	seconds        float64
	pids           []int
	json, hgrm     string
	report         string
	faults         string
	control        string
	bootstrapAddrs *[]string
}

func benchCommand() *cobra.Command {
	var o benchOptions
	command := &cobra.Command{
		Use:   "bench",
		Short: "Write records to a cluster and read them back, and tell the rates, the latencies and what the brokers used",
		Example: "  odradek bench --bootstrap-server 127.0.0.1:9092 --records 200000 --record-size 1000\n" +
			"  odradek bench --workload latency-1KB --rate 5000 --json result.json --hgrm latency\n" +
			"  odradek bench --bootstrap-server 127.0.0.1:19092 --replication-factor 3 --pid 4711,4712,4713\n" +
			"  odradek bench --bootstrap-server 127.0.0.1:19092 --faults leader-kill --control 'odradek cluster node --dir /tmp/c' --report kill.html",
		Args: cobra.NoArgs,
	}
	o.bootstrapAddrs = bootstrapFlag(command)
	o.workloadFlags(command)
	flags := command.Flags()
	flags.IntSliceVar(&o.pids, "pid", nil, "the broker's processes on this machine, to measure what they use")
	flags.StringVar(&o.hgrm, "hgrm", "", "write the latencies as HdrHistogram text to files that begin with this name")
	flags.StringVar(&o.faults, "faults", "", "what is done to the cluster meanwhile: a JSON file, or one of "+strings.Join(bench.Troubles(), ", "))
	flags.StringVar(&o.control, "control", "", "for that, a command that reaches the nodes: COMMAND status | start N | disk N JSON, as odradek cluster node --dir DIR")
	command.MarkFlagsRequiredTogether("faults", "control")
	flags.StringVar(&o.report, "report", "", "write a page of the result to this file: HTML that opens from disk")
	command.RunE = func(command *cobra.Command, _ []string) error {
		trouble, err := o.trouble(command)
		if err != nil {
			return err
		}
		w, err := o.chosen(command)
		if err != nil {
			return err
		}
		client, err := connect(command, *o.bootstrapAddrs) // a good error at once when nobody answers
		if err != nil {
			return err
		}
		client.Close()
		progress := newBenchProgress(command.ErrOrStderr())
		result, err := w.Run(command.Context(), bench.Options{BootstrapServers: *o.bootstrapAddrs, PIDs: o.pids, Progress: progress.tell, Trouble: trouble, Control: bench.Control(o.control)})
		progress.end()
		if err != nil {
			return err
		}
		result.Command = commandLine(os.Args)
		return o.publish(command.OutOrStdout(), result)
	}
	command.AddCommand(benchLimitCommand(), benchSinkCommand(), benchAwaitCommand(), benchRowsCommand(), benchDiffCommand(), benchPageCommand(), benchCoordinatorsCommand())
	return command
}

func (o *benchOptions) workloadFlags(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&o.workload, "workload", "default", "a JSON file, or one of "+strings.Join(bench.Presets(), ", "))
	flags.Int64Var(&o.records, "records", 0, "how many records, instead of the workload's records or seconds")
	flags.IntVar(&o.recordBytes, "record-size", 0, "bytes of each record's value, instead of the workload's")
	flags.Int32Var(&o.partitions, "partitions", 0, "partitions of each topic, instead of the workload's")
	flags.Int16Var(&o.replicas, "replication-factor", 0, "replicas of each, instead of the workload's; -1: the cluster's default")
	flags.IntVar(&o.rate, "rate", 0, "records a second, instead of the workload's; 0: as many as go")
	flags.Float64Var(&o.seconds, "seconds", 0, "how long is written, instead of the workload's records or seconds")
	flags.StringVar(&o.json, "json", "", "write the whole result to this file")
}

// trouble is what --faults names, nil for none. Without --workload it brings the one that it is meant for.
func (o *benchOptions) trouble(command *cobra.Command) (*bench.Trouble, error) {
	if o.faults == "" {
		return nil, nil
	}
	t, err := o.namedTrouble()
	if err == nil && t.Workload != "" && !command.Flags().Changed("workload") {
		o.workload = t.Workload
	}
	return &t, err
}

func (o *benchOptions) namedTrouble() (bench.Trouble, error) {
	text, err := os.ReadFile(o.faults)
	if errors.Is(err, os.ErrNotExist) && !strings.ContainsAny(o.faults, "./") {
		return bench.NamedTrouble(o.faults)
	}
	if err != nil {
		return bench.Trouble{}, err
	}
	t, err := bench.ParseTrouble(text)
	if err != nil {
		err = fmt.Errorf("%s: %w", o.faults, err)
	}
	return t, err
}

// chosen is the workload with what flags change of it.
func (o *benchOptions) chosen(command *cobra.Command) (bench.Workload, error) {
	w, err := o.named()
	if err != nil {
		return w, err
	}
	changed := command.Flags().Changed
	if changed("records") {
		w.Records, w.Seconds = o.records, 0
	}
	if changed("seconds") {
		w.Records, w.Seconds = 0, o.seconds
	}
	if changed("record-size") {
		w.RecordBytes, w.RecordBytesMax = o.recordBytes, 0
	}
	if changed("partitions") {
		w.Partitions = o.partitions
	}
	if changed("replication-factor") {
		w.ReplicationFactor = o.replicas
	}
	if changed("rate") {
		w.Rate = o.rate
	}
	return w, nil
}

func (o *benchOptions) named() (bench.Workload, error) {
	text, err := os.ReadFile(o.workload)
	if errors.Is(err, os.ErrNotExist) && !strings.ContainsAny(o.workload, "./") {
		return bench.Preset(o.workload)
	}
	if err != nil {
		return bench.Workload{}, err
	}
	w, err := bench.ParseWorkload(text)
	if err != nil {
		err = fmt.Errorf("%s: %w", o.workload, err)
	}
	return w, err
}

// publish writes the result to where it is wanted, and for people and scripts to out.
func (o *benchOptions) publish(out io.Writer, result *bench.Result) error {
	if o.json != "" {
		text, err := json.MarshalIndent(result, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if o.hgrm != "" {
		create := func(name string) (io.WriteCloser, error) { return os.Create(o.hgrm + "-" + name + ".hgrm") }
		if err := result.Histograms(create); err != nil {
			return err
		}
	}
	if o.report != "" {
		if err := writeMeasurement(o.report, page.Of(result)); err != nil {
			return err
		}
	}
	fmt.Fprint(out, result.Text())
	fmt.Fprintln(out, result.Line())
	return nil
}
