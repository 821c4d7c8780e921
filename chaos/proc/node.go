package proc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// node is one broker: its process, when it has one, and the relays before its listeners.
type node struct {
	number    int
	program   string
	arguments []string
	logName   string
	relays    []*relay
	died      func(n *node, words string) // told of an end that nobody asked for

	mu       sync.Mutex
	process  *exec.Cmd
	control  io.WriteCloser // the process's standard input
	ended    chan struct{}  // closed when the process is gone
	expected bool           // its end was asked for
	disk     diskState
}

// diskState is what the node's env layer is told of its disk (broker/env/slowenv).
type diskState struct {
	Factor float64 `json:"factor,omitempty"`
	Stall  bool    `json:"stall,omitempty"`
}

// start runs the process, unless it runs.
func (n *node) start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != nil {
		return nil
	}
	log, err := os.OpenFile(n.logName, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	process := exec.Command(n.program, n.arguments...)
	process.Stdout, process.Stderr = log, log
	if n.control, err = process.StdinPipe(); err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	n.process, n.expected, n.ended = process, false, make(chan struct{})
	go n.await(process, n.ended)
	for _, r := range n.relays {
		if err := r.listen(); err != nil {
			return err
		}
	}
	return n.tellDisk()
}

// await ends the relays with the process, and tells of a death that nobody asked for.
func (n *node) await(process *exec.Cmd, ended chan struct{}) {
	err := process.Wait()
	n.mu.Lock()
	n.process = nil
	asked := n.expected
	for _, r := range n.relays {
		r.refuse()
	}
	n.mu.Unlock()
	close(ended)
	if !asked {
		n.died(n, fmt.Sprintf("node %d ended by itself (%v); its log ends with: %s", n.number, err, lastLine(n.logName)))
	}
}

// pid is the process's, or 0.
func (n *node) pid() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == nil {
		return 0
	}
	return n.process.Process.Pid
}

// signal sends a signal to the process, if it runs. One that ends it makes its end expected.
func (n *node) signal(s syscall.Signal) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == nil {
		return nil
	}
	if s == syscall.SIGKILL || s == syscall.SIGTERM {
		n.expected = true
	}
	if err := n.process.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("node %d: %w", n.number, err)
	}
	return nil
}

// stopWithin asks the process to stop, and kills it after limit. It says whether it stopped by itself.
func (n *node) stopWithin(limit time.Duration) (bool, error) {
	if err := n.signal(syscall.SIGTERM); err != nil {
		return false, err
	}
	if n.gone(limit) {
		return true, nil
	}
	if err := n.signal(syscall.SIGKILL); err != nil {
		return false, err
	}
	n.gone(limit)
	return false, nil
}

// gone waits until no process runs.
func (n *node) gone(limit time.Duration) bool {
	n.mu.Lock()
	running, ended := n.process != nil, n.ended
	n.mu.Unlock()
	if !running {
		return true
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
		return false
	}
}

// setDisk makes the disk of this process, and of those that follow it, so slow.
func (n *node) setDisk(state diskState) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.disk == state {
		return nil
	}
	n.disk = state
	if n.process == nil {
		return nil
	}
	return n.tellDisk()
}

// tellDisk runs under the lock.
func (n *node) tellDisk() error {
	line, err := json.Marshal(n.disk)
	if err != nil {
		return err
	}
	if _, err := n.control.Write(append(line, '\n')); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("node %d: %w", n.number, err)
	}
	return nil
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

// ending says that the process runs and was told to end.
func (n *node) ending() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process != nil && n.expected
}
