package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// reassignOptions are the flags of `odradek reassign`, named as those of kafka-reassign-partitions.
type reassignOptions struct {
	execute, cancel, list, verify bool
	file                          string
	output                        string
}

// reassignFile is the JSON that kafka-reassign-partitions reads and writes.
type reassignFile struct {
	Version    int               `json:"version"`
	Partitions []reassignedEntry `json:"partitions"`
}

type reassignedEntry struct {
	Topic     string  `json:"topic"`
	Partition int32   `json:"partition"`
	Replicas  []int32 `json:"replicas"`
}

func reassignCommand() *cobra.Command {
	var o reassignOptions
	command := &cobra.Command{
		Use:   "reassign",
		Short: "Move partitions to other brokers",
		Long: "Moves partitions to the replicas that a file names, in the JSON of kafka-reassign-partitions:\n\n" +
			`  {"version": 1, "partitions": [{"topic": "T", "partition": 0, "replicas": [2, 3]}]}`,
		Example: "  odradek reassign --execute --reassignment-json-file moves.json\n" +
			"  odradek reassign --verify --reassignment-json-file moves.json\n" +
			"  odradek reassign --list",
		Args: cobra.NoArgs,
	}
	seeds := bootstrapFlag(command)
	flags := command.Flags()
	flags.BoolVar(&o.execute, "execute", false, "begin the moves")
	flags.BoolVar(&o.cancel, "cancel", false, "take them back, as far as they are not done")
	flags.BoolVar(&o.verify, "verify", false, "say how far they are; exit code 1 while one is not done")
	flags.BoolVar(&o.list, "list", false, "list all moves that are under way")
	flags.StringVar(&o.file, "reassignment-json-file", "", "the moves")
	flags.StringVar(&o.output, "output", "text", "text or json, for --list")
	command.MarkFlagsMutuallyExclusive("execute", "cancel", "verify", "list")
	command.MarkFlagsOneRequired("execute", "cancel", "verify", "list")
	command.RunE = func(command *cobra.Command, _ []string) error {
		if o.output != "text" && o.output != "json" {
			return fmt.Errorf("--output %q: text or json is allowed", o.output)
		}
		var moves []reassignedEntry
		if !o.list {
			var err error
			if moves, err = readMoves(o.file); err != nil {
				return err
			}
		}
		client, err := connect(command, *seeds)
		if err != nil {
			return err
		}
		defer client.Close()
		switch {
		case o.list:
			return o.listMoves(command, client)
		case o.verify:
			return verifyMoves(command, client, moves)
		}
		return o.alterMoves(command, client, moves)
	}
	return command
}

func readMoves(name string) ([]reassignedEntry, error) {
	if name == "" {
		return nil, errors.New("--reassignment-json-file FILE is needed (see odradek reassign --help for its form)")
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var file reassignFile
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if file.Version != 1 || len(file.Partitions) == 0 {
		return nil, fmt.Errorf("%s: version 1 with partitions is expected; it has version %d and %d partitions", name, file.Version, len(file.Partitions))
	}
	return file.Partitions, nil
}

func (o reassignOptions) alterMoves(command *cobra.Command, client *kgo.Client, moves []reassignedEntry) error {
	req := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	req.TimeoutMillis = 30_000
	for _, move := range moves {
		topic, partition := kmsg.NewAlterPartitionAssignmentsRequestTopic(), kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
		topic.Topic, partition.Partition = move.Topic, move.Partition
		if o.execute {
			partition.Replicas = move.Replicas
		}
		topic.Partitions = append(topic.Partitions, partition)
		req.Topics = append(req.Topics, topic)
	}
	resp, err := req.RequestWith(command.Context(), client)
	if err == nil {
		err = withMessage(kerr.ErrorForCode(resp.ErrorCode), text(resp.ErrorMessage))
	}
	if err != nil {
		return err
	}
	verb := "Moving"
	if o.cancel {
		verb = "Taken back:"
	}
	var failed []error
	for _, topic := range resp.Topics {
		for _, p := range topic.Partitions {
			name := fmt.Sprintf("%s-%d", topic.Topic, p.Partition)
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				failed = append(failed, fmt.Errorf("%s: %w", name, withMessage(err, text(p.ErrorMessage))))
				continue
			}
			fmt.Fprintf(command.OutOrStdout(), "%s %s\n", verb, name)
		}
	}
	return errors.Join(failed...)
}

// movesUnderWay asks for all moves that are not done, by partition.
func movesUnderWay(command *cobra.Command, client *kgo.Client) (*kmsg.ListPartitionReassignmentsResponse, error) {
	req := kmsg.NewPtrListPartitionReassignmentsRequest()
	req.TimeoutMillis = 30_000
	resp, err := req.RequestWith(command.Context(), client)
	if err == nil {
		err = withMessage(kerr.ErrorForCode(resp.ErrorCode), text(resp.ErrorMessage))
	}
	return resp, err
}

func (o reassignOptions) listMoves(command *cobra.Command, client *kgo.Client) error {
	resp, err := movesUnderWay(command, client)
	if err != nil {
		return err
	}
	out := command.OutOrStdout()
	if o.output == "json" {
		return json.NewEncoder(out).Encode(resp.Topics)
	}
	if len(resp.Topics) == 0 {
		fmt.Fprintln(out, "No partition reassignments found.")
	}
	for _, topic := range resp.Topics {
		for _, p := range topic.Partitions {
			fmt.Fprintf(out, "%s-%d: replicas: %s. adding: %s. removing: %s.\n", topic.Topic, p.Partition, joined(p.Replicas), joined(p.AddingReplicas), joined(p.RemovingReplicas))
		}
	}
	return nil
}

// verifyMoves compares where partitions are with where they were to go.
func verifyMoves(command *cobra.Command, client *kgo.Client, moves []reassignedEntry) error {
	resp, err := movesUnderWay(command, client)
	if err != nil {
		return err
	}
	moving := map[string]bool{}
	for _, topic := range resp.Topics {
		for _, p := range topic.Partitions {
			moving[fmt.Sprintf("%s-%d", topic.Topic, p.Partition)] = true
		}
	}
	req := kmsg.NewPtrMetadataRequest()
	for _, move := range moves {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = &move.Topic
		req.Topics = append(req.Topics, topic)
	}
	metadata, err := req.RequestWith(command.Context(), client)
	if err != nil {
		return err
	}
	replicas := map[string]string{}
	for _, topic := range metadata.Topics {
		for _, p := range topic.Partitions {
			replicas[fmt.Sprintf("%s-%d", text(topic.Topic), p.Partition)] = joined(p.Replicas)
		}
	}
	open := 0
	for _, move := range moves {
		name := fmt.Sprintf("%s-%d", move.Topic, move.Partition)
		have, there := replicas[name]
		switch {
		case !there:
			fmt.Fprintf(command.OutOrStdout(), "%s is not there.\n", name)
			open++
		case moving[name]:
			fmt.Fprintf(command.OutOrStdout(), "Reassignment of partition %s is still in progress.\n", name)
			open++
		case have != joined(move.Replicas):
			fmt.Fprintf(command.OutOrStdout(), "%s has the replicas %s, not %s.\n", name, have, joined(move.Replicas))
			open++
		default:
			fmt.Fprintf(command.OutOrStdout(), "Reassignment of partition %s is completed.\n", name)
		}
	}
	if open > 0 {
		return exitError{1, fmt.Sprintf("%d of %d are not done", open, len(moves))}
	}
	return nil
}
