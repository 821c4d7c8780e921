package counts

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker"
	"odradek/broker/config"
	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/record"
)

var rewrite = flag.Bool("rewrite", false, "write counts.txt anew")

const (
	warmup  = 20  // batches that are not counted
	counted = 100 // batches that are, one after the other
	records = 100 // of a batch
	each    = 100 // bytes of a record's value
)

// columns are what is counted, of all brokers together. Allocations are the whole process's, that client's as well, and the only ones that
// may be off by one: the runtime has some of its own.
var columns = []string{"net-reads", "net-writes", "net-bytes-in", "net-bytes-out", "disk-reads", "disk-writes", "disk-bytes-written", "syncs", "allocations"}

// TestCounts holds what a batch costs against what is kept.
func TestCounts(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it empties pools when it likes
	kept, err := os.ReadFile("counts.txt")
	if err != nil && !*rewrite {
		t.Fatal(err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "# What the brokers do for one batch of %d records of %d bytes: see the package comment. -rewrite writes it anew.\n%-16s", records, each, "row")
	for _, name := range columns {
		fmt.Fprintf(&text, " %18s", name)
	}
	text.WriteString("\n")
	for _, row := range []struct {
		name    string
		nodes   int
		configs map[string]string
		fetch   bool
	}{
		{"produce-rf1", 1, nil, false},
		{"produce-durable", 1, map[string]string{"flush.messages": "1"}, false},
		{"produce-rf3", 3, nil, false},
		{"fetch-rf1", 1, nil, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, row.nodes, row.configs)
			defer w.close()
			fmt.Fprintf(&text, "%-16s", row.name)
			figures := w.measure(row.fetch)
			last := len(figures) - 1
			for _, figure := range figures[:last] {
				fmt.Fprintf(&text, " %18.2f", float64(figure)/counted)
			}
			fmt.Fprintf(&text, " %18d\n", near(allocationsOf(kept, row.name), int(math.Round(float64(figures[last])/counted))))
		})
	}
	if *rewrite {
		if err := os.WriteFile("counts.txt", []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !*rewrite && !bytes.Equal(kept, []byte(text.String())) {
		t.Errorf("a batch costs\n%s\nand counts.txt says\n%s\nIf that is meant: go test ./bench/counts -rewrite", text.String(), kept)
	}
}

// allocationsOf is what is kept for a row, -1 for nothing.
func allocationsOf(kept []byte, row string) int {
	for line := range strings.Lines(string(kept)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == row {
			if n, err := strconv.Atoi(fields[len(fields)-1]); err == nil {
				return n
			}
		}
	}
	return -1
}

// near is what is kept when what was counted is off by one at most.
func near(kept, counted int) int {
	if !*rewrite && counted >= kept-1 && counted <= kept+1 {
		return kept
	}
	return counted
}

// world is brokers in memory, and one client of the first.
type world struct {
	t       *testing.T
	count   *count
	brokers []*broker.Broker
	conn    net.Conn
	asked   int32
}

func newWorld(t *testing.T, nodes int, configs map[string]string) *world {
	t.Helper()
	w := &world{t: t, count: new(count)}
	network := memenv.NewNet()
	var voters []string
	for id := 1; id <= nodes; id++ {
		voters = append(voters, fmt.Sprintf("%d@node%d:9093", id, id))
	}
	for id := 1; id <= nodes; id++ {
		static, _, err := config.Load([]config.Property{
			{Key: "node.id", Value: fmt.Sprint(id)}, {Key: "log.dirs", Value: "data"},
			{Key: "listeners", Value: fmt.Sprintf("PLAINTEXT://node%d:9092,CONTROLLER://node%d:9093", id, id)},
			{Key: "controller.quorum.voters", Value: strings.Join(voters, ",")},
		})
		w.must(err)
		disk := memenv.NewDisk()
		disk.SetHook(w.count.hook)
		b, err := broker.Start(broker.Options{Env: env.Env{Net: countedNet{network, w.count}, Disk: disk}, Static: static, Logger: slog.New(slog.DiscardHandler), PanicIsFatal: true})
		w.must(err)
		w.brokers = append(w.brokers, b)
	}
	for _, b := range w.brokers {
		<-b.Ready()
	}
	var err error
	w.conn, err = network.Dial(context.Background(), "node1:9092")
	w.must(err)
	w.createTopic(nodes, configs)
	return w
}

func (w *world) close() {
	w.conn.Close()
	for _, b := range w.brokers {
		w.must(b.Close())
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// createTopic makes a partition that the first node leads, and waits until it does with all replicas in sync.
func (w *world) createTopic(nodes int, configs map[string]string) {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version, req.TimeoutMillis = 4, 10_000
	topic, assignment := kmsg.NewCreateTopicsRequestTopic(), kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "t", -1, -1
	for id := 1; id <= nodes; id++ {
		assignment.Replicas = append(assignment.Replicas, int32(id))
	}
	topic.ReplicaAssignment = append(topic.ReplicaAssignment, assignment)
	for key, value := range configs {
		topic.Configs = append(topic.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: key, Value: kmsg.StringPtr(value)})
	}
	req.Topics = append(req.Topics, topic)
	answer := new(kmsg.CreateTopicsResponse)
	w.ask(req, answer)
	if code := answer.Topics[0].ErrorCode; code != 0 {
		w.t.Fatalf("the topic was not made: error %d", code)
	}
	for {
		time.Sleep(100 * time.Millisecond)
		about, metadata := kmsg.NewPtrMetadataRequest(), new(kmsg.MetadataResponse)
		about.Version, about.Topics = 8, []kmsg.MetadataRequestTopic{{Topic: kmsg.StringPtr("t")}}
		w.ask(about, metadata)
		if p := metadata.Topics[0].Partitions; len(p) == 1 && p[0].Leader == 1 && len(p[0].ISR) == nodes {
			return
		}
	}
}

// ask sends a request and reads its answer.
func (w *world) ask(req kmsg.Request, answer kmsg.Response) {
	w.t.Helper()
	w.asked++
	_, err := w.conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, req, w.asked))
	w.must(err)
	var size [4]byte
	_, err = io.ReadFull(w.conn, size[:])
	w.must(err)
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err = io.ReadFull(w.conn, body)
	w.must(err)
	answer.SetVersion(req.GetVersion())
	w.must(answer.ReadFrom(body[4:])) // the versions that are used here have the plain header
}

// measure produces batches, one after the other, and with fetch gets them again, a batch a request: what is counted of the latter.
func (w *world) measure(fetch bool) []int64 {
	batch := w.batch()
	before := w.times(func(int) { w.produce(batch) })
	if fetch {
		before = w.times(func(i int) { w.fetch(i, len(batch)) })
	}
	figures := w.figures()
	for i := range figures {
		figures[i] -= before[i]
	}
	return figures
}

// figures are all columns' by now.
func (w *world) figures() []int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return append(w.count.figures(), int64(m.Mallocs))
}

// times does something for every batch, and says what had been counted when those came that count. Before and after, nothing is under way.
func (w *world) times(do func(i int)) (before []int64) {
	for i := range warmup + counted {
		if i == warmup {
			synctest.Wait()
			before = w.figures()
		}
		do(i)
	}
	synctest.Wait()
	return before
}

func (w *world) batch() []byte {
	b := record.NewBuilder()
	for range records {
		b.Append(record.Record{Timestamp: time.Now().UnixMilli(), Value: make([]byte, each)})
	}
	batch, err := b.Build()
	w.must(err)
	return batch
}

func (w *world) produce(batch []byte) {
	req, answer := kmsg.NewPtrProduceRequest(), new(kmsg.ProduceResponse)
	req.Version, req.Acks, req.TimeoutMillis = 7, -1, 10_000
	req.Topics = []kmsg.ProduceRequestTopic{{Topic: "t", Partitions: []kmsg.ProduceRequestTopicPartition{{Records: batch}}}}
	w.ask(req, answer)
	if code := answer.Topics[0].Partitions[0].ErrorCode; code != 0 {
		w.t.Fatalf("a batch was refused: error %d", code)
	}
}

func (w *world) fetch(i, batchBytes int) {
	req, answer := kmsg.NewPtrFetchRequest(), new(kmsg.FetchResponse)
	req.Version, req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.SessionEpoch = 10, 500, 1, 50<<20, -1
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.FetchOffset, partition.PartitionMaxBytes = int64(i*records), int32(batchBytes)
	req.Topics = []kmsg.FetchRequestTopic{{Topic: "t", Partitions: []kmsg.FetchRequestTopicPartition{partition}}}
	w.ask(req, answer)
	if p := answer.Topics[0].Partitions[0]; p.ErrorCode != 0 || len(p.RecordBatches) != batchBytes {
		w.t.Fatalf("batch %d: error %d, %d bytes of %d", i, p.ErrorCode, len(p.RecordBatches), batchBytes)
	}
}
