package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/commitlog"
	"odradek/broker/env"
	"odradek/broker/metadata"
)

// Controller is what replication asks of the controller.
type Controller interface {
	// Request runs req at the active controller.
	Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error)
	// BrokerEpoch is that of this process's registration, -1 before it.
	BrokerEpoch() int64
}

// ManagerConfig says what a Manager works with. Zero durations and sizes take Kafka's defaults.
type ManagerConfig struct {
	NodeID     int32
	Disk       env.Disk
	Dirs       []LogDir // each holds a directory for each of its partitions; they are made when missing
	Net        env.Net
	Logger     *slog.Logger
	Controller Controller
	// TopicSettings derives a topic's settings from the image's configs.
	TopicSettings func(img *metadata.Image, topic string) TopicSettings
	// Complete says whether img holds all that was committed before this process started: it does when it holds this
	// process's own registration. Before that no role is taken and nothing is deleted, as both might be long outdated.
	Complete func(img *metadata.Image) bool
	// Intact says that the controller is told that this node's logs hold all they held: each has to be found whole, or be
	// made known as lost before it is cut.
	Intact bool
	// OnStorageFailure, when set, is told when the vital directory's disk, or the last one, takes nothing any more. The process
	// should end: the one after it recovers the logs and registers anew, and nobody counts on what this one had.
	OnStorageFailure func(err error)

	// RackAwareReads sends consumers to a replica on their rack (replica.selector.class).
	RackAwareReads bool

	ReplicaLagTimeMax     time.Duration    // replica.lag.time.max.ms
	FetchWaitMax          time.Duration    // replica.fetch.wait.max.ms
	FetchMinBytes         int32            // replica.fetch.min.bytes
	FetchMaxBytes         int32            // replica.fetch.max.bytes, a partition
	FetchResponseMaxBytes int32            // replica.fetch.response.max.bytes
	FetchBackoff          time.Duration    // replica.fetch.backoff.ms: the longest pause after an error
	SocketTimeout         time.Duration    // replica.socket.timeout.ms: beyond FetchWaitMax
	CheckpointInterval    time.Duration    // replica.high.watermark.checkpoint.interval.ms
	OpenFiles             *commitlog.Files // of all logs; nil leaves each its own bound
	OpenParallelism       int              // num.recovery.threads.per.data.dir
	MoveParallelism       int              // num.replica.alter.log.dirs.threads; one a directory when 0
	DirFailureTimeout     time.Duration    // log.dir.failure.timeout.ms

	RetentionCheckInterval time.Duration // log.retention.check.interval.ms
	Cleaner                CleanerConfig

	// Replication and Moves are the throttles of copying between nodes and between data directories.
	Replication, Moves Windows
}

// Windows are a number of windows in which a rate is counted, each of a length.
type Windows struct {
	Samples int
	Length  time.Duration
}

// closersMax is how many logs of a directory are closed at a time. They wait for fsyncs, which a file system's journal does
// together for all that wait.
const closersMax = 32

func (c ManagerConfig) withDefaults() ManagerConfig {
	setDefault(&c.ReplicaLagTimeMax, 30*time.Second)
	setDefault(&c.FetchWaitMax, 500*time.Millisecond)
	setDefault(&c.FetchMinBytes, 1)
	setDefault(&c.FetchMaxBytes, 1<<20)
	setDefault(&c.FetchResponseMaxBytes, 10<<20)
	setDefault(&c.FetchBackoff, time.Second)
	setDefault(&c.SocketTimeout, 30*time.Second)
	setDefault(&c.CheckpointInterval, 5*time.Second)
	setDefault(&c.OpenParallelism, 2)
	setDefault(&c.DirFailureTimeout, 30*time.Second)
	setDefault(&c.RetentionCheckInterval, 5*time.Minute)
	setDefault(&c.Replication, Windows{Samples: 11, Length: time.Second})
	setDefault(&c.Moves, Windows{Samples: 11, Length: time.Second})
	c.Cleaner = c.Cleaner.withDefaults()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T comparable](value *T, standard T) {
	var zero T
	if *value == zero {
		*value = standard
	}
}

// Manager owns the partitions of this node.
type Manager struct {
	cfg ManagerConfig
	// ctx ends with Close.
	ctx    context.Context
	cancel context.CancelFunc
	// image is the newest that Apply got.
	image atomic.Pointer[metadata.Image]

	dirs      []*logDir
	moves     *jobs
	throttles throttles
	lag       *lagChecker
	alter     *alterSender
	losses    *lossSender
	fetchers  *fetchers
	cleaning  cleaning

	// ready is closed when all logs of the first complete image are open.
	ready chan struct{}

	mu         sync.RWMutex
	partitions map[partitionKey]*Partition
	// latest is the last partition that had a directory, dropped ones included until their directory is gone.
	latest map[string]*Partition
	// found says, by name, where the logs are that were there at the start and were not opened yet.
	found map[string]*logDir
	// preferred says, by name, where replicas that are not here yet are to be made; futures are moves to go on with.
	preferred map[string]*logDir
	futures   map[string]*future
	// settled says that the first complete image was acted on.
	settled bool
	// complete says that a complete image was applied: from then on changes are followed by deltas.
	complete bool
	closed   bool
	// retention is armed for the next look at the logs' ages and sizes.
	retention *time.Timer

	// background counts the goroutines that Close waits for.
	background sync.WaitGroup
}

type partitionKey struct {
	topicID metadata.UUID
	index   int32
}

// NewManager returns a Manager that hosts nothing until Apply tells it what to.
func NewManager(cfg ManagerConfig) (*Manager, error) {
	m := &Manager{
		cfg:        cfg.withDefaults(),
		ready:      make(chan struct{}),
		partitions: make(map[partitionKey]*Partition),
		latest:     make(map[string]*Partition),
		found:      make(map[string]*logDir),
		preferred:  make(map[string]*logDir),
		futures:    make(map[string]*future),
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.image.Store(&metadata.Image{})
	m.throttles = newThrottles(m.cfg.Replication, m.cfg.Moves)
	m.lag = &lagChecker{interval: m.cfg.ReplicaLagTimeMax / 2}
	m.alter = &alterSender{manager: m}
	m.losses = &lossSender{manager: m}
	m.fetchers = newFetchers(m)
	m.cleaning.manager, m.cleaning.cfg = m, m.cfg.Cleaner
	m.cleaning.throttle.bytesPerSecond = m.cfg.Cleaner.BytesPerSecond
	for _, cfg := range m.cfg.Dirs {
		d, err := m.openDir(cfg)
		if err != nil {
			return nil, err
		}
		m.dirs = append(m.dirs, d)
	}
	m.moves = &jobs{limit: cmp.Or(m.cfg.MoveParallelism, len(m.dirs)), spawn: m.spawn}
	if err := m.findFutures(); err != nil {
		return nil, fmt.Errorf("moves between directories: %w", err)
	}
	m.armRetention(min(retentionDelay, m.cfg.RetentionCheckInterval))
	return m, nil
}

// Ready is closed when all logs of the first complete image are open, or offline. A node is unfenced only then: before, it
// could neither lead nor follow.
func (m *Manager) Ready() <-chan struct{} { return m.ready }

// Partition returns a partition that this node hosts. Errors: kerr.UnknownTopicID, kerr.UnknownTopicOrPartition,
// kerr.NotLeaderForPartition for one that other nodes have.
func (m *Manager) Partition(topicID metadata.UUID, index int32) (*Partition, error) {
	m.mu.RLock()
	p := m.partitions[partitionKey{topicID, index}]
	m.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	topic := m.image.Load().TopicsByID[topicID]
	if topic == nil {
		return nil, kerr.UnknownTopicID
	}
	if topic.Partition(index) == nil {
		return nil, kerr.UnknownTopicOrPartition
	}
	return nil, kerr.NotLeaderForPartition
}

// PartitionByName is Partition for requests that carry names: an unknown topic is kerr.UnknownTopicOrPartition.
func (m *Manager) PartitionByName(topic string, index int32) (*Partition, error) {
	t := m.image.Load().Topics[topic]
	if t == nil {
		return nil, kerr.UnknownTopicOrPartition
	}
	return m.Partition(t.ID, index)
}

// Partitions returns all partitions that this node hosts, in no order.
func (m *Manager) Partitions() []*Partition {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := make([]*Partition, 0, len(m.partitions))
	for _, p := range m.partitions {
		all = append(all, p)
	}
	return all
}

// Close answers what waits, stops replication, remembers the high watermarks, and closes the logs, so that the next start
// has nothing to recover.
func (m *Manager) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	m.retention.Stop()
	m.mu.Unlock()
	m.cancel()
	m.lag.stop()
	m.cleaning.stop()
	partitions := m.Partitions()
	for _, p := range partitions {
		p.retire(false)
	}
	m.background.Wait()
	var errs []error
	for _, d := range m.dirs {
		errs = append(errs, d.checkpoint.write(true))
	}
	var mu sync.Mutex
	closing := jobs{limit: closersMax * len(m.dirs), spawn: func(f func()) bool { m.background.Go(f); return true }}
	for _, p := range partitions {
		closing.add(func() {
			err := p.closeLog()
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	m.background.Wait()
	return errors.Join(errs...)
}

// spawn runs f on a goroutine that Close waits for; false when Close has begun.
func (m *Manager) spawn(f func()) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return false
	}
	m.background.Go(f)
	return true
}

// eligible implements eligibility by the newest image.
func (m *Manager) eligible(id int32, brokerEpoch int64) bool {
	b := m.image.Load().Brokers[id]
	return b != nil && !b.Fenced && !b.ShuttingDown && b.Epoch == brokerEpoch
}

// staleBroker says that a node has registered anew since brokerEpoch: the process that uses it is gone.
func (m *Manager) staleBroker(id int32, brokerEpoch int64) bool {
	b := m.image.Load().Brokers[id]
	return b != nil && b.Epoch > brokerEpoch
}
