package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// clusterFile is what `cluster up` leaves in its directory for `cluster down` and for a later `up`.
type clusterFile struct {
	Nodes []clusterNode `json:"nodes"`
}

type clusterNode struct {
	ID      int    `json:"id"`
	Address string `json:"address"`
	PID     int    `json:"pid"`
	// Arguments are those of its process.
	Arguments []string `json:"arguments,omitempty"`
	// Faults is the pipe that tells it how slow its disk is, if there is one.
	Faults string `json:"faults,omitempty"`
}

func logName(dir string, node int) string {
	return filepath.Join(dir, fmt.Sprintf("node-%d.log", node))
}

// lastLine is the end of a log: what a node that gave up said last.
func lastLine(name string) string {
	content, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	content = bytes.TrimSpace(content)
	return string(content[bytes.LastIndexByte(content, '\n')+1:])
}

func clusterFileName(dir string) string { return filepath.Join(dir, "cluster.json") }

func readClusterFile(dir string) (clusterFile, error) {
	var state clusterFile
	content, err := os.ReadFile(clusterFileName(dir))
	if err != nil {
		return state, err
	}
	if err := json.Unmarshal(content, &state); err != nil {
		return state, fmt.Errorf("%s: %w", clusterFileName(dir), err)
	}
	return state, nil
}

func writeClusterFile(dir string, state clusterFile) error {
	content, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(clusterFileName(dir), append(content, '\n'), 0o644)
}
