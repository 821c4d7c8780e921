package api

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/quota"
)

// meter measures a request while there are quotas: the time that it takes, less what it only waits, and how long its connection is
// to be left unread for it and for what else it used. A call without a meter costs nothing and waits for nothing.
type meter struct {
	quotas *quota.Manager
	who    quota.Who
	began  time.Time

	mu     sync.Mutex
	waited time.Duration
	ended  bool
	wait   time.Duration
}

// newMeter begins to measure; nil when there are no quotas.
func (h *Handler) newMeter(c call) *meter {
	if !h.Quotas.Limits() {
		return nil
	}
	return &meter{quotas: h.Quotas, who: quota.Who{User: c.peer.Principal.Name, ClientID: c.ClientID}, began: time.Now()}
}

// use counts what the request used besides time.
func (m *meter) use(kind quota.Kind, n int) {
	if m != nil && n > 0 {
		m.atLeast(m.quotas.Record(kind, m.who, float64(n), time.Now()))
	}
}

// unuse takes back what use counted.
func (m *meter) unuse(kind quota.Kind, n int) {
	if n > 0 {
		m.quotas.Record(kind, m.who, -float64(n), time.Now())
	}
}

// atLeast has the connection wait at least as long.
func (m *meter) atLeast(wait time.Duration) {
	m.mu.Lock()
	m.wait = max(m.wait, wait)
	m.mu.Unlock()
}

// rest begins a time in which the request only waits, and returns what ends it.
func (m *meter) rest() func() {
	if m == nil {
		return func() {}
	}
	began := time.Now()
	return func() {
		m.mu.Lock()
		m.waited += time.Since(began)
		m.mu.Unlock()
	}
}

// end counts the time that the request took, once: when its handler returned or it is answered, whichever is first, for what is
// answered later waits for others. It returns how long the connection is to wait.
func (m *meter) end() time.Duration {
	if m == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.ended {
		m.ended = true
		now := time.Now()
		took := now.Sub(m.began) - m.waited
		m.wait = max(m.wait, m.quotas.Record(quota.RequestPercent, m.who, 100*took.Seconds(), now))
	}
	return m.wait
}

// throttle says in a response that its connection will wait. Parts of a millisecond count as one, or a client would be told 0.
func throttle(resp kmsg.Response, wait time.Duration) {
	if told, ok := resp.(kmsg.SetThrottleResponse); ok && wait > 0 {
		told.SetThrottle(throttleMs(wait))
	}
}

func throttleMs(wait time.Duration) int32 {
	return int32((wait + time.Millisecond - 1) / time.Millisecond)
}

type meterKey struct{}

// withMeter lets what waits for a request find its meter.
func withMeter(ctx context.Context, m *meter) context.Context {
	if m == nil {
		return ctx
	}
	return context.WithValue(ctx, meterKey{}, m)
}

func meterOf(ctx context.Context) *meter {
	m, _ := ctx.Value(meterKey{}).(*meter)
	return m
}

// mutate asks whether a request may create or delete n partitions. Clients of versions that know of the quota (KIP-599) are refused
// and try again; others get it done, and wait afterwards. The caller gives back, with a negative n, what was not done.
func (m *meter) mutate(n int, strict bool) bool {
	if m == nil {
		return true
	}
	ok, wait := m.quotas.Mutate(m.who, n, !strict, time.Now())
	m.atLeast(wait)
	return ok
}
