package coord_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/commitlog"
	"odradek/broker/coord"
	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
	"odradek/broker/replica"
)

// counter is a machine that counts what was written under each key.
type counter struct {
	counts  map[string]int
	waiting []coord.Caller
	due     time.Time
	ticks   int
	elected []int32
	pending map[int64][]string
}

func (c *counter) Replay(r coord.Record) error {
	if string(r.Key) == "bad" {
		return errors.New("a record that nobody understands")
	}
	c.counts[string(r.Key)]++
	return nil
}

func (c *counter) Loaded(time.Time) []coord.Effects { return nil }
func (c *counter) Next() time.Time                  { return c.due }
func (c *counter) Abandon() []coord.Caller          { return c.waiting }

func (c *counter) Tick(now time.Time) []coord.Effects {
	c.due = time.Time{}
	c.ticks++
	return []coord.Effects{{Records: []coord.Record{{Key: []byte("tick")}}}}
}

// asked is a caller that keeps its answer.
type asked struct {
	mu     sync.Mutex
	answer any
	err    error
	times  int
	done   chan struct{}
}

func newAsked() *asked { return &asked{done: make(chan struct{}, 10)} }

func (a *asked) note(answer any, err error) {
	a.mu.Lock()
	a.answer, a.err = answer, err
	a.times++
	a.mu.Unlock()
	a.done <- struct{}{}
}

func (a *asked) Answer(response any)    { a.note(response, nil) }
func (a *asked) Refuse(err *kerr.Error) { a.note(nil, err) }

// result waits for the one answer.
func (a *asked) result(t *testing.T) (any, error) {
	t.Helper()
	select {
	case <-a.done:
	case <-time.After(10 * time.Second):
		t.Fatal("no answer")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.times != 1 {
		t.Fatalf("%d answers", a.times)
	}
	return a.answer, a.err
}

func (a *asked) pending() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.times == 0
}

// house is one node of two, over real replicas; the test plays the controller and the other node.
type house struct {
	t        *testing.T
	replicas *replica.Manager
	runtime  *coord.Runtime[*counter]
	image    *metadata.Image
}

var topicID = metadata.UUID{1}

type noController struct{}

func (noController) Request(context.Context, kmsg.Request) (kmsg.Response, error) {
	return nil, kerr.NotController
}
func (noController) BrokerEpoch() int64 { return 1 }

func open(t *testing.T, minISR int) *house {
	disk := memenv.NewDisk()
	m, err := replica.NewManager(replica.ManagerConfig{
		NodeID: 1, Disk: disk, Dirs: []replica.LogDir{{Path: "data"}}, Net: memenv.NewNet(), Controller: noController{},
		TopicSettings: func(*metadata.Image, string) replica.TopicSettings {
			return replica.TopicSettings{Log: commitlog.DefaultConfig(), MinInsyncReplicas: minISR}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, replicas: m, image: metadata.NewImage()}
	h.runtime = coord.New(coord.Config[*counter]{
		NodeID: 1, Topic: "internal", New: func() *counter { return &counter{counts: map[string]int{}} },
		Partition: func(id metadata.UUID, index int32) (coord.Partition, error) { return m.Partition(id, index) },
		LoadBytes: 100, CommitTimeout: 200 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(func() {
		h.runtime.Close()
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// lead gives the one partition a leader and an ISR.
func (h *house) lead(leader, epoch int32, isr ...int32) {
	image := metadata.NewImage()
	for id := int32(1); id <= 2; id++ {
		image.Brokers[id] = &metadata.Broker{ID: id, Epoch: 1, Host: fmt.Sprint("node", id), Port: 9092}
	}
	topic := &metadata.Topic{ID: topicID, Name: "internal", Partitions: []*metadata.Partition{{
		Replicas: []int32{1, 2}, ISR: isr, Leader: leader, LeaderEpoch: epoch, PartitionEpoch: int32(h.image.Version),
	}}}
	image.Topics["internal"], image.TopicsByID[topicID] = topic, topic
	image.Version = h.image.Version + 1
	delta := metadata.Diff(h.image, image)
	h.image = image
	h.replicas.Apply(image, delta)
	h.runtime.Apply(image, delta)
}

// follow tells the leader that the other node has every record before offset.
func (h *house) follow(offset int64) {
	h.t.Helper()
	p, err := h.replicas.Partition(topicID, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	_, epoch := p.LeaderAndEpoch()
	result := p.Fetch(replica.FetchRequest{
		Offset: offset, CurrentLeaderEpoch: epoch, LastFetchedEpoch: -1, MaxBytes: 1, Isolation: replica.LogEnd, ReplicaID: 2, ReplicaEpoch: 1,
	})
	if result.Slice != nil {
		result.Slice.Release()
	}
	if result.Err != nil {
		h.t.Fatal(result.Err)
	}
}

// count writes a record and answers how many there are of its key.
func (h *house) count(key string) *asked {
	a := newAsked()
	h.runtime.Do("any", a, func(m *counter, _ time.Time) coord.Effects {
		return coord.Effects{Records: []coord.Record{{Key: []byte(key)}}, Replies: []coord.Reply{{To: a, Response: m.counts[key] + 1}}}
	})
	return a
}

// read answers how many records there are of a key.
func (h *house) read(key string) *asked {
	a := newAsked()
	h.runtime.Do("any", a, func(m *counter, _ time.Time) coord.Effects {
		return coord.Effects{Replies: []coord.Reply{{To: a, Response: m.counts[key]}}}
	})
	return a
}

func (h *house) want(a *asked, answer any, err error) {
	h.t.Helper()
	if got, gotErr := a.result(h.t); got != answer || !errors.Is(gotErr, err) {
		h.t.Errorf("answered %v, %v; want %v, %v", got, gotErr, answer, err)
	}
}

// active waits until the shard is loaded.
func (h *house) active() {
	h.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		a := newAsked()
		h.runtime.Do("any", a, func(*counter, time.Time) coord.Effects {
			return coord.Effects{Prompt: []coord.Reply{{To: a}}}
		})
		if _, err := a.result(h.t); err == nil {
			return
		} else if err != kerr.CoordinatorLoadInProgress || time.Now().After(deadline) {
			h.t.Fatal(err)
		}
	}
}

func TestRepliesWaitForTheHighWatermark(t *testing.T) {
	h := open(t, 1)
	h.want(h.count("a"), nil, kerr.NotCoordinator)
	h.lead(1, 0, 1, 2)
	h.active()
	write, read := h.count("a"), h.read("a")
	time.Sleep(5 * time.Millisecond)
	if !write.pending() || !read.pending() {
		t.Error("answered before the other replica has the record")
	}
	h.follow(1)
	h.want(write, 1, nil)
	h.want(read, 1, nil)
	h.want(h.read("a"), 1, nil)
}

func TestReplyTimesOut(t *testing.T) {
	h := open(t, 1)
	h.lead(1, 0, 1, 2)
	h.active()
	h.want(h.count("a"), nil, kerr.CoordinatorNotAvailable)
	h.follow(1)
	h.want(h.read("a"), 1, nil)
}

func TestRefusedAppendChangesNothing(t *testing.T) {
	h := open(t, 2)
	h.lead(1, 0, 1)
	h.active()
	h.want(h.count("a"), nil, kerr.CoordinatorNotAvailable)
	h.want(h.read("a"), 0, nil)
	undone := newAsked()
	h.runtime.Do("any", undone, func(*counter, time.Time) coord.Effects {
		return coord.Effects{Records: []coord.Record{{Key: []byte("a")}}, Applied: true,
			Refused: func(err *kerr.Error, _ time.Time) coord.Effects {
				return coord.Effects{Prompt: []coord.Reply{{To: undone, Response: "undone: " + err.Message}}}
			}}
	})
	h.want(undone, "undone: COORDINATOR_NOT_AVAILABLE", nil)
}

func TestChangeOfLeader(t *testing.T) {
	h := open(t, 1)
	h.lead(1, 0, 1, 2)
	h.active()
	committed := h.count("a")
	h.follow(1)
	h.want(committed, 1, nil)
	waits := h.count("a")
	forever := newAsked()
	h.runtime.Do("any", forever, func(m *counter, _ time.Time) coord.Effects {
		m.waiting = append(m.waiting, forever)
		return coord.Effects{}
	})
	h.lead(2, 1, 1, 2)
	h.want(waits, nil, kerr.NotCoordinator)
	h.want(forever, nil, kerr.NotCoordinator)
	h.want(h.read("a"), nil, kerr.NotCoordinator)

	// Elected again, this node knows what is in its log, once it knows that it is committed.
	h.lead(1, 2, 1, 2)
	loading := h.read("a")
	h.want(loading, nil, kerr.CoordinatorLoadInProgress)
	h.follow(2)
	h.active()
	h.want(h.read("a"), 2, nil)
}

func TestNextEpochOfTheSameLeader(t *testing.T) {
	h := open(t, 1)
	h.lead(1, 0, 1, 2)
	h.active()
	mark := newAsked()
	h.runtime.Do("any", mark, func(m *counter, _ time.Time) coord.Effects {
		m.counts["in memory"] = 7
		return coord.Effects{Prompt: []coord.Reply{{To: mark}}}
	})
	h.want(mark, nil, nil)
	h.lead(1, 1, 1)
	h.want(h.read("in memory"), 7, nil)
	h.want(h.count("a"), 1, nil)
	h.lead(1, 3, 1) // another may have led epoch 2
	h.active()
	h.want(h.read("in memory"), 0, nil)
	h.want(h.read("a"), 1, nil)
}

func TestLoadsInPieces(t *testing.T) {
	h := open(t, 1)
	h.lead(1, 0, 1)
	h.active()
	for range 50 {
		h.want(h.count("bad"), 1, nil)
		h.count("a").result(t)
	}
	h.lead(1, 5, 1)
	h.active()
	h.want(h.read("a"), 50, nil)
}

func TestManyRecordsAtOnce(t *testing.T) {
	h := open(t, 1)
	h.lead(1, 0, 1)
	h.active()
	a := newAsked()
	h.runtime.Do("any", a, func(*counter, time.Time) coord.Effects {
		e := coord.Effects{Replies: []coord.Reply{{To: a, Response: "written"}}}
		for range 30 {
			e.Records = append(e.Records, coord.Record{Key: []byte("a"), Value: make([]byte, 100<<10)})
		}
		return e
	})
	h.want(a, "written", nil)
	h.want(h.count("a"), 31, nil) // the offsets are still those that the shard expects
}

func TestTick(t *testing.T) {
	h := open(t, 1)
	h.lead(1, 0, 1)
	h.active()
	armed := newAsked()
	h.runtime.Do("any", armed, func(m *counter, now time.Time) coord.Effects {
		m.due = now.Add(20 * time.Millisecond)
		return coord.Effects{Prompt: []coord.Reply{{To: armed}}}
	})
	h.want(armed, nil, nil)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if n, _ := h.read("tick").result(t); n == 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the machine's time never came")
		}
	}
}

// TestPartitionFor holds the choice of a partition to Java's String.hashCode, whose values these are.
func TestPartitionFor(t *testing.T) {
	for key, hash := range map[string]int32{
		"": 0, "abc": 96354, "polygenelubricants": -2147483648, "my-group": -1906497762, "ü": 252, "😀": 1772899,
	} {
		if got, want := coord.PartitionFor(key, 50), (hash&0x7fffffff)%50; got != want {
			t.Errorf("%q is in partition %d, want %d", key, got, want)
		}
	}
}
