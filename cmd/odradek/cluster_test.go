package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// portBase finds a port from which on three, and the three that lie ten higher, are free.
func portBase(t *testing.T) int {
	t.Helper()
next:
	for base := 21092; base < 30000; base += 50 {
		for _, offset := range []int{0, 1, 2, 10, 11, 12} {
			listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base+offset))
			if err != nil {
				continue next
			}
			listener.Close()
		}
		return base
	}
	t.Fatal("no free ports")
	return 0
}

var (
	nodeLine  = regexp.MustCompile(`^node=(\d+) address=127\.0\.0\.1:(\d+) pid=(\d+)$`)
	readyLine = regexp.MustCompile(`^ready bootstrap=(127\.0\.0\.1:\d+(,127\.0\.0\.1:\d+)*)$`)
)

// up runs `cluster up` and reads what it prints: a line a node, and the bootstrap addresses.
func up(t *testing.T, dir string, port, nodes int) (bootstrap string, pids []int) {
	t.Helper()
	r := succeed(t, "", "cluster", "up", "--nodes", strconv.Itoa(nodes), "--dir", dir, "--port", strconv.Itoa(port))
	for i, line := range strings.Split(strings.TrimSpace(r.stdout), "\n") {
		if i == nodes {
			found := readyLine.FindStringSubmatch(line)
			if found == nil {
				t.Fatalf("line %d is %q", i+1, line)
			}
			return found[1], pids
		}
		found := nodeLine.FindStringSubmatch(line)
		if found == nil || found[1] != strconv.Itoa(i+1) || found[2] != strconv.Itoa(port+i) {
			t.Fatalf("line %d is %q", i+1, line)
		}
		pid, err := strconv.Atoi(found[3])
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	t.Fatalf("printed %q", r.stdout)
	return "", nil
}

// TestCluster takes three processes through up, a kill -9, up again, down and up again; what was written is there each time.
func TestCluster(t *testing.T) {
	dir, port := t.TempDir(), portBase(t)
	bootstrap, pids := up(t, dir, port, 3)
	t.Cleanup(func() {
		succeed(t, "", "cluster", "down", "--dir", dir)
		if t.Failed() {
			for id := range 3 {
				t.Logf("node %d's log ends with: %s", id+1, lastLine(logName(dir, id+1)))
			}
		}
	})
	at := []string{"--bootstrap-server", bootstrap, "--topic", "t"}
	read := func(want string) {
		t.Helper()
		r := succeed(t, "", append(at, "consume", "--from-beginning", "--timeout-ms", "10000", "--max-messages", strconv.Itoa(strings.Count(want, "\n")))...)
		if r.stdout != want {
			t.Errorf("read %d lines, want %d", strings.Count(r.stdout, "\n"), strings.Count(want, "\n"))
		}
	}
	succeed(t, "", append(at, "topic", "--create", "--partitions", "1")...)
	if r := succeed(t, "", append(at, "topic", "--describe")...); !strings.Contains(r.stdout, "ReplicationFactor: 3") {
		t.Errorf("not replicated by default: %s", r.stdout)
	}
	succeed(t, lines(0, 1000), append(at, "produce")...)

	if err := syscall.Kill(pids[1], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	succeed(t, lines(1000, 2000), append(at, "produce")...)
	read(lines(0, 2000))
	_, again := up(t, dir, port, 3)
	if again[0] != pids[0] || again[1] == pids[1] || again[2] != pids[2] {
		t.Errorf("pids %v became %v, of which the second was killed", pids, again)
	}
	read(lines(0, 2000))

	if r := odradek(t, "", "cluster", "up", "--nodes", "1", "--dir", dir, "--port", strconv.Itoa(port)); r.code != 2 || !strings.Contains(r.stderr, "cluster down") {
		t.Errorf("two nodes would be forgotten: exit code %d, %q", r.code, r.stderr)
	}
	succeed(t, "", "cluster", "down", "--dir", dir)
	for i, pid := range again {
		if isOurs(clusterNode{PID: pid, Address: fmt.Sprintf("127.0.0.1:%d", port+i)}) {
			t.Errorf("pid %d still runs", pid)
		}
	}
	succeed(t, "", "cluster", "down", "--dir", dir) // nothing is left to do
	up(t, dir, port, 3)
	read(lines(0, 2000))
}

// TestClusterThatCannotStart has one port taken: up must say so, and leave nothing running.
func TestClusterThatCannotStart(t *testing.T) {
	dir, port := t.TempDir(), portBase(t)
	taken, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+2))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	r := odradek(t, "", "cluster", "up", "--nodes", "3", "--dir", dir, "--port", strconv.Itoa(port))
	if r.code != 2 || !strings.Contains(r.stderr, "node 3 stopped") || !strings.Contains(r.stderr, "address already in use") {
		t.Errorf("exit code %d, %q", r.code, r.stderr)
	}
	state, err := readClusterFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range state.Nodes {
		if isOurs(node) {
			t.Errorf("node %d still runs", node.ID)
		}
	}
}

func TestLastLine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	for content, want := range map[string]string{"": "", "one": "one", "one\ntwo\n": "two", "one\ntwo\n\n": "two"} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := lastLine(name); got != want {
			t.Errorf("%q ends with %q", content, got)
		}
	}
}
