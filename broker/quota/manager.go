package quota

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"odradek/broker/metadata"
)

// Config is how rates are counted. Windows are at least 1 and 1 ns; the defaults are Kafka's.
type Config struct {
	Samples int           // quota.window.num
	Window  time.Duration // quota.window.size.seconds
	// The same of changes of topics.
	MutationSamples int           // controller.quota.window.num
	MutationWindow  time.Duration // controller.quota.window.size.seconds
}

// countedMax bounds how many clients are counted apart. Clients call themselves what they like; who comes when there are too many
// is counted together with the others that do.
const countedMax = 20_000

// Manager counts what clients use of one node. It is safe for use by many; without limits it costs nothing.
type Manager struct {
	cfg    Config
	quotas atomic.Pointer[map[metadata.QuotaEntity]metadata.Quotas] // nil when there are none

	mu      sync.Mutex
	swept   time.Time // when rates were looked through last
	rates   map[counted]*rate
	buckets map[counted]*bucket
}

// counted names what is counted together.
type counted struct {
	kind Kind
	who  Who
	ip   string
}

// New makes a Manager without limits.
func New(cfg Config) *Manager {
	return &Manager{cfg: cfg, rates: map[counted]*rate{}, buckets: map[counted]*bucket{}}
}

// Apply takes over the limits of an image.
func (m *Manager) Apply(img *metadata.Image, delta *metadata.Delta) {
	if !delta.Quotas {
		return
	}
	if len(img.Quotas) == 0 {
		m.quotas.Store(nil)
		return
	}
	m.quotas.Store(&img.Quotas)
}

// Limits says whether anybody has a limit.
func (m *Manager) Limits() bool { return m.quotas.Load() != nil }

// Record counts what somebody used, and says how long it has to wait.
func (m *Manager) Record(kind Kind, who Who, value float64, now time.Time) time.Duration {
	quotas := m.quotas.Load()
	if quotas == nil {
		return 0
	}
	limit, sharer, ok := limitOf(*quotas, kind, who)
	if !ok {
		return 0
	}
	wait := m.count(counted{kind: kind, who: sharer}, value, limit, now)
	if kind == RequestPercent {
		wait = min(wait, m.cfg.Window) // a client that only asked for much is not to be taken for dead
	}
	return wait
}

// Connection counts a connection from an address, and says how long it is to be kept waiting before it is closed; 0 lets it in.
func (m *Manager) Connection(ip string, now time.Time) time.Duration {
	quotas := m.quotas.Load()
	if quotas == nil {
		return 0
	}
	limit, ok := addressLimit(*quotas, ip)
	if !ok {
		return 0
	}
	wait := min(m.count(counted{kind: Connections, ip: ip}, 1, limit, now), m.cfg.Window)
	if wait > 0 {
		m.count(counted{kind: Connections, ip: ip}, -1, limit, now) // it does not come about
	}
	return wait
}

func (m *Manager) count(key counted, value, limit float64, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.rates[key]
	if r == nil {
		if len(m.rates) >= countedMax && now.Sub(m.swept) >= m.cfg.Window {
			m.swept = now
			m.sweep(now)
		}
		if len(m.rates) >= countedMax {
			key = counted{kind: key.kind}
			r = m.rates[key]
		}
	}
	if r == nil {
		r = newRate(m.cfg.Samples, m.cfg.Window, now)
		m.rates[key] = r
	}
	r.record(value, now)
	return r.wait(limit, now)
}

// sweep forgets rates that are nothing by now. m.mu is held.
func (m *Manager) sweep(now time.Time) {
	for key, r := range m.rates {
		if r.idle(now) {
			delete(m.rates, key)
		}
	}
}

// FetchBytesMax is the most that one answer to a fetch may have, so that it alone does not exceed what its reader may have in all
// windows: math.MaxInt without a limit.
func (m *Manager) FetchBytesMax(who Who) int {
	quotas := m.quotas.Load()
	if quotas == nil {
		return math.MaxInt
	}
	limit, _, ok := limitOf(*quotas, FetchBytes, who)
	if !ok {
		return math.MaxInt
	}
	return int(min(limit*float64(m.cfg.Samples-1)*m.cfg.Window.Seconds(), math.MaxInt32))
}

// Mutate asks whether somebody may create or delete n partitions now, and if so counts them; a negative n gives back what was not
// done after all. When force is set it may in any case. wait is how long it has to rest then, or before it tries again.
func (m *Manager) Mutate(who Who, n int, force bool, now time.Time) (ok bool, wait time.Duration) {
	quotas := m.quotas.Load()
	if quotas == nil {
		return true, 0
	}
	limit, sharer, limited := limitOf(*quotas, Mutations, who)
	if !limited {
		return true, 0
	}
	burst := limit * float64(m.cfg.MutationSamples) * m.cfg.MutationWindow.Seconds()
	m.mu.Lock()
	defer m.mu.Unlock()
	key := counted{kind: Mutations, who: sharer}
	b := m.buckets[key]
	if b == nil && len(m.buckets) >= countedMax {
		clear(m.buckets) // whoever owed something owes it no longer: there are fewer of them than would fill this twice
	}
	if b == nil {
		b = newBucket(burst, now)
		m.buckets[key] = b
	}
	b.refill(limit, burst, now)
	if n > 0 && !force && b.tokens < 0 {
		return false, b.wait(limit)
	}
	b.tokens = min(burst, b.tokens-float64(n))
	return true, b.wait(limit)
}
