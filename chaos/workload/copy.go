package workload

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"odradek/chaos"
	"odradek/linearizability/history"
)

// Limits of copiers: a transaction that its copier left behind is over before the final read has to be.
const (
	copyGroup          = "copiers"
	copySessionTimeout = 6 * time.Second
	copyHeartbeat      = 500 * time.Millisecond
	copyTxnTimeout     = 4 * time.Second
	copyEndTimeout     = 6 * time.Second
)

// Copy copies records in transactions until ctx ends: exactly once, if the cluster keeps its promises. seed decides which it aborts.
func Copy(ctx context.Context, p *Process, plan chaos.Copier, seed uint64) error {
	c := &copier{process: p, plan: plan, random: rand.New(rand.NewPCG(seed, 1))}
	for ctx.Err() == nil {
		if err := c.session(ctx); err != nil {
			return err
		}
		pause(ctx, retryBackoffMax)
	}
	return nil
}

type copier struct {
	process *Process
	plan    chaos.Copier
	random  *rand.Rand
	txns    int
	sent    int
}

// session copies by one client, until ctx ends or the client can't go on.
func (c *copier) session(ctx context.Context) error {
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(c.process.Seeds...), kgo.ClientID(c.process.Name), kgo.Dialer(c.process.dial), kgo.DisableClientMetrics(),
		kgo.RequestTimeoutOverhead(requestOverhead), kgo.ProduceRequestTimeout(produceTimeout), kgo.RetryBackoffFn(backoff),
		kgo.MetadataMinAge(metadataMinAge), kgo.MetadataMaxAge(metadataMaxAge), kgo.UnknownTopicRetries(-1),
		kgo.RecordDeliveryTimeout(deliveryTimeout), kgo.TransactionalID(c.process.Name), kgo.TransactionTimeout(copyTxnTimeout),
		kgo.ConsumerGroup(copyGroup), kgo.ConsumeTopics(c.plan.From), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.SessionTimeout(copySessionTimeout), kgo.HeartbeatInterval(copyHeartbeat),
		kgo.RebalanceTimeout(copySessionTimeout), kgo.DefaultProduceTopic(c.plan.To), kgo.Rack(chaos.RackName(c.plan.Rack)),
	)
	if err != nil {
		return err
	}
	defer session.Close()
	for ctx.Err() == nil {
		limited, cancel := context.WithTimeout(ctx, pollTimeout)
		fetches := session.PollRecords(limited, c.plan.Records)
		cancel()
		if fetches.NumRecords() == 0 {
			continue
		}
		if !c.transact(session, fetches) {
			return nil
		}
	}
	return nil
}

// transact copies what was fetched. It says false when the session is of no use any more.
func (c *copier) transact(session *kgo.GroupTransactSession, fetches kgo.Fetches) bool {
	if err := session.Begin(); err != nil {
		return false
	}
	name := c.process.Name + "/" + strconv.Itoa(c.txns)
	c.txns++
	failed := kgo.AbortingFirstErrPromise(session.Client())
	fetches.EachRecord(func(r *kgo.Record) { c.copy(session, r, name, failed) })
	commit := c.random.Float64() >= c.plan.Aborts
	// The promises are kept once all is flushed.
	flush, cancel := context.WithTimeout(context.Background(), copyEndTimeout)
	defer cancel()
	if err := session.Client().Flush(flush); err != nil || failed.Err() != nil {
		commit = false
	}
	id := c.process.invoke(history.Event{Op: history.EndTxn, Txn: name, Commit: commit})
	limited, cancel := context.WithTimeout(context.Background(), copyEndTimeout)
	defer cancel()
	committed, err := session.End(limited, kgo.TransactionEndTry(commit))
	switch {
	case err != nil:
		c.process.end(id, history.EndTxn, history.Info, history.Event{Error: err.Error()})
		return false
	case committed == commit:
		c.process.end(id, history.EndTxn, history.OK, history.Event{})
	default:
		c.process.end(id, history.EndTxn, history.Fail, history.Event{Error: "aborted"})
	}
	return true
}

func (c *copier) copy(session *kgo.GroupTransactSession, source *kgo.Record, name string, failed *kgo.FirstErrPromise) {
	value := c.process.Name + "-" + strconv.Itoa(c.sent)
	c.sent++
	id := c.process.invoke(history.Event{
		Op: history.Send, Topic: c.plan.To, Partition: -1, Value: value, Acks: history.AcksAll, Idempotent: true, Txn: name, Copies: identity(source),
	})
	promise := failed.Promise()
	session.Produce(context.Background(), &kgo.Record{Key: source.Key, Value: []byte(value)}, func(r *kgo.Record, err error) {
		if err == nil {
			c.process.end(id, history.Send, history.OK, history.Event{Partition: r.Partition, Offset: r.Offset})
		} else {
			c.process.end(id, history.Send, history.Info, history.Event{Error: err.Error()})
		}
		promise(r, err)
	})
}

// view reads the committed records of a consumer's topics until ctx ends.
func view(ctx context.Context, p *Process, plan chaos.Consumer) error {
	client, err := p.client(kgo.ConsumeTopics(plan.Topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(plan.MaxWait.D()), kgo.Rack(chaos.RackName(plan.Rack)), kgo.FetchMaxBytes(int32(plan.MaxBytes)))
	if err != nil {
		return err
	}
	defer client.Close()
	for ctx.Err() == nil {
		id := p.invoke(history.Event{Op: history.View})
		limited, cancel := context.WithTimeout(ctx, pollTimeout)
		fetches := client.PollRecords(limited, pollRecordsMax)
		cancel()
		p.end(id, history.View, history.OK, history.Event{Runs: runsOf(fetches)})
		pause(ctx, plan.Pause.D())
	}
	return nil
}

func runsOf(fetches kgo.Fetches) []history.Run {
	runs := []history.Run{}
	fetches.EachPartition(func(fetched kgo.FetchTopicPartition) { runs = appendRuns(runs, fetched) })
	return runs
}

// FinalView reads every committed record once, when every transaction is over. It fails when ctx ends before that.
func FinalView(ctx context.Context, p *Process, cluster chaos.Cluster) error {
	var topics []string
	for _, topic := range cluster.Topics {
		topics = append(topics, topic.Name)
	}
	ends, err := stableEnds(ctx, p, topics)
	if err != nil {
		return err
	}
	client, err := p.client(kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	defer client.Close()
	id := p.invoke(history.Event{Op: history.View, Final: true})
	runs := []history.Run{}
	for len(ends) > 0 {
		fetches := client.PollRecords(ctx, pollRecordsMax)
		if ctx.Err() != nil {
			p.end(id, history.View, history.Info, history.Event{Error: ctx.Err().Error()})
			return errors.New("the final view did not reach every partition's end")
		}
		runs = append(runs, runsOf(fetches)...)
		fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
			at := place{fetched.Topic, fetched.Partition}
			if n := len(fetched.Records); n > 0 && fetched.Records[n-1].Offset+1 >= ends[at] {
				delete(ends, at)
			}
		})
	}
	p.end(id, history.View, history.OK, history.Event{Runs: runs})
	return nil
}

// stableEnds waits until no transaction is open, and says where the partitions end that are not empty.
func stableEnds(ctx context.Context, p *Process, topics []string) (map[place]int64, error) {
	client, err := p.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for {
		starts, err := admin.ListStartOffsets(ctx, topics...)
		stable, stableErr := admin.ListCommittedOffsets(ctx, topics...)
		ends, endErr := admin.ListEndOffsets(ctx, topics...)
		open := errors.Join(err, stableErr, endErr, starts.Error(), stable.Error(), ends.Error()) != nil
		at := map[place]int64{}
		ends.Each(func(end kadm.ListedOffset) {
			start, _ := starts.Lookup(end.Topic, end.Partition)
			last, ok := stable.Lookup(end.Topic, end.Partition)
			open = open || !ok || last.Offset < end.Offset
			if end.Offset > start.Offset {
				at[place{end.Topic, end.Partition}] = end.Offset
			}
		})
		if !open {
			return at, nil
		}
		if !pause(ctx, retryBackoffMax) {
			return nil, errors.New("transactions are open")
		}
	}
}
