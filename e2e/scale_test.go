//go:build e2e && scale

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	scaleTopics     = 2_500
	scalePartitions = 4 // of each topic
	// What must hold with 10,000 partitions (the partitions' row of the bars). A restart is measured by the processor's time it
	// took, which other work on the machine does not stretch.
	scaleMemoryKiB  = 1 << 20
	scaleRestartMax = 3 * time.Second
)

// scaleNode is a node that is started more than once on its data.
type scaleNode struct {
	address, dir string
	command      *exec.Cmd
}

func (n *scaleNode) start(t *testing.T) {
	t.Helper()
	n.command = exec.Command(program, "serve", "--data", n.dir, "--listen", n.address)
	log, err := os.OpenFile(n.dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	n.command.Stderr = log
	if err := n.command.Start(); err != nil {
		t.Fatal(err)
	}
}

func (n *scaleNode) stop(t *testing.T) {
	t.Helper()
	if err := n.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := n.command.Wait(); err != nil {
		t.Fatal(err)
	}
}

// figures prints what the process holds, and returns its resident memory in KiB.
func (n *scaleNode) figures(t *testing.T, what string) int {
	t.Helper()
	as := &node{n.address, n.command.Process}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", n.command.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	rss := as.memory(t, "VmRSS")
	t.Logf("%s: rss_mib=%d open_files=%d cpu=%v", what, rss>>10, len(files), n.cpu(t))
	return rss
}

// cpu is the processor's time that the process has used (proc_pid_stat(5), fields 14 and 15, in hundredths of a second).
func (n *scaleNode) cpu(t *testing.T) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.command.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	var ticks int64
	for _, field := range fields[14-3 : 16-3] {
		value, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += value
	}
	return time.Duration(ticks) * time.Second / 100
}

func (n *scaleNode) client(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(options, kgo.SeedBrokers(n.address), kgo.MetadataMinAge(10*time.Millisecond))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func clocked(t *testing.T, what string, f func()) time.Duration {
	t.Helper()
	began := time.Now()
	f()
	took := time.Since(began)
	t.Logf("%s: %v", what, took.Round(time.Millisecond))
	return took
}

// TestTenThousandPartitions creates them with one request, writes to each, restarts the node cleanly and reads all back.
func TestTenThousandPartitions(t *testing.T) {
	n := &scaleNode{address: fmt.Sprintf("127.0.0.1:%d", freePorts(t)), dir: filepath.Join(t.TempDir(), "data")}
	n.start(t)
	t.Cleanup(func() { _ = n.command.Process.Kill() })
	(&node{n.address, n.command.Process}).await(t)
	n.figures(t, "empty")
	admin := kadm.NewClient(n.client(t))

	clocked(t, "create", func() { createMany(t, n.client(t)) })
	clocked(t, "until all have leaders", func() { n.awaitLeaders(t, admin) })
	n.figures(t, "created")
	producer := n.client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(20_000))
	clocked(t, "write", func() { writeToAll(t, producer) })
	n.within(t, "written")
	clocked(t, "write again", func() { writeToAll(t, producer) })
	n.within(t, "written again")

	clocked(t, "stop", func() { n.stop(t) })
	clocked(t, "restart", func() {
		n.start(t)
		n.awaitLeaders(t, admin)
	})
	if took := n.cpu(t); took > scaleRestartMax {
		t.Errorf("a clean restart took %v of the processor, more than %v", took, scaleRestartMax)
	}
	n.within(t, "restarted")
	clocked(t, "read", func() { readAll(t, n, 2*scaleTopics*scalePartitions) })
	n.within(t, "read")
}

func (n *scaleNode) within(t *testing.T, what string) {
	t.Helper()
	if rss := n.figures(t, what); rss > scaleMemoryKiB {
		t.Errorf("%s: %d KiB resident, more than %d", what, rss, scaleMemoryKiB)
	}
}

func createMany(t *testing.T, cl *kgo.Client) {
	t.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 60_000
	for i := range scaleTopics {
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = scaleTopic(i), scalePartitions, 1
		req.Topics = append(req.Topics, topic)
	}
	resp, err := req.RequestWith(t.Context(), cl)
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range resp.Topics {
		if each.ErrorCode != 0 {
			t.Fatalf("%s: error %d", each.Topic, each.ErrorCode)
		}
	}
}

func scaleTopic(i int) string { return fmt.Sprintf("scale-%04d", i) }

func (n *scaleNode) awaitLeaders(t *testing.T, admin *kadm.Client) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		led := 0
		metadata, err := admin.Metadata(t.Context())
		if err == nil {
			metadata.Topics.EachPartition(func(p kadm.PartitionDetail) {
				if p.Leader >= 0 && p.Err == nil {
					led++
				}
			})
		}
		if led >= scaleTopics*scalePartitions {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d partitions have leaders (%v)", led, scaleTopics*scalePartitions, err)
		}
	}
}

func writeToAll(t *testing.T, cl *kgo.Client) {
	t.Helper()
	var records []*kgo.Record
	for i := range scaleTopics {
		for p := range scalePartitions {
			records = append(records, &kgo.Record{Topic: scaleTopic(i), Partition: int32(p), Value: fmt.Appendf(nil, "record of %d-%d", i, p)})
		}
	}
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func readAll(t *testing.T, n *scaleNode, want int) {
	t.Helper()
	var topics []string
	for i := range scaleTopics {
		topics = append(topics, scaleTopic(i))
	}
	cl := n.client(t, kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for read := 0; read < want; {
		fetches := cl.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		read += fetches.NumRecords()
	}
}
