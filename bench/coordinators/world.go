package coordinators

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"odradek/bench"
)

// Options are where something is measured, and who is told.
type Options struct {
	BootstrapServers []string
	Control          bench.Control // reaches the nodes' processes; a Failover needs it
	// Tell is told each figure, on one goroutine.
	Tell func(name string, took time.Duration)
}

// lookEvery is how often a coordinator is asked whether it is done.
const lookEvery = 10 * time.Millisecond

// metadataAgeMin lets a client ask again soon; franz-go's five seconds would be felt after every first question.
const metadataAgeMin = 100 * time.Millisecond

// client makes a client of the cluster.
func (o Options) client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(options, kgo.SeedBrokers(o.BootstrapServers...), kgo.ClientID("odradek-bench"), kgo.MetadataMinAge(metadataAgeMin))...)
}

// topic makes a topic, and returns what deletes it.
func (o Options) topic(ctx context.Context, client *kgo.Client, name string, partitions int32) (remove func(), err error) {
	admin := kadm.NewClient(client)
	answer, err := admin.CreateTopic(ctx, partitions, -1, nil, name)
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w %s", name, err, answer.ErrMessage)
	}
	return func() { admin.DeleteTopics(context.WithoutCancel(ctx), name) }, nil // what was measured stands without it
}

// fresh is a name that nobody has used.
func fresh(kind string) string { return fmt.Sprintf("bench-%s-%d", kind, time.Now().UnixNano()) }

// pause waits, unless ctx ends before.
func pause(ctx context.Context, long time.Duration) error {
	select {
	case <-time.After(long):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// retriedMax is how long a cluster may take to know of what was just made.
const retriedMax = 30 * time.Second

// retried does something until it fails for good, or not at all.
func retried(ctx context.Context, do func() error) error {
	for began := time.Now(); ; {
		err := do()
		if err == nil || !kerr.IsRetriable(err) || time.Since(began) > retriedMax {
			return err
		}
		if err := pause(ctx, lookEvery); err != nil {
			return err
		}
	}
}
