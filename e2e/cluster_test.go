//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// clusterNodes is the size of the clusters; their nodes are 1 to it.
const clusterNodes = 3

var program string

// runDir is where the program and the input lie, for as long as the tests run.
var runDir string

func TestMain(m *testing.M) {
	var err error
	if runDir, err = os.MkdirTemp("", "odradek-e2e-"); err != nil {
		panic(err)
	}
	program = filepath.Join(runDir, "odradek")
	if out, err := exec.Command("go", "build", "-o", program, "odradek/cmd/odradek").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v: %s", err, out))
	}
	code := m.Run()
	os.RemoveAll(runDir)
	os.Exit(code)
}

// cluster is a running cluster of real processes; pids by node id.
type cluster struct {
	dir       string
	port      int
	bootstrap []string
	pids      map[int32]int
}

// startCluster brings a cluster of three up and takes it down with the test.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{dir: t.TempDir(), port: freePorts(t)}
	t.Cleanup(func() {
		if t.Failed() {
			c.showLogs(t)
		}
		if out, err := exec.Command(program, "cluster", "down", "--dir", c.dir).CombinedOutput(); err != nil {
			t.Errorf("cluster down: %v: %s", err, out)
		}
	})
	if err := c.up(); err != nil {
		t.Fatal(err)
	}
	return c
}

// up starts what isn't running and reads the nodes' pids.
func (c *cluster) up() error {
	out, err := exec.Command(program, "cluster", "up", "--nodes", strconv.Itoa(clusterNodes), "--dir", c.dir, "--port", strconv.Itoa(c.port)).Output()
	if err != nil {
		return fmt.Errorf("cluster up: %w: %s", err, stderr(err))
	}
	c.pids = map[int32]int{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		var id int32
		var address string
		var pid int
		if n, _ := fmt.Sscanf(lines.Text(), "node=%d address=%s pid=%d", &id, &address, &pid); n == 3 {
			c.pids[id] = pid
		}
		if list, ok := strings.CutPrefix(lines.Text(), "ready bootstrap="); ok {
			c.bootstrap = strings.Split(list, ",")
		}
	}
	if len(c.pids) != clusterNodes || len(c.bootstrap) != clusterNodes {
		return fmt.Errorf("cluster up printed %q", out)
	}
	return nil
}

// kill ends a node as an operator's kill -9 would.
func (c *cluster) kill(t *testing.T, node int32) {
	t.Helper()
	if err := syscall.Kill(c.pids[node], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) showLogs(t *testing.T) {
	logs, _ := filepath.Glob(filepath.Join(c.dir, "node-*.log"))
	for _, name := range logs {
		content, _ := os.ReadFile(name)
		t.Logf("%s ends with:\n%s", filepath.Base(name), content[max(0, len(content)-2000):])
	}
}

// freePorts finds a base whose first three ports, and those ten higher, are free now.
func freePorts(t *testing.T) int {
	t.Helper()
	for base := 23092; base < 60000; base += 100 {
		free := true
		for _, offset := range []int{0, 1, 2, 10, 11, 12} {
			listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base+offset))
			if err != nil {
				free = false
				break
			}
			listener.Close()
		}
		if free {
			return base
		}
	}
	t.Fatal("no free ports")
	return 0
}

func stderr(err error) []byte {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.Stderr
	}
	return nil
}
