package share

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/metadata"
	"odradek/broker/share/state"
)

// Persister reaches the share coordinator, wherever it is, and asks again while it moves. Errors are *kerr.Error, or what kept the
// coordinator from being reached in ctx's time.
type Persister interface {
	// Read tells what is remembered, and fences the leaders of earlier epochs. StartOffset is -1 when nothing was said yet.
	Read(ctx context.Context, key state.Key, leaderEpoch int32) (state.State, error)
	// Write has changes remembered.
	Write(ctx context.Context, key state.Key, s state.State) error
}

// Config says what a Manager works with.
type Config struct {
	NodeID    int32
	Persister Persister
	// Limits are those of a group.
	Limits func(group string) Limits
	// Timeout bounds an exchange with the share coordinator.
	Timeout time.Duration
}

// Manager holds the share-partitions of the partitions that this node leads.
type Manager struct {
	cfg        Config
	ctx        context.Context
	cancel     context.CancelFunc
	background sync.WaitGroup

	mu         sync.Mutex
	closed     bool
	partitions map[state.Key]*Partition
}

// NewManager makes a Manager. Close it.
func NewManager(cfg Config) *Manager {
	m := &Manager{cfg: cfg, partitions: map[state.Key]*Partition{}}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// Close ends all share-partitions.
func (m *Manager) Close() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.cancel()
	m.endWhere(func(*Partition) bool { return true }, kerr.NotLeaderForPartition)
	m.background.Wait()
}

// spawn runs f on a goroutine that Close waits for; false when it has begun.
func (m *Manager) spawn(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.background.Go(f)
	return true
}

// Enter begins a fetch from a share-partition of a partition that this node leads in an epoch; Leave must follow. ch, which holds one
// wake-up, receives when there may be something to acquire. The share-partition is begun if there is none; origin tells where, should
// nothing be remembered of it.
func (m *Manager) Enter(key state.Key, leaderEpoch int32, origin func() (int64, error), ch chan struct{}) (*Partition, *kerr.Error) {
	for {
		p, fresh := m.partition(key, leaderEpoch, origin, ch)
		switch {
		case p == nil:
			return nil, kerr.NotLeaderForPartition
		case fresh || p.watch(ch):
			return p, nil
		}
		m.forget(p) // it has just ended
	}
}

// partition finds a share-partition, or begins one, for which ch watches then; nil once the Manager is closed.
func (m *Manager) partition(key state.Key, leaderEpoch int32, origin func() (int64, error), ch chan struct{}) (p *Partition, fresh bool) {
	m.mu.Lock()
	before := m.partitions[key]
	if m.closed {
		m.mu.Unlock()
		return nil, false
	}
	if before != nil && before.leaderEpoch == leaderEpoch {
		m.mu.Unlock()
		return before, false
	}
	p = &Partition{
		manager: m, key: key, leaderEpoch: leaderEpoch, origin: origin,
		watchers: map[chan struct{}]struct{}{ch: {}}, refused: map[chan struct{}]struct{}{},
	}
	m.partitions[key] = p
	m.background.Go(p.load)
	m.mu.Unlock()
	if before != nil {
		before.end(kerr.NotLeaderForPartition)
	}
	return p, true
}

// Known is a share-partition if it is there.
func (m *Manager) Known(key state.Key) *Partition {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.partitions[key]
}

func (m *Manager) forget(p *Partition) {
	m.mu.Lock()
	if m.partitions[p.key] == p {
		delete(m.partitions, p.key)
	}
	m.mu.Unlock()
}

// EndGroup gives up a group's share-partitions: no member of it is left here.
func (m *Manager) EndGroup(group string) {
	for _, p := range m.where(func(p *Partition) bool { return p.key.Group == group }) {
		p.retire()
	}
}

// Apply ends the share-partitions of partitions that this node does not lead any more.
func (m *Manager) Apply(img *metadata.Image, _ *metadata.Delta) {
	m.endWhere(func(p *Partition) bool {
		registered := img.TopicsByID[p.key.Topic].Partition(p.key.Partition)
		return registered == nil || registered.Leader != m.cfg.NodeID
	}, kerr.NotLeaderForPartition)
}

func (m *Manager) endWhere(which func(*Partition) bool, err *kerr.Error) {
	for _, p := range m.where(which) {
		p.end(err)
	}
}

func (m *Manager) where(which func(*Partition) bool) (some []*Partition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.partitions {
		if which(p) {
			some = append(some, p)
		}
	}
	return some
}
