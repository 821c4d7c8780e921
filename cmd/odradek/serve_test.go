package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// server is `odradek serve`, running.
type server struct {
	address string
	process *exec.Cmd
	logged  sync.WaitGroup
	log     strings.Builder // whole once logged is done
}

var servingLine = regexp.MustCompile(`msg=serving addresses=\[(\S+)\]`)

// serving starts `odradek serve` and returns when it says where it listens.
func serving(t *testing.T, arguments ...string) *server {
	t.Helper()
	s := &server{process: exec.Command(os.Args[0], append([]string{"serve"}, arguments...)...)}
	stderr, err := s.process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	s.logged.Go(func() {
		defer close(address)
		for log := bufio.NewReader(stderr); ; {
			line, err := log.ReadString('\n')
			s.log.WriteString(line)
			if found := servingLine.FindStringSubmatch(line); found != nil {
				address <- found[1]
			}
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(func() { _ = s.process.Process.Kill() }) // when the test has not stopped it
	select {
	case s.address = <-address:
	case <-time.After(commandMax):
	}
	if s.address == "" {
		_ = s.process.Process.Kill()
		s.logged.Wait()
		t.Fatalf("it does not serve: %s", s.log.String())
	}
	return s
}

// stop interrupts the server, as Ctrl-C does, and returns its log. It must end by itself, with exit code 0.
func (s *server) stop(t *testing.T) string {
	t.Helper()
	if err := s.process.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	s.logged.Wait()
	if err := s.process.Wait(); err != nil {
		t.Fatalf("%v: %s", err, s.log.String())
	}
	return s.log.String()
}

// kill ends the server as a crash does.
func (s *server) kill(t *testing.T) {
	t.Helper()
	if err := s.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.logged.Wait()
	_ = s.process.Wait() // says that it was killed
}

// TestServeAlone takes a cluster of one through what a newcomer does, stops it, crashes it, and finds its data each time.
func TestServeAlone(t *testing.T) {
	data := filepath.Join(t.TempDir(), "made", "by", "serve")
	s := serving(t, "--data", data, "--listen", "127.0.0.1:0")
	at := func() []string { return []string{"--bootstrap-server", s.address, "--topic", "greetings"} }
	read := func(want string) {
		t.Helper()
		r := succeed(t, "", append(at(), "consume", "--partition", "0", "--from-beginning", "--timeout-ms", "10000", "--max-messages", strconv.Itoa(strings.Count(want, "\n")))...)
		if r.stdout != want {
			t.Errorf("read %d lines, want %d", strings.Count(r.stdout, "\n"), strings.Count(want, "\n"))
		}
	}
	if r := succeed(t, "", append(at(), "topic", "--create", "--partitions", "2")...); r.stdout != "Created topic greetings.\n" {
		t.Errorf("%q", r.stdout)
	}
	succeed(t, lines(0, 300), append(at(), "produce", "--partition", "0", "--compression-codec", "zstd")...)
	read(lines(0, 300))
	if log := s.stop(t); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
		t.Errorf("warnings of a first start and a stop in good order:\n%s", log)
	}
	s = serving(t, "--data", data, "--listen", "127.0.0.1:0")
	read(lines(0, 300))
	succeed(t, lines(300, 500), append(at(), "produce", "--partition", "0", "--acks", "1")...)
	s.kill(t)
	s = serving(t, "--data", data, "--listen", "127.0.0.1:0")
	read(lines(0, 500))
	if r := odradek(t, "", "serve", "--data", data, "--listen", "127.0.0.1:0"); r.code != 2 || !strings.Contains(r.stderr, "locked by a process") {
		t.Errorf("a second process on the same data: exit code %d, %q", r.code, r.stderr)
	}
	if r := odradek(t, "", "serve", "--data", t.TempDir(), "--listen", s.address); r.code != 2 || !strings.Contains(r.stderr, "address already in use") {
		t.Errorf("a second process on the same port: exit code %d, %q", r.code, r.stderr)
	}
	s.stop(t)
}

func TestProfileIsWrittenWhenTheBrokerStops(t *testing.T) {
	name := filepath.Join(t.TempDir(), "cpu")
	serving(t, "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--cpu-profile", name).stop(t)
	if content, err := os.ReadFile(name); err != nil || !strings.HasPrefix(string(content), "\x1f\x8b") {
		t.Errorf("%d bytes that are no profile: %v", len(content), err)
	}
}

// TestTopicCommands holds what `odradek topic` prints, and what it and the other clients say to a topic that is not there.
func TestTopicCommands(t *testing.T) {
	s := serving(t, "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--set", "num.partitions=3")
	defer s.stop(t)
	at := []string{"--bootstrap-server", s.address}
	topic := func(arguments ...string) result { return odradek(t, "", append(append(at, "topic"), arguments...)...) }
	if r := topic("--create", "--topic", "a", "--config", "max.message.bytes=200000"); r.code != 0 {
		t.Fatal(r)
	}
	if r := topic("--list"); r.stdout != "a\n" {
		t.Errorf("%q", r.stdout)
	}
	described := regexp.MustCompile(`^Topic: a\tTopicId: [-_0-9A-Za-z]{22}\tPartitionCount: 3\tReplicationFactor: 1\n` +
		`\tTopic: a\tPartition: 0\tLeader: 1\tReplicas: 1\tIsr: 1\n\tTopic: a\tPartition: 1\t`)
	if r := topic("--describe", "--topic", "a"); !described.MatchString(r.stdout) {
		t.Errorf("%q", r.stdout)
	}
	var machines []struct{ Topic string }
	if r := topic("--describe", "--output", "json"); json.Unmarshal([]byte(r.stdout), &machines) != nil || len(machines) != 1 || machines[0].Topic != "a" {
		t.Errorf("%q", r.stdout)
	}
	if r := topic("--alter", "--topic", "a", "--partitions", "5"); r.code != 0 || !strings.Contains(topic("--describe").stdout, "PartitionCount: 5") {
		t.Error(r)
	}
	for name, c := range map[string]struct {
		arguments []string
		words     string
	}{
		"again":                {[]string{"topic", "--create", "--topic", "a"}, "already exists"},
		"too many replicas":    {[]string{"topic", "--create", "--topic", "b", "--replication-factor", "2"}, "replication factor"},
		"an unknown config":    {[]string{"topic", "--create", "--topic", "b", "--config", "retention.mz=1"}, "retention.mz"},
		"a bad config":         {[]string{"topic", "--create", "--topic", "b", "--config", "retention.ms=x"}, "retention.ms"},
		"a bad name":           {[]string{"topic", "--create", "--topic", "b/c"}, "b/c"},
		"fewer partitions":     {[]string{"topic", "--alter", "--topic", "a", "--partitions", "2"}, "5"},
		"delete no topic":      {[]string{"topic", "--delete", "--topic", "none"}, "UNKNOWN_TOPIC_OR_PARTITION"},
		"describe no topic":    {[]string{"topic", "--describe", "--topic", "none"}, "none"},
		"read no topic":        {[]string{"consume", "--topic", "none"}, "topic --create --topic none"},
		"write no topic":       {[]string{"produce", "--topic", "none"}, "topic --create --topic none"},
		"read no partition":    {[]string{"consume", "--topic", "a", "--partition", "5"}, "0 to 4"},
		"write no partition":   {[]string{"produce", "--topic", "a", "--partition", "5"}, "0 to 4"},
		"a record too large":   {[]string{"produce", "--topic", "a"}, "MESSAGE_TOO_LARGE"},
		"a line without a key": {[]string{"produce", "--topic", "a", "--key-separator", ":"}, "line 1"},
	} {
		r := odradek(t, strings.Repeat("x", 300000)+"\n", append(at, c.arguments...)...)
		if r.code != 2 || r.stdout != "" || !strings.Contains(r.stderr, c.words) {
			t.Errorf("%s: exit code %d, %q, %q", name, r.code, r.stdout, r.stderr)
		}
	}
	if r := topic("--delete", "--topic", "a"); r.code != 0 || topic("--list").stdout != "" {
		t.Error(r)
	}
}

// TestKeysGoThrough writes keys and reads them back, while it stops at the first failure of its output.
func TestKeysGoThrough(t *testing.T) {
	s := serving(t, "--data", t.TempDir(), "--listen", "127.0.0.1:0")
	defer s.stop(t)
	at := []string{"--bootstrap-server", s.address, "--topic", "keyed"}
	succeed(t, "", append(at, "topic", "--create", "--partitions", "1")...)
	succeed(t, "k1:v1\nk2:v2:x\n:v3\n", append(at, "produce", "--key-separator", ":")...)
	r := succeed(t, "", append(at, "consume", "--from-beginning", "--max-messages", "3", "--print-key", "--key-separator", "=")...)
	if r.stdout != "k1=v1\nk2=v2:x\n=v3\n" {
		t.Errorf("%q", r.stdout)
	}
	// From the end, an interrupt ends a reader in good order.
	reader := exec.Command(os.Args[0], append(at, "consume")...)
	out, err := reader.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Start(); err != nil {
		t.Fatal(err)
	}
	first := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(out).ReadString('\n')
		first <- line
		_, _ = io.Copy(io.Discard, out)
	}()
	for got := ""; got == ""; { // the reader says nowhere that it has found the end
		succeed(t, "late\n", append(at, "produce")...)
		select {
		case got = <-first:
		case <-time.After(100 * time.Millisecond):
		}
		if got != "" && got != "late\n" {
			t.Errorf("read %q", got)
		}
	}
	if err := reader.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := reader.Wait(); err != nil {
		t.Errorf("consume, interrupted: %v", err)
	}
}
