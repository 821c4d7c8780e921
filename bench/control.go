package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// Control is a command that reaches the processes of a cluster's nodes by number, whoever's they are:
//
//	COMMAND status       prints a line a node: "node 1 pid 4711", or "node 1 down"
//	COMMAND start N      starts a node that is down, and returns when it serves
//	COMMAND disk N JSON  slows its disk, {"factor": 50} or {"stall": true}, or {} for not at all
//
// The last only where the nodes can do it. COMMAND may have arguments, apart by spaces.
type Control string

func (c Control) run(ctx context.Context, arguments ...string) ([]byte, error) {
	words := append(strings.Fields(string(c)), arguments...)
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, bytes.TrimSpace(said.Bytes()))
	}
	return out, nil
}

// PIDs are those of the nodes that run, by number.
func (c Control) PIDs(ctx context.Context) (map[int]int, error) {
	out, err := c.run(ctx, "status")
	if err != nil {
		return nil, err
	}
	return parseStatus(out)
}

func parseStatus(out []byte) (map[int]int, error) {
	pids := map[int]int{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) == 3 && words[0] == "node" && words[2] == "down" {
			continue
		}
		if len(words) < 4 || words[0] != "node" || words[2] != "pid" {
			return nil, fmt.Errorf("status: %q is not of the form \"node N pid P\"", lines.Text())
		}
		node, err := strconv.Atoi(words[1])
		if err != nil {
			return nil, fmt.Errorf("status: %q: %w", lines.Text(), err)
		}
		if pids[node], err = strconv.Atoi(words[3]); err != nil || pids[node] <= 1 {
			return nil, fmt.Errorf("status: %q: no process id", lines.Text())
		}
	}
	return pids, nil
}

// Start starts a node that is down, and returns when it serves.
func (c Control) Start(ctx context.Context, node int) error {
	_, err := c.run(ctx, "start", strconv.Itoa(node))
	return err
}

// disk is how slow a node's is.
type disk struct {
	Factor float64 `json:"factor,omitempty"`
	Stall  bool    `json:"stall,omitempty"`
}

func (c Control) disk(ctx context.Context, node int, state disk) error {
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	_, err = c.run(ctx, "disk", strconv.Itoa(node), string(text))
	return err
}
