package proc

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// watchEvery is how old the watch's knowledge of leaders may be when a fault looks for one.
const watchEvery = 100 * time.Millisecond

// watch knows who leads, by asking the cluster as any client does.
type watch struct {
	client *kgo.Client

	mu       sync.Mutex
	metadata kadm.Metadata
	known    bool
}

func newWatch(seeds []string) (*watch, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.ClientID("watch"), kgo.MetadataMinAge(watchEvery/2),
		kgo.RequestRetries(1), kgo.RetryTimeout(time.Second), kgo.RequestTimeoutOverhead(time.Second), kgo.DisableClientMetrics())
	if err != nil {
		return nil, err
	}
	return &watch{client: client}, nil
}

// run asks until ctx ends.
func (w *watch) run(ctx context.Context) {
	admin := kadm.NewClient(w.client)
	defer w.client.Close()
	for ctx.Err() == nil {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		metadata, err := admin.Metadata(attempt)
		cancel()
		if err == nil {
			w.mu.Lock()
			w.metadata, w.known = metadata, true
			w.mu.Unlock()
		}
		select {
		case <-time.After(watchEvery):
		case <-ctx.Done():
		}
	}
}

// last is what the cluster answered last; false before it ever did.
func (w *watch) last() (kadm.Metadata, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.metadata, w.known
}

func (w *watch) leader(topic string, partition int) (int, bool) {
	metadata, _ := w.last()
	detail, ok := metadata.Topics[topic].Partitions[int32(partition)]
	return int(detail.Leader), ok && detail.Leader > 0
}

func (w *watch) controller() (int, bool) {
	metadata, known := w.last()
	return int(metadata.Controller), known && metadata.Controller > 0
}
