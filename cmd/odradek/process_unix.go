//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// detach gives a child a session of its own.
func detach(process *exec.Cmd) { process.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// terminate asks a process to stop in good order.
func terminate(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) }

// isOurs says whether a node's process still runs, and, where /proc tells, whether the pid still belongs to it.
func isOurs(node clusterNode) bool {
	if node.PID <= 0 || syscall.Kill(node.PID, 0) != nil {
		return false
	}
	commandLine, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", node.PID))
	if err != nil {
		return !os.IsNotExist(err) || !procExists()
	}
	return bytes.Contains(commandLine, []byte("serve")) && bytes.Contains(commandLine, []byte(node.Address))
}

func procExists() bool {
	_, err := os.Stat("/proc/self")
	return err == nil
}

// openPipe makes a named pipe, unless it is there, and opens it so that who reads it finds no end.
func openPipe(name string) (*os.File, error) {
	if err := syscall.Mkfifo(name, 0o600); err != nil && !os.IsExist(err) {
		return nil, err
	}
	return os.OpenFile(name, os.O_RDWR, 0)
}
