package quota

import (
	"math"
	"sync"
	"time"
)

// Throttle holds all that some copying of replicas takes against one limit (KIP-73). Nobody is refused: who copies asks first
// whether the limit is exceeded, and tells afterwards what it took, so that a limit is kept on average, over the windows.
type Throttle struct {
	samples int
	window  time.Duration

	mu sync.Mutex
	// rate counts from the first record on; nil before it.
	rate *rate
	// limit is in bytes a second; math.MaxInt64 is none.
	limit int64
}

// NewThrottle makes a Throttle without a limit.
func NewThrottle(samples int, window time.Duration) *Throttle {
	return &Throttle{samples: samples, window: window, limit: math.MaxInt64}
}

// SetLimit sets the bytes a second; math.MaxInt64 is no limit.
func (t *Throttle) SetLimit(bytesPerSecond int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limit = bytesPerSecond
}

// Record counts bytes that were copied.
func (t *Throttle) Record(bytes int, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rate == nil {
		t.rate = newRate(t.samples, t.window, now)
	}
	t.rate.record(float64(bytes), now)
}

// Wait is how long it takes, without further copying, until the limit is no longer exceeded; 0 when it isn't.
func (t *Throttle) Wait(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rate == nil || t.limit == math.MaxInt64 {
		return 0
	}
	sum, since := t.rate.recent(now)
	over := max(since, t.window) // as Kafka's SimpleRate: what no record was made in doesn't count
	return untilLimit(sum/over.Seconds(), float64(t.limit), over)
}
