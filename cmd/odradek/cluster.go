package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// clusterNodesMax keeps the client ports and the controller ports, which start controllerPortOffset higher, apart.
const (
	clusterNodesMax      = 9
	controllerPortOffset = 10
	clusterReadyMax      = 60 * time.Second
	clusterReadyEvery    = 50 * time.Millisecond
	clusterStopMax       = 30 * time.Second
)

func clusterCommand() *cobra.Command {
	command := &cobra.Command{Use: "cluster", Short: "Run a cluster of real broker processes on this machine"}
	command.AddCommand(clusterUpCommand(), clusterDownCommand(), clusterNodeCommand())
	return command
}

func clusterUpCommand() *cobra.Command {
	var dir string
	var nodes, port int
	var settings []string
	var faults bool
	command := &cobra.Command{
		Use:   "up",
		Short: "Start the nodes that don't run yet and return when all of them serve; data of an earlier run is kept",
		Example: "  odradek cluster up --nodes 3 --dir /tmp/c --port 19092\n" +
			"  odradek cluster down --dir /tmp/c",
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	flags.IntVar(&nodes, "nodes", 3, "number of nodes, 1 to 9")
	flags.StringVar(&dir, "dir", "", "directory for the nodes' data and logs")
	flags.IntVar(&port, "port", 19092, "the first node's port; the others follow, and their controllers 10 higher")
	flags.StringArrayVar(&settings, "set", nil, "KEY=VALUE for every node; may be repeated")
	flags.BoolVar(&faults, "slow-disks", false, "let `odradek cluster node disk` slow the nodes' disks")
	if err := command.MarkFlagRequired("dir"); err != nil {
		panic(err)
	}
	command.RunE = func(command *cobra.Command, _ []string) error {
		if nodes < 1 || nodes > clusterNodesMax {
			return fmt.Errorf("--nodes %d: 1 to %d is allowed", nodes, clusterNodesMax)
		}
		if portMax := 1<<16 - controllerPortOffset - nodes; port < 1 || port > portMax {
			return fmt.Errorf("--port %d: 1 to %d is allowed", port, portMax)
		}
		return clusterUp(command, dir, nodes, port, settings, faults)
	}
	return command
}

func clusterUp(command *cobra.Command, dir string, nodes, port int, settings []string, faults bool) error {
	wanted := layout(nodes, port)
	running, err := stillRunning(dir, wanted)
	if err != nil {
		return err
	}
	var state, started clusterFile // all nodes, and those that this command started and stops again when it fails
	for _, node := range wanted {
		node.Arguments = serveArguments(dir, node, nodes, port, settings)
		if faults {
			node.Faults = filepath.Join(dir, fmt.Sprintf("node-%d.faults", node.ID))
			node.Arguments = append(node.Arguments, "--faults-on-stdin")
		}
		if pid := running[node.Address]; pid != 0 {
			node.PID = pid
		} else {
			if node.PID, err = spawn(dir, node); err != nil {
				return errors.Join(err, stopCluster(started))
			}
			started.Nodes = append(started.Nodes, node)
		}
		state.Nodes = append(state.Nodes, node)
	}
	if err := writeClusterFile(dir, state); err != nil {
		return errors.Join(err, stopCluster(started))
	}
	if err := awaitCluster(command.Context(), state, dir); err != nil {
		return errors.Join(err, stopCluster(started))
	}
	out, bootstrap := command.OutOrStdout(), make([]string, 0, nodes)
	for _, node := range state.Nodes {
		fmt.Fprintf(out, "node=%d address=%s pid=%d\n", node.ID, node.Address, node.PID)
		bootstrap = append(bootstrap, node.Address)
	}
	fmt.Fprintf(out, "ready bootstrap=%s\n", strings.Join(bootstrap, ","))
	return nil
}

// layout is where the nodes of a cluster listen.
func layout(nodes, port int) []clusterNode {
	all := make([]clusterNode, nodes)
	for i := range all {
		all[i] = clusterNode{ID: i + 1, Address: fmt.Sprintf("127.0.0.1:%d", port+i)}
	}
	return all
}

// stillRunning finds the pids, by address, of the nodes that an earlier `up` started. One that is not wanted now is an error:
// it would be forgotten, and never stopped.
func stillRunning(dir string, wanted []clusterNode) (map[string]int, error) {
	running := map[string]int{}
	old, err := readClusterFile(dir)
	if errors.Is(err, os.ErrNotExist) {
		return running, nil
	}
	if err != nil {
		return nil, err
	}
	for _, node := range old.Nodes {
		if !isOurs(node) {
			continue
		}
		if !slices.ContainsFunc(wanted, func(w clusterNode) bool { return w.ID == node.ID && w.Address == node.Address }) {
			return nil, fmt.Errorf("node %d runs at %s, of a cluster of %d in this directory; stop that first: odradek cluster down --dir %s",
				node.ID, node.Address, len(old.Nodes), dir)
		}
		running[node.Address] = node.PID
	}
	return running, nil
}

func serveArguments(dir string, node clusterNode, nodes, port int, settings []string) []string {
	var voters []string
	for id := 1; id <= nodes; id++ {
		voters = append(voters, fmt.Sprintf("%d@127.0.0.1:%d", id, port+controllerPortOffset+id-1))
	}
	arguments := []string{
		"serve", "--node-id", strconv.Itoa(node.ID), "--data", filepath.Join(dir, strconv.Itoa(node.ID)),
		"--listen", node.Address, "--controllers", strings.Join(voters, ","),
		"--set", "default.replication.factor=" + strconv.Itoa(nodes),
		"--set", "min.insync.replicas=" + strconv.Itoa((nodes+1)/2),
	}
	for _, each := range settings {
		arguments = append(arguments, "--set", each)
	}
	return arguments
}

// spawn starts this program again in a session of its own, so that it outlives the command and its terminal.
func spawn(dir string, node clusterNode) (pid int, err error) {
	logFile := logName(dir, node.ID)
	program, err := os.Executable()
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(filepath.Dir(logFile), 0o755); err != nil {
		return 0, err
	}
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	process := exec.Command(program, node.Arguments...)
	process.Stdout, process.Stderr = log, log
	if node.Faults != "" {
		pipe, err := openPipe(node.Faults)
		if err != nil {
			return 0, err
		}
		defer pipe.Close()
		process.Stdin = pipe
	}
	detach(process)
	if err := process.Start(); err != nil {
		return 0, err
	}
	pid = process.Process.Pid
	go process.Wait() // while this command lives, an early death must not look like a running process
	return pid, nil
}

// awaitCluster returns when every node answers and knows every other.
func awaitCluster(ctx context.Context, state clusterFile, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, clusterReadyMax)
	defer cancel()
	for _, node := range state.Nodes {
		// By default the client gives an answer again for five seconds; here every question is to be asked.
		client, err := kgo.NewClient(kgo.SeedBrokers(node.Address), kgo.MetadataMinAge(clusterReadyEvery/2))
		if err != nil {
			return err
		}
		err = awaitNode(ctx, node, kadm.NewClient(client), state, dir)
		client.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// awaitNode asks a node whom it knows until that is everybody. A node that ends meanwhile, this one or another, ends the wait.
func awaitNode(ctx context.Context, node clusterNode, admin *kadm.Client, state clusterFile, dir string) error {
	for {
		for _, each := range state.Nodes {
			if !isOurs(each) {
				return fmt.Errorf("node %d stopped while starting; its log, %s, ends with: %s", each.ID, logName(dir, each.ID), lastLine(logName(dir, each.ID)))
			}
		}
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		brokers, err := admin.ListBrokers(attempt)
		cancel()
		if err == nil && len(brokers) == len(state.Nodes) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("node %d knows %d of %d nodes after %v: %w; see its log, %s", node.ID, len(brokers), len(state.Nodes), clusterReadyMax,
				errors.Join(err, ctx.Err()), logName(dir, node.ID))
		case <-time.After(clusterReadyEvery):
		}
	}
}

func clusterDownCommand() *cobra.Command {
	var dir string
	command := &cobra.Command{
		Use:     "down",
		Short:   "Stop the nodes that `cluster up` started; their data stays",
		Example: "  odradek cluster down --dir /tmp/c",
		Args:    cobra.NoArgs,
	}
	command.Flags().StringVar(&dir, "dir", "", "the directory given to `cluster up`")
	if err := command.MarkFlagRequired("dir"); err != nil {
		panic(err)
	}
	command.RunE = func(command *cobra.Command, _ []string) error {
		state, err := readClusterFile(dir)
		if err != nil {
			return fmt.Errorf("%w (was this directory given to `odradek cluster up`?)", err)
		}
		return stopCluster(state)
	}
	return command
}

// stopCluster asks every node to stop, which hands over its leaderships, and kills what is left after clusterStopMax.
func stopCluster(state clusterFile) error {
	for _, node := range state.Nodes {
		if isOurs(node) {
			if err := terminate(node.PID); err != nil {
				return fmt.Errorf("node %d: %w", node.ID, err)
			}
		}
	}
	deadline := time.Now().Add(clusterStopMax)
	for _, node := range state.Nodes {
		for isOurs(node) {
			if time.Now().After(deadline) {
				if process, err := os.FindProcess(node.PID); err == nil {
					_ = process.Kill()
				}
				return fmt.Errorf("node %d, pid %d, did not stop within %v and was killed", node.ID, node.PID, clusterStopMax)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}
