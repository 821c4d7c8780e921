package workload

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"odradek/linearizability/history"
)

// Process is what a client of a run needs to know besides its task.
type Process struct {
	Name  string   // unique in the history
	Seeds []string // brokers to start from, host:port
	// Dial makes connections.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// History takes the events.
	History *history.Recorder
}

// Time limits of the clients: short enough that a run of a minute sees many retries, and longer than any delay that a healthy
// universe has.
const (
	dialTimeout        = 2 * time.Second
	requestOverhead    = 3 * time.Second
	produceTimeout     = 3 * time.Second
	deliveryTimeout    = 12 * time.Second
	flushTimeout       = 4 * time.Second // a healed cluster answers sooner, and a final read needs the rest of the read phase
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
	return p.Dial(ctx, network, address)
}

// backoff doubles from retryBackoffMin; without jitter, as one client's retries collide with nobody.
func backoff(failures int) time.Duration {
	return min(retryBackoffMin<<min(failures, 10), retryBackoffMax)
}

// invoke records the beginning of an operation and returns its id.
func (p *Process) invoke(e history.Event) int64 {
	id, err := p.History.Invoke(e)
	if err != nil {
		panic(err) // a client whose history can't be written proves nothing
	}
	return id
}

// end records how an operation ended.
func (p *Process) end(id int64, op history.Op, typ history.Type, e history.Event) {
	e.Op, e.Type = op, typ
	if err := p.History.Done(id, e); err != nil {
		panic(err)
	}
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
