package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/commitlog"
	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
	"odradek/broker/record"
)

// cluster is three nodes with real logs, a network and disks in memory, and a controller that is a lock around an image.
type cluster struct {
	t        *testing.T
	net      *memenv.Net
	nodes    map[int32]*node
	settings TopicSettings
	logDirs  []LogDir
	parallel int // num.recovery.threads.per.data.dir

	mu     sync.Mutex
	image  *metadata.Image
	epochs int64
	// refuse, when set, answers an AlterPartition instead of the controller; 0 lets it pass.
	refuse func(req *kmsg.AlterPartitionRequest) int16
	alters int
	// unreachable keeps the controller from hearing of lost replicas.
	unreachable atomic.Bool
	losses      int // told so far
}

// node is one process; restart makes it another one on the same disk.
type node struct {
	cluster *cluster
	id      int32
	disk    *memenv.Disk
	manager *Manager
	server  *fetchServer
	epoch   atomic.Int64
	// deaf nodes hear no metadata.
	deaf     atomic.Bool
	failures []error
}

func (n *node) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	if assign, ok := req.(*kmsg.AssignReplicasToDirsRequest); ok {
		return n.cluster.assign(assign)
	}
	return n.cluster.alter(req.(*kmsg.AlterPartitionRequest))
}

func (n *node) BrokerEpoch() int64 { return n.epoch.Load() }

func defaultSettings() TopicSettings {
	return TopicSettings{Log: commitlog.DefaultConfig(), MinInsyncReplicas: 1}
}

// testCluster runs f in a bubble with n nodes that are up.
func testCluster(t *testing.T, n int, f func(c *cluster)) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, net: memenv.NewNet(), nodes: map[int32]*node{}, settings: defaultSettings(), logDirs: []LogDir{{Path: "data"}}, image: &metadata.Image{}}
		for id := int32(1); id <= int32(n); id++ {
			nd := &node{cluster: c, id: id, disk: memenv.NewDisk()}
			c.nodes[id] = nd
			nd.start()
		}
		defer func() {
			for _, nd := range c.nodes {
				nd.stop()
			}
		}()
		f(c)
	})
}

func (n *node) start() {
	n.cluster.t.Helper()
	n.cluster.mu.Lock()
	n.cluster.epochs++
	epoch := n.cluster.epochs
	n.epoch.Store(epoch)
	n.cluster.mu.Unlock()
	m, err := NewManager(ManagerConfig{
		NodeID: n.id, Disk: n.disk, Dirs: n.cluster.logDirs, OpenParallelism: n.cluster.parallel, Net: n.cluster.net, Controller: n,
		Logger:        slog.New(slog.NewTextHandler(n.cluster.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", n.id),
		TopicSettings: func(*metadata.Image, string) TopicSettings { return n.cluster.settings },
		Complete: func(img *metadata.Image) bool {
			b := img.Brokers[n.id]
			return b != nil && b.Epoch == epoch
		},
		OnStorageFailure: func(err error) {
			if !errors.Is(err, memenv.ErrDead) {
				n.failures = append(n.failures, err)
			}
		},
	})
	if err != nil {
		n.cluster.t.Fatal(err)
	}
	n.cluster.mu.Lock()
	n.manager = m
	n.cluster.mu.Unlock()
	n.server = serveFetch(n.cluster.t, m, n.cluster.net, n.address())
	n.cluster.broker(metadata.Broker{ID: n.id, Epoch: epoch, Host: fmt.Sprintf("node%d", n.id), Port: 9092})
}

func (n *node) address() string { return fmt.Sprintf("node%d:9092", n.id) }

// stop ends the process in good order.
func (n *node) stop() {
	if n.manager == nil {
		return
	}
	n.server.close()
	if err := n.manager.Close(); err != nil && len(n.failures) == 0 && !errors.Is(err, memenv.ErrDead) {
		n.cluster.t.Errorf("node %d: close: %v", n.id, err)
	}
	n.cluster.mu.Lock()
	n.manager = nil
	n.cluster.mu.Unlock()
}

// crash ends the process at once; power says that what was not synced is lost too.
func (n *node) crash(power bool) { n.crashLosing(power, memenv.Loss{}) }

// crashLosing is crash with a say in what a loss of power takes.
func (n *node) crashLosing(power bool, loss memenv.Loss) {
	n.epoch.Store(-1) // the dead are not heard
	var survivor *memenv.Disk
	if power {
		survivor = n.disk.PowerLoss(loss)
	} else {
		survivor = n.disk.Kill()
	}
	n.stop()
	n.disk = survivor
}

// broker registers a node, which drops what was known of it.
func (c *cluster) broker(b metadata.Broker) {
	c.change(func(img *metadata.Image) {
		img.Brokers = copyMap(img.Brokers)
		img.Brokers[b.ID] = &b
	})
}

func copyMap[K comparable, V any](m map[K]V) map[K]V {
	copied := make(map[K]V, len(m)+1)
	for k, v := range m {
		copied[k] = v
	}
	return copied
}

// change publishes an image that differs.
func (c *cluster) change(f func(img *metadata.Image)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changeLocked(f)
}

func (c *cluster) changeLocked(f func(img *metadata.Image)) {
	img := *c.image
	img.Version++
	f(&img)
	old := c.image
	c.image = &img
	delta := metadata.Diff(old, &img)
	for id := int32(1); id <= int32(len(c.nodes)); id++ {
		if n := c.nodes[id]; n.manager != nil && !n.deaf.Load() {
			n.manager.Apply(&img, delta)
		}
	}
}

// listen lets a deaf node hear all that it missed.
func (c *cluster) listen(id int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[id]
	n.deaf.Store(false)
	n.manager.Apply(c.image, metadata.Diff(n.manager.image.Load(), c.image))
}

var topicID = metadata.UUID{1, 2, 3}

// create makes a topic "t" with one partition on the given nodes, led by the first.
func (c *cluster) create(id metadata.UUID, replicas ...int32) {
	c.change(func(img *metadata.Image) {
		topic := &metadata.Topic{ID: id, Name: "t", Partitions: []*metadata.Partition{{
			Replicas: replicas, ISR: replicas, Leader: replicas[0], LastKnownLeader: -1,
		}}}
		img.Topics, img.TopicsByID = copyMap(img.Topics), copyMap(img.TopicsByID)
		img.Topics["t"], img.TopicsByID[id] = topic, topic
	})
	c.settle()
}

func (c *cluster) delete(id metadata.UUID) {
	c.change(func(img *metadata.Image) {
		img.Topics, img.TopicsByID = copyMap(img.Topics), copyMap(img.TopicsByID)
		delete(img.Topics, img.TopicsByID[id].Name)
		delete(img.TopicsByID, id)
	})
}

// settle lets happen what needs no time but the pause after a fetch that came before its leader was ready.
func (c *cluster) settle() {
	time.Sleep(3 * backoffMin)
	synctest.Wait()
}

// update changes the partition's metadata.
func (c *cluster) update(f func(p *metadata.Partition)) {
	c.change(func(img *metadata.Image) { updatePartition(img, topicID, f) })
}

func updatePartition(img *metadata.Image, id metadata.UUID, f func(p *metadata.Partition)) {
	topic := *img.TopicsByID[id]
	p := *topic.Partitions[0]
	p.PartitionEpoch++
	f(&p)
	topic.Partitions = []*metadata.Partition{&p}
	img.Topics, img.TopicsByID = copyMap(img.Topics), copyMap(img.TopicsByID)
	img.Topics[topic.Name], img.TopicsByID[id] = &topic, &topic
}

// elect makes a node leader of a new epoch, with an ISR.
func (c *cluster) elect(leader int32, isr ...int32) {
	c.update(func(p *metadata.Partition) { p.Leader, p.ISR, p.LeaderEpoch = leader, isr, p.LeaderEpoch+1 })
	c.settle()
}

func (c *cluster) registration() *metadata.Partition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.image.TopicsByID[topicID].Partitions[0]
}

// alter is the controller's part of AlterPartition.
func (c *cluster) alter(req *kmsg.AlterPartitionRequest) (*kmsg.AlterPartitionResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alters++
	resp := kmsg.NewPtrAlterPartitionResponse()
	for _, rt := range req.Topics {
		topic := kmsg.NewAlterPartitionResponseTopic()
		topic.TopidID = rt.TopicID
		for _, rp := range rt.Partitions {
			answer := kmsg.NewAlterPartitionResponseTopicPartition()
			answer.Partition = rp.Partition
			answer.ErrorCode = c.judge(req, metadata.UUID(rt.TopicID), &rp)
			if answer.ErrorCode == 0 {
				isr := []int32{}
				for _, member := range rp.NewEpochISR {
					isr = append(isr, member.BrokerID)
				}
				c.changeLocked(func(img *metadata.Image) {
					updatePartition(img, rt.TopicID, func(p *metadata.Partition) { p.ISR = isr })
				})
				now := c.image.TopicsByID[rt.TopicID].Partitions[0]
				answer.LeaderID, answer.LeaderEpoch, answer.ISR, answer.PartitionEpoch = now.Leader, now.LeaderEpoch, now.ISR, now.PartitionEpoch
			}
			topic.Partitions = append(topic.Partitions, answer)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp, nil
}

// assign is the controller's part of AssignReplicasToDirs.
func (c *cluster) assign(req *kmsg.AssignReplicasToDirsRequest) (*kmsg.AssignReplicasToDirsResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	resp := kmsg.NewPtrAssignReplicasToDirsResponse()
	if b := c.image.Brokers[req.BrokerID]; b == nil || b.Epoch != req.BrokerEpoch {
		resp.ErrorCode = kerr.StaleBrokerEpoch.Code
		return resp, nil
	}
	if c.unreachable.Load() {
		return nil, context.DeadlineExceeded
	}
	for _, directory := range req.Directories {
		for _, rt := range directory.Topics {
			if c.image.TopicsByID[rt.TopicID] == nil {
				continue
			}
			c.changeLocked(func(img *metadata.Image) {
				updatePartition(img, rt.TopicID, func(p *metadata.Partition) {
					if directory.ID == LostDirectory {
						c.lost(img, p, req.BrokerID)
						c.losses++
					} else if p.Leader == metadata.NoLeader && len(p.ISR) == 0 && p.LastKnownLeader == req.BrokerID {
						p.ISR, p.Leader, p.LeaderEpoch, p.LastKnownLeader = []int32{req.BrokerID}, req.BrokerID, p.LeaderEpoch+1, metadata.NoLeader
					}
				})
			})
		}
	}
	return resp, nil
}

// lost takes a replica out of the ISR.
func (c *cluster) lost(img *metadata.Image, p *metadata.Partition, id int32) {
	if !slices.Contains(p.ISR, id) {
		return
	}
	p.ISR, p.LeaderEpoch = without(p.ISR, []int32{id}), p.LeaderEpoch+1
	if p.Leader == id {
		p.Leader = metadata.NoLeader
		chooseLeader(img, p)
	}
	if len(p.ISR) == 0 {
		p.LastKnownLeader = id
	}
}

func (c *cluster) judge(req *kmsg.AlterPartitionRequest, id metadata.UUID, rp *kmsg.AlterPartitionRequestTopicPartition) int16 {
	if c.refuse != nil {
		if code := c.refuse(req); code != 0 {
			return code
		}
	}
	p := c.image.TopicsByID[id].Partition(rp.Partition)
	switch {
	case p == nil:
		return kerr.UnknownTopicID.Code
	case p.Leader != req.BrokerID:
		return kerr.NotLeaderForPartition.Code
	case rp.LeaderEpoch != p.LeaderEpoch:
		return kerr.FencedLeaderEpoch.Code
	case rp.PartitionEpoch != p.PartitionEpoch:
		return kerr.InvalidUpdateVersion.Code
	}
	for _, member := range rp.NewEpochISR {
		b := c.image.Brokers[member.BrokerID]
		if b == nil || b.Fenced || member.BrokerEpoch >= 0 && member.BrokerEpoch != b.Epoch {
			return kerr.IneligibleReplica.Code
		}
	}
	return 0
}

// partition is a node's replica of t-0.
func (c *cluster) partition(id int32) *Partition {
	c.t.Helper()
	p, err := c.nodes[id].manager.Partition(topicID, 0)
	if err != nil {
		c.t.Fatalf("node %d: %v", id, err)
	}
	return p
}

// batch is n records of a few bytes with a value that names them.
func batch(value string, n int) []byte {
	b := record.NewBuilder()
	for i := range n {
		b.Append(record.Record{Timestamp: time.Now().UnixMilli(), Value: fmt.Appendf(nil, "%s-%d", value, i)})
	}
	built, err := b.Build()
	if err != nil {
		panic(err)
	}
	return slices.Clone(built)
}

// produce appends and returns a place for the answer, nil until it comes.
func (c *cluster) produce(id int32, acks int16, value string, n int) *answer {
	c.t.Helper()
	a := &answer{}
	a.pending = c.partition(id).Append(batch(value, n), acks, func(r AppendResult) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.result != nil {
			c.t.Errorf("append of %s answered twice", value)
		}
		a.result = &r
	})
	return a
}

type answer struct {
	pending *PendingAppend
	mu      sync.Mutex
	result  *AppendResult
}

func (a *answer) get() *AppendResult {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.result
}

// want checks that the answer has come, with this error.
func (a *answer) want(t *testing.T, err error) {
	t.Helper()
	synctest.Wait()
	r := a.get()
	if r == nil {
		t.Fatalf("no answer, want %v", err)
	}
	if !errors.Is(r.Err, err) {
		t.Fatalf("answered %v, want %v", r.Err, err)
	}
}

// wantNone checks that no answer has come yet.
func (a *answer) wantNone(t *testing.T) {
	t.Helper()
	synctest.Wait()
	if r := a.get(); r != nil {
		t.Fatalf("answered %+v, want no answer yet", *r)
	}
}

// contents is the bytes of a node's log.
func (c *cluster) contents(id int32) []byte {
	c.t.Helper()
	log := c.partition(id).Log()
	var all []byte
	for from := log.StartOffset(); from < log.EndOffset(); {
		slice, err := log.Read(from, commitlog.ReadLimits{MaxBytes: 1 << 20, EndOffset: log.EndOffset(), AtLeastOne: true})
		if err != nil {
			c.t.Fatal(err)
		}
		buf := make([]byte, slice.Len())
		if err := slice.ReadInto(buf); err != nil {
			c.t.Fatal(err)
		}
		all, from = append(all, buf...), slice.NextOffset()
		slice.Release()
	}
	return all
}

// wantSame checks that the logs of nodes are equal, byte for byte.
func (c *cluster) wantSame(ids ...int32) {
	c.t.Helper()
	first := c.contents(ids[0])
	for _, id := range ids[1:] {
		if !bytes.Equal(first, c.contents(id)) {
			a, b := c.partition(ids[0]).Log(), c.partition(id).Log()
			c.t.Fatalf("logs of %d (end %d, epoch %d) and %d (end %d, epoch %d) differ", ids[0], a.EndOffset(), a.LastEpoch(), id, b.EndOffset(), b.LastEpoch())
		}
	}
}

// values are the records of a node's log.
func (c *cluster) values(id int32) []string {
	c.t.Helper()
	var all []string
	for rest := c.contents(id); len(rest) > 0; {
		b, tail, err := record.Split(rest)
		if err != nil {
			c.t.Fatal(err)
		}
		for r, err := range b.Records(1 << 20) {
			if err != nil {
				c.t.Fatal(err)
			}
			all = append(all, string(r.Value))
		}
		rest = tail
	}
	return all
}
