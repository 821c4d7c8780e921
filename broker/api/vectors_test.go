package api

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/api/vectors"
	"odradek/broker/commitlog"
	"odradek/broker/commitlog/cleaner"
	"odradek/broker/config"
	"odradek/broker/controller"
	"odradek/broker/coord"
	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/group"
	"odradek/broker/metadata"
	"odradek/broker/record"
	"odradek/broker/replica"
	"odradek/broker/server"
	"odradek/broker/share"
	"odradek/broker/share/state"
)

// TestVectors replays what the reference was asked, against handlers over the real replicas and the real controller of a
// cluster of one in memory.
func TestVectors(t *testing.T) {
	dial := startNode(t)
	report, err := vectors.Run(t.Context(), dial, os.DirFS("testdata/vectors"))
	for _, difference := range report.Differences {
		t.Error(difference)
	}
	if err != nil {
		t.Fatal(err)
	}
	if report.Steps < 1000 {
		t.Errorf("only %d answers were compared", report.Steps)
	}
}

// startNode runs a node without its lifecycle: what package broker wires, in the least form that serves.
func startNode(t *testing.T) vectors.Dialer {
	world := env.Env{Net: memenv.NewNet(), Disk: memenv.NewDisk()}
	static, _, err := config.Load([]config.Property{{Key: "node.id", Value: "1"}, {Key: "min.insync.replicas", Value: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	c, err := controller.Open(controller.Config{
		NodeID: 1, Net: world.Net, Disk: world.Disk, Dir: "data", Listen: "node:9093", Host: "node", Port: 9092, Ready: ready,
		Static: static.Values(), Logger: nil,
	})
	if err != nil {
		t.Fatal(err)
	}
	replicas, err := replica.NewManager(replica.ManagerConfig{
		NodeID: 1, Disk: world.Disk, Dirs: []replica.LogDir{{Path: "data/logs"}}, Net: world.Net, Controller: c,
		TopicSettings: func(img *metadata.Image, topic string) replica.TopicSettings { return settingsOf(static, img, topic) },
	})
	if err != nil {
		t.Fatal(err)
	}
	groups := groupsOf(replicas, static, c.Image)
	shares := sharesOf(replicas, c.Image)
	local := &localShares{shares, replicas, c.Image}
	transactions := transactionsOf(world, c, replicas)
	h := New(Config{
		NodeID: 1, Static: static, Controller: c, Replicas: ReplicasOf(replicas), Groups: groups, Transactions: transactions, Enlist: transactions.client,
		ShareStates: shares, Shares: local.manager(static, c.Image), ShareStore: local,
	})
	transactions.handler = h
	s, err := server.Open(server.Config{Net: world.Net, Address: "node:9092", ListenerName: "PLAINTEXT", Handler: h, Versions: Versions(), Logger: slog.New(slog.DiscardHandler), PanicIsFatal: true, PoisonFrames: true})
	if err != nil {
		t.Fatal(err)
	}
	alive, once := make(chan struct{}), sync.Once{}
	c.Subscribe(replicas.Apply)
	c.Subscribe(groups.Apply)
	c.Subscribe(transactions.Apply)
	c.Subscribe(shares.Apply)
	c.Subscribe(func(img *metadata.Image, _ *metadata.Delta) {
		if img.Alive(1) {
			once.Do(func() { close(alive) })
		}
	})
	c.Start()
	s.Start()
	close(ready)
	t.Cleanup(func() {
		s.Close()
		h.Close()
		transactions.close()
		groups.Close()
		shares.Close()
		c.Close(false)
		replicas.Close()
	})
	select {
	case <-alive:
	case <-time.After(10 * time.Second):
		t.Fatal("the node is not unfenced")
	}
	return func(ctx context.Context) (net.Conn, error) { return world.Net.Dial(ctx, "node:9092") }
}

// groupsOf is a coordinator as the reference is set up when its answers are recorded: the first rebalance is not held up.
func groupsOf(replicas *replica.Manager, static *config.Static, image func() *metadata.Image) *coord.Runtime[*group.Machine] {
	var ids atomic.Int64
	cfg := &group.Config{
		Image: image,
		Consumer: group.ConsumerConfig{
			SizeMax: 1 << 30, Assignors: []string{group.AssignorUniform, group.AssignorRange}, Migration: group.Migration{Upgrade: true, Downgrade: true},
			Times: func(id string) (times group.ConsumerTimes) {
				own := image().Configs[metadata.ConfigResource{Type: metadata.ResourceGroup, Name: id}]
				times.SessionTimeout, times.HeartbeatInterval, times.AssignmentInterval = static.Layers(nil, nil).ConsumerGroup(own)
				return times
			},
		},
		Share: group.ShareConfig{SizeMax: 200, Times: func(id string) group.ConsumerTimes {
			own := static.Layers(nil, nil).ShareGroup(image().Configs[metadata.ConfigResource{Type: metadata.ResourceGroup, Name: id}])
			return group.ConsumerTimes{SessionTimeout: own.SessionTimeout, HeartbeatInterval: own.HeartbeatInterval, AssignmentInterval: own.AssignmentInterval}
		}},
		SessionTimeoutMin: 6 * time.Second, SessionTimeoutMax: 30 * time.Minute, SizeMax: 1 << 30, MetadataBytesMax: 4096,
		OffsetsRetention: 7 * 24 * time.Hour, ExpiryInterval: 10 * time.Minute,
		NewID: func() string { return fmt.Sprintf("00000000-0000-0000-0000-%012d", ids.Add(1)) },
	}
	return coord.New(coord.Config[*group.Machine]{
		NodeID: 1, Topic: GroupTopic, LoadBytes: 1 << 20, CommitTimeout: 5 * time.Second, Logger: slog.New(slog.DiscardHandler),
		New:       func() *group.Machine { return group.New(cfg) },
		Partition: func(id metadata.UUID, index int32) (coord.Partition, error) { return replicas.Partition(id, index) },
	})
}

// localShares is the way to the share coordinator when it is here: what package broker does over the network.
type localShares struct {
	states   *coord.Runtime[*state.Machine]
	replicas *replica.Manager
	image    func() *metadata.Image
}

func (l *localShares) manager(static *config.Static, image func() *metadata.Image) *share.Manager {
	return share.NewManager(share.Config{NodeID: 1, Persister: l, Timeout: 5 * time.Second, Limits: func(id string) share.Limits {
		own := static.Layers(nil, nil).ShareGroup(image().Configs[metadata.ConfigResource{Type: metadata.ResourceGroup, Name: id}])
		return share.Limits{LockDuration: own.LockDuration, DeliveriesMax: own.DeliveriesMax, InFlightMax: own.InFlightMax}
	}})
}

func (l *localShares) ask(ctx context.Context, key state.Key, decide func(m *state.Machine, to coord.Caller, now time.Time) coord.Effects) (state.State, error) {
	to := make(answered1, 1)
	l.states.Do(ShareKey(key), to, func(m *state.Machine, now time.Time) coord.Effects { return decide(m, to, now) })
	select {
	case answer := <-to:
		switch answer := answer.(type) {
		case *kerr.Error:
			return state.State{}, answer
		case state.Refusal:
			return state.State{}, answer.Code
		case state.State:
			return answer, nil
		}
		return state.State{}, nil
	case <-ctx.Done():
		return state.State{}, ctx.Err()
	}
}

func (l *localShares) Read(ctx context.Context, key state.Key, epoch int32) (state.State, error) {
	read := func(m *state.Machine, to coord.Caller, now time.Time) coord.Effects {
		return m.Read(to, key, epoch, now)
	}
	s, err := l.ask(ctx, key, read)
	if err != kerr.InvalidRequest {
		return s, err
	}
	if err := l.Initialize(ctx, key, 0, -1); err != nil {
		return s, err
	}
	return l.ask(ctx, key, read)
}

func (l *localShares) Write(ctx context.Context, key state.Key, s state.State) error {
	_, err := l.ask(ctx, key, func(m *state.Machine, to coord.Caller, now time.Time) coord.Effects { return m.Write(to, key, s, now) })
	return err
}

func (l *localShares) Initialize(ctx context.Context, key state.Key, epoch int32, start int64) error {
	_, err := l.ask(ctx, key, func(m *state.Machine, to coord.Caller, now time.Time) coord.Effects {
		return m.Initialize(to, key, epoch, start, now)
	})
	return err
}

func (l *localShares) Summary(ctx context.Context, key state.Key) (state.State, error) {
	return l.ask(ctx, key, func(m *state.Machine, to coord.Caller, _ time.Time) coord.Effects { return m.Summary(to, key) })
}

func (l *localShares) Delete(ctx context.Context, key state.Key) error {
	_, err := l.ask(ctx, key, func(m *state.Machine, to coord.Caller, _ time.Time) coord.Effects { return m.Delete(to, key) })
	return err
}

func (l *localShares) EndOffset(_ context.Context, topic string, index int32) (int64, error) {
	p, err := l.replicas.Partition(l.image().Topics[topic].ID, index)
	if err != nil {
		return 0, err
	}
	at, err := p.ListOffset(-1, replica.HighWatermark, replica.TimestampLatest)
	return at.Offset, err
}

// sharesOf is a share coordinator.
func sharesOf(replicas *replica.Manager, image func() *metadata.Image) *coord.Runtime[*state.Machine] {
	return coord.New(coord.Config[*state.Machine]{
		NodeID: 1, Topic: ShareTopic, LoadBytes: 1 << 20, CommitTimeout: 5 * time.Second, Logger: slog.New(slog.DiscardHandler),
		New:       func() *state.Machine { return state.New(image) },
		Partition: func(id metadata.UUID, index int32) (coord.Partition, error) { return replicas.Partition(id, index) },
	})
}

func settingsOf(static *config.Static, img *metadata.Image, topic string) replica.TopicSettings {
	layers := static.Layers(img.Configs[metadata.ConfigResource{Type: metadata.ResourceBroker}], nil)
	t := layers.Topic(img.Configs[metadata.ConfigResource{Type: metadata.ResourceTopic, Name: topic}])
	log := commitlog.DefaultConfig()
	log.SegmentBytes, log.SegmentMs = int64(t.SegmentBytes), t.SegmentMs
	log.MaxMessageBytes = int64(t.MessageBytesMax)
	log.MessageTimestampType = record.CreateTime
	if t.LogAppendTime {
		log.MessageTimestampType = record.LogAppendTime
	}
	log.MessageTimestampBeforeMaxMs, log.MessageTimestampAfterMaxMs = t.TimestampBeforeMaxMs, t.TimestampAfterMaxMs
	log.Convert = t.Compression != "producer"
	log.Compression = record.Compression{Codec: codecNamed[t.Compression], Level: int(t.CompressionLevel)}
	log.Compacted = t.Compact
	return replica.TopicSettings{Log: log, MinInsyncReplicas: int(t.MinInsyncReplicas), Retention: replica.TopicRetention{
		Delete: t.Delete, Limits: cleaner.Retention{Ms: t.RetentionMs, Bytes: t.RetentionBytes},
	}}
}

var codecNamed = map[string]record.Codec{
	"uncompressed": record.None, "gzip": record.Gzip, "snappy": record.Snappy, "lz4": record.LZ4, "zstd": record.Zstd,
}
