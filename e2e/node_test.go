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
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// node is a process that is a cluster of one.
type node struct {
	address string
	process *os.Process
}

// startNode starts a cluster of one with the given settings and stops it with the test.
func startNode(t *testing.T, settings ...string) *node {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", freePorts(t))
	arguments := []string{"serve", "--data", filepath.Join(t.TempDir(), "data"), "--listen", address}
	for _, each := range settings {
		arguments = append(arguments, "--set", each)
	}
	command := exec.Command(program, arguments...)
	var log bytes.Buffer
	command.Stderr = &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	n := &node{address, command.Process}
	t.Cleanup(func() {
		_ = n.process.Signal(os.Interrupt)
		if err := command.Wait(); err != nil {
			t.Errorf("serve: %v", err)
		}
		if t.Failed() {
			t.Logf("its log ends with:\n%s", log.Bytes()[max(0, log.Len()-4000):])
		}
	})
	n.await(t)
	return n
}

// await returns when the node has registered, so that it can lead.
func (n *node) await(t *testing.T) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(n.address), kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		brokers, err := kadm.NewClient(cl).ListBrokers(t.Context())
		if err == nil && len(brokers) == 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the node is not ready: %v", err)
		}
	}
}

func (n *node) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", n.address)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// serves creates a topic, writes to it and reads it back.
func (n *node) serves(t *testing.T) {
	t.Helper()
	topic := fmt.Sprintf("served-%d", time.Now().UnixNano())
	cl, err := kgo.NewClient(kgo.SeedBrokers(n.address), kgo.DefaultProduceTopic(topic), kgo.ConsumeTopics(topic), kgo.MetadataMinAge(clientPatience))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if _, err := kadm.NewClient(cl).CreateTopic(t.Context(), 1, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), kgo.StringRecord("still here")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	fetches := cl.PollFetches(t.Context())
	if records := fetches.Records(); fetches.Err() != nil || len(records) != 1 || string(records[0].Value) != "still here" {
		t.Fatalf("read %v: %v", records, fetches.Err())
	}
}

// memory reads a figure in KiB from the process's status.
func (n *node) memory(t *testing.T, field string) (kib int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), field+":"); ok {
			if _, err := fmt.Sscanf(value, "%d kB", &kib); err != nil {
				t.Fatal(err)
			}
			return kib
		}
	}
	t.Fatalf("no %s in %s", field, status)
	return 0
}
