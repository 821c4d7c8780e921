package workload

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"odradek/linearizability/history"
)

// Process is what a client of a run needs to know besides its task.
type Process struct {
	Name  string   // unique in the history
	Seeds []string // brokers to start from, host:port
	// Dial makes connections; nil dials by the machine's network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Start is when the run began: events carry the time since.
	Start time.Time
	// Record takes every event, one call at a time.
	Record func(history.Event)

	mu     sync.Mutex
	lastID int64
}

// Time limits of the clients: short enough that a run of a minute sees many retries, and longer than any delay that a healthy
// universe has.
const (
	dialTimeout        = 2 * time.Second
	requestOverhead    = 3 * time.Second
	produceTimeout     = 3 * time.Second
	deliveryTimeout    = 12 * time.Second
	retryBackoffMin    = 50 * time.Millisecond
	retryBackoffMax    = 500 * time.Millisecond
	metadataMinAge     = 100 * time.Millisecond
	metadataMaxAge     = 5 * time.Second
	requestRetries     = 1000
	pollTimeout        = time.Second
	pollRecordsMax     = 500
	recordsBufferedMax = 300
)

// client makes a franz-go client with the limits above.
func (p *Process) client(options ...kgo.Opt) (*kgo.Client, error) {
	options = append([]kgo.Opt{
		kgo.SeedBrokers(p.Seeds...),
		kgo.ClientID(p.Name),
		kgo.RequestTimeoutOverhead(requestOverhead),
		kgo.ProduceRequestTimeout(produceTimeout),
		kgo.RetryBackoffFn(backoff),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.MetadataMaxAge(metadataMaxAge),
		kgo.RequestRetries(requestRetries),
		kgo.UnknownTopicRetries(-1),
		kgo.Dialer(p.dial),
		kgo.DisableClientMetrics(),
	}, options...)
	return kgo.NewClient(options...)
}

func (p *Process) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if p.Dial == nil {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	return p.Dial(ctx, network, address)
}

// backoff doubles from retryBackoffMin; without jitter, as one client's retries collide with nobody.
func backoff(failures int) time.Duration {
	return min(retryBackoffMin<<min(failures, 10), retryBackoffMax)
}

// invoke records the beginning of an operation and returns its id.
func (p *Process) invoke(e history.Event) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastID++
	e.Type, e.ID = history.Invoke, p.lastID
	p.write(e)
	return e.ID
}

// end records how an operation ended.
func (p *Process) end(id int64, op history.Op, typ history.Type, e history.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.Op, e.Type, e.ID = op, typ, id
	p.write(e)
}

func (p *Process) write(e history.Event) {
	e.Time, e.Process = int64(time.Since(p.Start)), p.Name
	p.Record(e)
}

// pause waits for d; it says false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ended says that an error only means that the client's time is up.
func ended(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}
