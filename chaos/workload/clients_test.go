package workload_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"odradek/broker"
	"odradek/broker/config"
	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/chaos"
	"odradek/chaos/workload"
	"odradek/linearizability"
	"odradek/linearizability/history"
)

const address = "node1:9092"

// world is a broker in memory and the history of its clients.
type world struct {
	t       *testing.T
	network *memenv.Net
	text    bytes.Buffer
	writer  *history.Writer
	began   time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, network: memenv.NewNet(), began: time.Now()}
	var err error
	if w.writer, err = history.NewWriter(&w.text, history.Header{Promises: history.Promises{Progress: true}}); err != nil {
		t.Fatal(err)
	}
	return w
}

// serve starts the broker.
func (w *world) serve() {
	w.t.Helper()
	static, _, err := config.Load([]config.Property{
		{Key: "node.id", Value: "1"}, {Key: "log.dirs", Value: "data"},
		{Key: "listeners", Value: "PLAINTEXT://" + address + ",CONTROLLER://node1:9093"},
		{Key: "controller.quorum.voters", Value: "1@node1:9093"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := broker.Start(broker.Options{
		Env: env.Env{Net: w.network, Disk: memenv.NewDisk()}, Static: static, Logger: slog.New(slog.DiscardHandler), PanicIsFatal: true,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { b.Close() })
}

func (w *world) process(name string) *workload.Process {
	return &workload.Process{
		Name: name, Seeds: []string{address},
		Dial:    func(ctx context.Context, _, address string) (net.Conn, error) { return w.network.Dial(ctx, address) },
		History: history.NewRecorder(w.writer, name, func() int64 { return int64(time.Since(w.began)) }),
	}
}

func (w *world) table() *history.Table {
	w.t.Helper()
	table, err := history.Collect(bytes.NewReader(w.text.Bytes()))
	if err != nil {
		w.t.Fatal(err)
	}
	return table
}

var cluster = chaos.Cluster{Nodes: 1, Topics: []chaos.Topic{
	{Name: "keyed", Partitions: 2, ReplicationFactor: 1, Config: map[string]string{"internal.segment.bytes": "4096"}},
	{Name: "plain", Partitions: 3, ReplicationFactor: 1},
}}

// plans cover each acks, with and without keys, every codec, and both topics at once.
//
// A producer without keys chooses a partition anew every 2 KiB, at random: the two that send large values choose often enough
// that none of three partitions stays empty.
var plans = []chaos.Producer{
	{Topics: []string{"keyed"}, Acks: "all", Idempotent: true, BatchBytes: 1 << 12, RecordsPerSecond: 80, ValueBytes: 64, Keys: 7, MaxInFlight: 5, Compression: "zstd"},
	{Topics: []string{"plain", "keyed"}, Acks: "1", BatchBytes: 1 << 14, RecordsPerSecond: 60, ValueBytes: 1000, MaxInFlight: 2, Compression: "lz4"},
	{Topics: []string{"plain"}, Acks: "all", BatchBytes: 512, RecordsPerSecond: 40, ValueBytes: 20, MaxInFlight: 1, Linger: chaos.Duration(50 * time.Millisecond)},
	{Topics: []string{"plain"}, Acks: "0", BatchBytes: 1 << 12, RecordsPerSecond: 20, ValueBytes: 2000, MaxInFlight: 1, Compression: "gzip"},
	{Topics: []string{"keyed"}, Acks: "all", Idempotent: true, BatchBytes: 1 << 12, RecordsPerSecond: 20, ValueBytes: 300, Keys: 1, MaxInFlight: 5, Compression: "snappy"},
}

// Clients tell a history of a healthy broker that the checkers pass, in which everything that was sent was acknowledged and
// everything that was acknowledged was read by everybody.
func TestClientsTellAHistoryThatPasses(t *testing.T) {
	w := newWorld(t)
	w.serve()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := workload.Setup(ctx, w.process("setup"), cluster); err != nil {
		t.Fatal(err)
	}
	if err := workload.Setup(ctx, w.process("setup-again"), cluster); err != nil {
		t.Errorf("topics that exist are made: %v", err)
	}
	w.runClients(ctx, 1500*time.Millisecond)
	if err := workload.FinalRead(ctx, w.process("final-reader"), cluster, nil, nil); err != nil {
		t.Fatal(err)
	}
	table := w.table()
	if report := linearizability.Check(table, table.Header.Promises); report.Verdict != linearizability.Pass {
		t.Errorf("%s\n%s", report.Line(), report)
	}
	w.count(table)
}

// runClients runs the plans' producers and a consumer for so long.
func (w *world) runClients(ctx context.Context, length time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var all sync.WaitGroup
	for i, plan := range plans {
		all.Go(func() {
			if err := workload.Produce(ctx, w.process("producer-"+string(rune('1'+i))), plan, 1); err != nil {
				w.t.Error(err)
			}
		})
	}
	all.Go(func() {
		plan := chaos.Consumer{Topics: []string{"keyed", "plain"}, MaxBytes: 1 << 12, MaxWait: chaos.Duration(100 * time.Millisecond)}
		if err := workload.Consume(ctx, w.process("consumer-1"), plan, cluster); err != nil {
			w.t.Error(err)
		}
	})
	all.Wait()
}

// count holds the history against what the plans ask for.
func (w *world) count(table *history.Table) {
	sent, keys, partitions := map[string]int{}, map[string]bool{}, map[history.Partition]bool{}
	for _, s := range table.Sends {
		sent[s.Process]++
		keys[s.Process+s.Key] = true
		if s.Outcome != history.OK {
			w.t.Errorf("%s of %s: %s %s", table.Value(s.Value), s.Process, s.Outcome, s.Error)
		}
		partitions[history.Partition{Topic: s.Asked.Topic, Index: s.Partition}] = true
	}
	for i, plan := range plans {
		process := "producer-" + string(rune('1'+i))
		// A busy machine sends late, and then what it owes; it never sends more than the rate.
		if n, want := sent[process], int(1.5*plan.RecordsPerSecond); n < want/2 || n > want {
			w.t.Errorf("%s sent %d records; its rate asks for %d", process, n, want)
		}
	}
	if !keys["producer-1k6"] || keys["producer-1k7"] || !keys["producer-5k0"] || keys["producer-5k1"] || !keys["producer-2"] {
		w.t.Errorf("keys %v", keys)
	}
	if len(partitions) != 5 {
		w.t.Errorf("records went to %v", partitions)
	}
	read := map[string]int{}
	for _, step := range table.Reads {
		read[step.Process] += len(step.Values)
	}
	if read["final-reader"] != len(table.Sends) || read["consumer-1"] < len(table.Sends)/2 {
		w.t.Errorf("of %d records the final reader read %d, the consumer %d", len(table.Sends), read["final-reader"], read["consumer-1"])
	}
}

// Without a cluster, clients end when their time does, and say that they could not do their work.
func TestClientsWithoutACluster(t *testing.T) {
	w := newWorld(t)
	w.network.Hang(address, true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := workload.Setup(ctx, w.process("setup"), cluster); err == nil || ctx.Err() == nil {
		t.Errorf("setup without a broker: %v", err)
	}
	if err := workload.FinalRead(ctx, w.process("final-reader"), cluster, nil, nil); err == nil {
		t.Error("a final read without a broker ended well")
	}
	if took := time.Since(w.began); took > 5*time.Second {
		t.Errorf("they took %v", took)
	}
}

// A topic that the broker refuses is nobody's lack of progress: setup fails at once.
func TestSetupOfATopicThatIsRefused(t *testing.T) {
	w := newWorld(t)
	w.serve()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	bad := chaos.Cluster{Nodes: 1, Topics: []chaos.Topic{{Name: "t", Partitions: 1, ReplicationFactor: 1, Config: map[string]string{"cleanup.policy": "burn"}}}}
	err := workload.Setup(ctx, w.process("setup"), bad)
	if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "create topic t") {
		t.Errorf("%v", err)
	}
}
