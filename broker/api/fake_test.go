package api

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/commitlog"
	"odradek/broker/config"
	"odradek/broker/coord"
	"odradek/broker/group"
	"odradek/broker/metadata"
	"odradek/broker/replica"
	"odradek/broker/server"
	"odradek/broker/txn"
	"odradek/broker/txn/enlist"
	"odradek/broker/wire"
)

// fakeController answers as the test says.
type fakeController struct {
	image    *metadata.Image
	leader   int32
	requests []kmsg.Request
	respond  func(kmsg.Request) (kmsg.Response, error)
}

func (f *fakeController) Image() *metadata.Image { return f.image }
func (f *fakeController) Leader() (int32, bool)  { return f.leader, f.leader >= 0 }
func (f *fakeController) BrokerEpoch() int64     { return 5 }

func (f *fakeController) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	f.requests = append(f.requests, req)
	return f.respond(req)
}

// fakeReplicas hosts partitions by topic id and index.
type fakeReplicas map[metadata.UUID][]*fakePartition

func (f fakeReplicas) Dirs() []replica.DirState { return nil }

func (f fakeReplicas) Move(string, int32, string) error { return nil }

func (f fakeReplicas) Partition(id metadata.UUID, index int32) (Partition, error) {
	if p := f[id][index]; p != nil {
		return p, nil
	}
	return nil, kerr.NotLeaderForPartition
}

// fakeEnlister says the same of every partition, and notes what it was asked.
type fakeEnlister struct {
	says  *kerr.Error
	asked []enlist.Request
}

func (f *fakeEnlister) Ask(_ context.Context, r enlist.Request) []*kerr.Error {
	f.asked = append(f.asked, r)
	all := make([]*kerr.Error, len(r.Partitions))
	for i := range all {
		all[i] = f.says
	}
	return all
}

// fakePartition gives what the test sets.
type fakePartition struct {
	mu       sync.Mutex
	appended [][]byte
	// appendResult is given at once, but for acks -1 when held.
	appendResult replica.AppendResult
	held         bool
	waiting      []func(replica.AppendResult)

	fetched     []replica.FetchRequest
	fetchResult replica.FetchResult
	waiters     []*replica.Waiter

	producers  []commitlog.ProducerInfo
	guards     []commitlog.Guard
	appendedBy []commitlog.Guard

	deleted      []int64
	deleteResult replica.DeleteResult

	listed replica.OffsetAtTime
	ended  wire.EpochEndOffset
	err    error
}

type fakePending struct{ expire func() }

func (f fakePending) Expire() { f.expire() }

func (f *fakePartition) Append(batches []byte, acks int16, done func(replica.AppendResult)) Pending {
	f.mu.Lock()
	f.appended = append(f.appended, append([]byte(nil), batches...))
	if !f.held || acks != -1 {
		f.mu.Unlock()
		done(f.appendResult)
		return fakePending{func() {}}
	}
	f.waiting = append(f.waiting, done)
	f.mu.Unlock()
	return fakePending{func() { f.settle(refused(kerr.RequestTimedOut)) }}
}

func (f *fakePartition) AppendVerified(batches []byte, acks int16, guard commitlog.Guard, done func(replica.AppendResult)) Pending {
	f.appendedBy = append(f.appendedBy, guard)
	return f.Append(batches, acks, done)
}

func (f *fakePartition) AppendMarker(batch []byte, _ bool, done func(replica.AppendResult)) Pending {
	return f.Append(batch, -1, done)
}

// BeginVerification gives the guards that the test has set, the last one again and again.
func (f *fakePartition) BeginVerification(int64, int16) (commitlog.Guard, bool, error) {
	if len(f.guards) == 0 {
		return 0, false, f.err
	}
	guard := f.guards[0]
	if len(f.guards) > 1 {
		f.guards = f.guards[1:]
	}
	return guard, true, f.err
}

func (f *fakePartition) Producers() ([]commitlog.ProducerInfo, error) { return f.producers, f.err }

func (f *fakePartition) DeleteRecords(offset int64, done func(replica.DeleteResult)) Pending {
	f.mu.Lock()
	f.deleted = append(f.deleted, offset)
	f.mu.Unlock()
	if !f.held {
		done(f.deleteResult)
		return fakePending{func() {}}
	}
	return fakePending{func() { done(replica.DeleteResult{LowWatermark: 3, Err: kerr.RequestTimedOut}) }}
}

// settle answers the appends that wait.
func (f *fakePartition) settle(result replica.AppendResult) {
	f.mu.Lock()
	waiting := f.waiting
	f.waiting = nil
	f.mu.Unlock()
	for _, done := range waiting {
		done(result)
	}
}

func (f *fakePartition) Fetch(req replica.FetchRequest) replica.FetchResult {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fetched = append(f.fetched, req)
	return f.fetchResult
}

func (f *fakePartition) set(result replica.FetchResult) {
	f.mu.Lock()
	f.fetchResult = result
	f.mu.Unlock()
}

// wake changes what a fetch gives and wakes those that wait.
func (f *fakePartition) wake(result replica.FetchResult) {
	f.mu.Lock()
	f.fetchResult = result
	waiters := f.waiters
	f.waiters = nil
	f.mu.Unlock()
	for _, w := range waiters {
		select {
		case w.C <- struct{}{}:
		default: // woken already: it watches in more than one way
		}
	}
}

func (f *fakePartition) Watch(w *replica.Waiter, _ replica.Isolation, _ int64) Watch {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiters = append(f.waiters, w)
	return fakeWatch{f}
}

type fakeWatch struct{ partition *fakePartition }

func (f fakeWatch) Unwatch() {
	f.partition.mu.Lock()
	f.partition.waiters = nil
	f.partition.mu.Unlock()
}

func (f *fakePartition) ListOffset(int32, replica.Isolation, int64) (replica.OffsetAtTime, error) {
	return f.listed, f.err
}

func (f *fakePartition) OffsetForLeaderEpoch(int32, int32) (wire.EpochEndOffset, error) {
	return f.ended, f.err
}

var (
	idA = metadata.UUID{0xa}
	idB = metadata.UUID{0xb}
)

// house is a handler over fakes: node 1 of three, of which 3 is fenced; topic a with two partitions led here and a third led by 2,
// topic b with one that nobody leads.
type house struct {
	*Handler
	t          testing.TB
	controller *fakeController
	a          []*fakePartition
}

func newHouse(t testing.TB, settings ...string) *house {
	t.Helper()
	var list []config.Property
	for _, text := range settings {
		p, err := config.ParseSetting(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	static, _, err := config.Load(list)
	if err != nil {
		t.Fatal(err)
	}
	led := func(leader int32, replicas ...int32) *metadata.Partition {
		return &metadata.Partition{Replicas: replicas, ISR: replicas, Leader: leader, LeaderEpoch: 7, LastKnownLeader: metadata.NoLeader}
	}
	a := &metadata.Topic{ID: idA, Name: "a", Partitions: []*metadata.Partition{led(1, 1, 2), led(1, 1, 3), led(2, 2, 1)}}
	b := &metadata.Topic{ID: idB, Name: "b", Partitions: []*metadata.Partition{led(metadata.NoLeader, 3)}}
	image := &metadata.Image{
		ClusterID: "cluster",
		Brokers: map[int32]*metadata.Broker{
			1: {ID: 1, Host: "one", Port: 9001, Rack: "r1"}, 2: {ID: 2, Host: "two", Port: 9002}, 3: {ID: 3, Host: "three", Port: 9003, Fenced: true},
		},
		Topics:     map[string]*metadata.Topic{"a": a, "b": b},
		TopicsByID: map[metadata.UUID]*metadata.Topic{idA: a, idB: b},
		Configs:    map[metadata.ConfigResource]map[string]string{},
	}
	h := &house{t: t, controller: &fakeController{image: image, leader: 2}, a: []*fakePartition{{}, {}, nil}}
	h.Handler = New(Config{NodeID: 1, Static: static, Controller: h.controller, Replicas: fakeReplicas{idA: h.a, idB: {nil}}, Groups: coord.New(coord.Config[*group.Machine]{}),
		Transactions: coord.New(coord.Config[*txn.Machine]{}), Enlist: &fakeEnlister{}})
	t.Cleanup(h.Close)
	return h
}

// answer is what became of a call.
type answer struct {
	header   wire.Header
	bytes    chan []byte
	closed   chan error
	released bool
	muted    time.Duration
}

func (a *answer) Reply(r wire.Response) {
	a.muted = r.Mute
	bytes, err := r.AppendTo(nil)
	r.Release()
	if err != nil {
		a.closed <- err
		return
	}
	a.bytes <- bytes
}
func (a *answer) NoReply()             { a.bytes <- nil }
func (a *answer) Disconnect(err error) { a.closed <- err }
func (a *answer) Release()             { a.released = true }
func (a *answer) Mute(d time.Duration) { a.muted = d }

// begin hands a request over, as the server does.
func (h *house) begin(ctx context.Context, version int16, req kmsg.Request) *answer {
	req.SetVersion(version)
	a := &answer{header: wire.Header{Key: req.Key(), Version: version, CorrelationID: 9}, bytes: make(chan []byte, 2), closed: make(chan error, 2)}
	h.handle(ctx, call{Header: a.header, peer: &server.Peer{Principal: server.Anonymous}, answerer: a}, req)
	return a
}

// decode reads an answer off the wire.
func decode[R kmsg.Response](t testing.TB, a *answer, req kmsg.Request) R {
	t.Helper()
	select {
	case frame := <-a.bytes:
		resp := req.ResponseKind()
		resp.SetVersion(a.header.Version)
		body := frame[8:]
		if resp.IsFlexible() && resp.Key() != int16(kmsg.ApiVersions) {
			body = body[1:]
		}
		if err := resp.ReadFrom(body); err != nil {
			t.Fatalf("%s v%d: %v", kmsg.NameForKey(resp.Key()), a.header.Version, err)
		}
		return resp.(R)
	case err := <-a.closed:
		t.Fatalf("disconnected: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("no answer")
	}
	panic("unreachable")
}

// do asks and waits for the answer.
func do[R kmsg.Response](h *house, version int16, req kmsg.Request) R {
	h.t.Helper()
	return decode[R](h.t, h.begin(h.t.Context(), version, req), req)
}
