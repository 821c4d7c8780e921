package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// Options are where a workload is run, and who is told of it.
type Options struct {
	BootstrapServers []string
	PIDs             []int // the broker's processes, when they run on this machine
	// Trouble is done to the cluster while it is written and read, by Control. Their time comes in place of the workload's. nil: none.
	// What brokers use is not told then, since their processes come and go.
	Trouble *Trouble
	Control Control
	// Progress is told now and then, on one goroutine, how far it is; nil tells nobody.
	Progress func(Progress)
}

// Progress is how far a run is.
type Progress struct {
	Doing   string        // "warm-up", "produce" or "consume"
	Took    time.Duration // of what is being done
	Done    int64         // records
	Of      int64         // 0 when time decides
	Left    time.Duration // as far as can be told; 0 when not
	Second  Second        // the newest whole one
	Records float64       // a second, in it
}

// readPatience is how long a consumer waits for the next record before it gives up.
const readPatience = 30 * time.Second

// metadataAgeMin lets a client ask again soon; franz-go's five seconds would be felt after every first question.
const metadataAgeMin = 100 * time.Millisecond

// run is a workload under way.
type run struct {
	Workload
	Options
	payload  *payload
	topics   []string
	wire     *wire
	produced *recorder // acknowledged
	consumed *recorder // its latencies are from the intended time of sending to the consumer
	commits  *recorder // of transactions
	started  time.Time
	catching catching
	phases   *phases // nil without trouble
	batchCRC uint32  // of the batch that client batches sends again and again
}

// Run makes topics, writes and reads as the workload says, and deletes them.
func (w Workload) Run(ctx context.Context, o Options) (*Result, error) {
	w = w.withDefaults()
	if err := w.check(); err != nil {
		return nil, err
	}
	if o.Trouble != nil {
		if err := o.Trouble.suits(w); err != nil {
			return nil, err
		}
		w.Records, w.Seconds, o.PIDs = 0, 0, nil
	}
	if w.WarmupSeconds > 0 {
		warmup := w
		warmup.Seconds, warmup.Records, warmup.WarmupSeconds = w.WarmupSeconds, 0, 0
		quiet := o
		quiet.Progress, quiet.Trouble = nil, nil
		if o.Progress != nil {
			o.Progress(Progress{Doing: "warm-up", Left: duration(w.WarmupSeconds)})
		}
		if _, err := warmup.Run(ctx, quiet); err != nil {
			return nil, fmt.Errorf("warm-up: %w", err)
		}
	}
	r := &run{Workload: w, Options: o, payload: newPayload(w), wire: new(wire), produced: newRecorder(), consumed: newRecorder(), commits: newRecorder()}
	admin, err := r.client()
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	if o.Trouble != nil {
		r.phases = newPhases(time.Now())
	}
	if err := r.makeTopics(ctx, admin); err != nil {
		return nil, err
	}
	defer kadm.NewClient(admin).DeleteTopics(context.WithoutCancel(ctx), r.topics...) // what was measured stands without it
	return r.all(ctx)
}

// client makes a client of the cluster.
func (r *run) client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(options, kgo.SeedBrokers(r.BootstrapServers...), kgo.ClientID("odradek-bench"), kgo.MetadataMinAge(metadataAgeMin), kgo.Dialer(r.wire.dial))...)
}

func (r *run) makeTopics(ctx context.Context, client *kgo.Client) error {
	configs := make(map[string]*string, len(r.TopicConfigs))
	for key, value := range r.TopicConfigs {
		configs[key] = &value
	}
	for i := range r.Topics {
		r.topics = append(r.topics, fmt.Sprintf("bench-%d-%d", time.Now().UnixNano(), i))
	}
	answers, err := kadm.NewClient(client).CreateTopics(ctx, r.Partitions, r.ReplicationFactor, configs, r.topics...)
	if err != nil {
		return fmt.Errorf("topics: %w", err)
	}
	for _, each := range answers.Sorted() {
		if each.Err != nil {
			return fmt.Errorf("topic %s: %w %s", each.Topic, each.Err, each.ErrMessage)
		}
	}
	return r.awaitLeaders(ctx, client)
}

// awaitLeaders waits until every partition has a leader and all its replicas in sync, so that this is not part of what is
// measured.
func (r *run) awaitLeaders(ctx context.Context, client *kgo.Client) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readPatience, errors.New("not all partitions have a leader and all replicas in sync"))
	defer cancel()
	for {
		metadata, err := kadm.NewClient(client).Metadata(ctx, r.topics...)
		if err == nil && ready(metadata.Topics, r.topics, int(r.Partitions)) {
			// Leaders may learn it later than others.
			if ends, err := kadm.NewClient(client).ListEndOffsets(ctx, r.topics...); err == nil && ends.Error() == nil {
				return nil
			}
		}
		select {
		case <-time.After(metadataAgeMin):
		case <-ctx.Done():
			return fmt.Errorf("topics: %w", context.Cause(ctx))
		}
	}
}

func ready(details kadm.TopicDetails, topics []string, partitions int) bool {
	for _, topic := range topics {
		if len(details[topic].Partitions) < partitions {
			return false
		}
		for _, partition := range details[topic].Partitions {
			if partition.Err != nil || partition.Leader < 0 || len(partition.ISR) < len(partition.Replicas) {
				return false
			}
		}
	}
	return true
}

// all runs the parts.
func (r *run) all(ctx context.Context) (*Result, error) {
	result := &Result{Workload: r.Workload, Began: time.Now().UTC(), Machine: thisMachine()}
	whole, err := newGauge(r.PIDs, r.wire)
	if err != nil {
		return nil, err
	}
	parts, ctx := errgroup.WithContext(ctx)
	written := make(chan struct{})
	if r.Read == readBeside {
		ready := make(chan struct{})
		parts.Go(func() error { return named("consume", r.beside(ctx, ready, written)) })
		select {
		case <-ready:
		case <-ctx.Done():
			return nil, parts.Wait()
		}
	}
	r.started = time.Now()
	stop := r.watch(result)
	defer stop()
	produce, err := newGauge(r.PIDs, r.wire)
	if err != nil {
		return nil, err
	}
	if r.Trouble != nil {
		r.phases.began = time.Now()
		parts.Go(func() error { return r.torment(ctx) })
	}
	if err := r.produce(ctx); err != nil {
		return nil, named("produce", errors.Join(err, context.Cause(ctx)))
	}
	if result.Produce, err = produce.read(r.produced, r.Rate); err != nil {
		return nil, err
	}
	close(written)
	consume := produce
	if r.Read == readAfter {
		if consume, err = newGauge(r.PIDs, r.wire); err != nil {
			return nil, err
		}
		parts.Go(func() error { return named("consume", r.consume(ctx, make(chan struct{}), written)) })
	}
	if err := parts.Wait(); err != nil {
		return nil, err
	}
	if r.Read != readNone {
		if result.Consume, err = consume.read(r.consumed, r.Rate); err != nil {
			return nil, err
		}
	}
	broker, err := usagesOf(r.PIDs)
	result.Broker = sum(broker).since(sum(whole.broker))
	stop()
	result.latencies(r.produced, r.consumed)
	if r.phases != nil {
		result.Phases, result.Faults = r.phases.result(r.started)
		result.Repeated = r.phases.repeated
	}
	result.CommitMs = r.commits.whole.Percentiles()
	result.Backlog, result.CatchUpSeconds = r.catching.result(r.consumed.end())
	return result, err
}

func named(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// produce writes all there is to write.
func (r *run) produce(ctx context.Context) error {
	if r.Client == clientBatches {
		return r.produceBatches(ctx)
	}
	return r.produceRecords(ctx)
}

// consume reads what is written. It closes ready when it has begun; how much there is it knows when written is closed.
func (r *run) consume(ctx context.Context, ready chan<- struct{}, written <-chan struct{}) error {
	if r.Client == clientBatches {
		close(ready)
		return r.consumeBatches(ctx)
	}
	return r.consumeRecords(ctx, ready, written)
}
