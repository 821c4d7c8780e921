package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
)

// clusterNodeCommand is the form of command that `odradek bench --control` wants.
func clusterNodeCommand() *cobra.Command {
	var dir string
	command := &cobra.Command{
		Use:   "node status | node start N | node disk N JSON",
		Short: "Tell which nodes run, start one that is down, or slow its disk (of a cluster that is up with --slow-disks)",
		Example: "  odradek cluster node --dir /tmp/c status\n" +
			"  odradek cluster node --dir /tmp/c start 2\n" +
			`  odradek cluster node --dir /tmp/c disk 2 '{"factor": 50}'`,
		Args: cobra.RangeArgs(1, 3),
	}
	command.Flags().StringVar(&dir, "dir", "", "the directory given to `cluster up`")
	if err := command.MarkFlagRequired("dir"); err != nil {
		panic(err)
	}
	command.RunE = func(command *cobra.Command, arguments []string) error {
		state, err := readClusterFile(dir)
		if err != nil {
			return fmt.Errorf("%w (was this directory given to `odradek cluster up`?)", err)
		}
		if arguments[0] == "status" && len(arguments) == 1 {
			for _, node := range state.Nodes {
				if isOurs(node) {
					fmt.Fprintf(command.OutOrStdout(), "node %d pid %d address %s\n", node.ID, node.PID, node.Address)
				} else {
					fmt.Fprintf(command.OutOrStdout(), "node %d down\n", node.ID)
				}
			}
			return nil
		}
		if len(arguments) < 2 {
			return fmt.Errorf("%s: status, start N or disk N JSON is needed", arguments[0])
		}
		number, err := strconv.Atoi(arguments[1])
		at := slices.IndexFunc(state.Nodes, func(n clusterNode) bool { return n.ID == number })
		switch {
		case err != nil || at < 0:
			return fmt.Errorf("node %s: the cluster has nodes 1 to %d", arguments[1], len(state.Nodes))
		case arguments[0] == "start" && len(arguments) == 2:
			return startNode(command, dir, state, at)
		case arguments[0] == "disk" && len(arguments) == 3:
			return slowDisk(state.Nodes[at], arguments[2])
		}
		return fmt.Errorf("%s: status, start N or disk N JSON is needed", arguments[0])
	}
	return command
}

// startNode starts a node again as it was started, and returns when it knows every other.
func startNode(command *cobra.Command, dir string, state clusterFile, at int) (err error) {
	node := &state.Nodes[at]
	if isOurs(*node) {
		return fmt.Errorf("node %d runs, pid %d", node.ID, node.PID)
	}
	if node.PID, err = spawn(dir, *node); err != nil {
		return err
	}
	if err := writeClusterFile(dir, state); err != nil {
		return errors.Join(err, terminate(node.PID))
	}
	return awaitCluster(command.Context(), clusterFile{Nodes: slices.DeleteFunc(slices.Clone(state.Nodes), func(n clusterNode) bool { return !isOurs(n) })}, dir)
}

// slowDisk tells a node how slow its disk is.
func slowDisk(node clusterNode, state string) error {
	if node.Faults == "" {
		return fmt.Errorf("node %d can't be told: `odradek cluster up --slow-disks` is needed", node.ID)
	}
	if !json.Valid([]byte(state)) {
		return fmt.Errorf("%q is no JSON", state)
	}
	pipe, err := os.OpenFile(node.Faults, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = pipe.WriteString(state + "\n")
	return errors.Join(err, pipe.Close())
}
