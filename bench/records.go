package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// bufferedRecordsMax is how many records a producer holds before it waits: enough that it never waits for a single batch.
const bufferedRecordsMax = 50_000

// produceRecords writes by franz-go's producer.
func (r *run) produceRecords(ctx context.Context) error {
	var sequence atomic.Int64
	producers, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for i := range r.Producers {
		producers.Go(func() error { return r.produceOne(ctx, i, began, &sequence) })
	}
	return producers.Wait()
}

// produceOne is one producer: it writes until enough is written by all, or the time is over. Latencies are counted from the
// time at which a record was to be sent: at a rate, that is when the rate says, however late it is by then, so that what
// waits behind a slow answer counts as slow too (coordinated omission). Without a rate it is when the client library takes it,
// which is then mostly the time in the library's own buffer.
func (r *run) produceOne(ctx context.Context, number int, began time.Time, sequence *atomic.Int64) error {
	options := []kgo.Opt{
		kgo.ProducerBatchCompression(compressions[r.Compression]), kgo.MaxBufferedRecords(bufferedRecordsMax),
		kgo.ProducerBatchMaxBytes(r.BatchBytes), kgo.RequiredAcks(acknowledgments[r.Acks]), kgo.ProducerLinger(time.Duration(r.LingerMs) * time.Millisecond),
	}
	if r.Acks != "all" {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	if r.TransactionRecords > 0 {
		options = append(options, kgo.TransactionalID(fmt.Sprintf("%s-%d", r.topics[0], number)))
	}
	client, err := r.client(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	values := sync.Pool{New: func() any { return new([]byte) }}
	for own := int64(0); ; own++ {
		intended := time.Now()
		if r.Rate > 0 {
			intended = began.Add(duration(float64(own*int64(r.Producers)+int64(number)) / float64(r.Rate)))
		}
		next := sequence.Add(1) - 1
		if r.Records > 0 && next >= r.Records || r.writtenLong(intended, began) || !sleepUntil(ctx, intended) {
			break
		}
		if err := r.transact(ctx, client, own); err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		value := values.Get().(*[]byte)
		*value = r.payload.value((*value)[:0], uint64(next), intended)
		record := &kgo.Record{Topic: r.topics[int(next)%len(r.topics)], Key: r.payload.key(uint64(next)), Value: *value}
		client.Produce(ctx, record, func(record *kgo.Record, err error) {
			if err != nil {
				cancel(err)
				return
			}
			now := time.Now()
			r.produced.timed(int64(len(record.Value)), now.Sub(intended), now)
			r.phases.written(record.Partition, intended, now)
			values.Put(value)
		})
	}
	err = client.Flush(ctx)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err == nil && r.TransactionRecords > 0 {
		err = r.commit(ctx, client)
	}
	return err
}

// writtenLong says whether enough time is over: the workload's or, with faults, what was to come after them.
func (r *run) writtenLong(at, began time.Time) bool {
	if r.phases != nil {
		return r.phases.over(at)
	}
	return r.Seconds > 0 && at.Sub(began) >= duration(r.Seconds)
}

// transact begins a transaction before the first of its records, and ends the one before.
func (r *run) transact(ctx context.Context, client *kgo.Client, own int64) error {
	if r.TransactionRecords == 0 || own%int64(r.TransactionRecords) != 0 {
		return nil
	}
	if own > 0 {
		if err := client.Flush(ctx); err != nil {
			return err
		}
		if err := r.commit(ctx, client); err != nil {
			return err
		}
	}
	return client.BeginTransaction()
}

func (r *run) commit(ctx context.Context, client *kgo.Client) error {
	began := time.Now()
	if err := client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	r.commits.observed(time.Since(began))
	return nil
}

// sleepUntil returns at a time, or at once when it is over; false when ctx has ended.
func sleepUntil(ctx context.Context, at time.Time) bool {
	if wait := time.Until(at) - sleepMax; wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false
		}
	}
	for wait := time.Until(at); wait > 0; wait = time.Until(at) {
		sleep(wait)
	}
	return ctx.Err() == nil
}

// sleepMax is how much of a wait is left to sleep, which nothing interrupts: more than a timer is late.
const sleepMax = 2 * time.Millisecond

// consumeRecords reads by franz-go's consumer until all that was written is read.
func (r *run) consumeRecords(ctx context.Context, ready chan<- struct{}, written <-chan struct{}) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	consumers, ctx := errgroup.WithContext(ctx)
	var begun sync.WaitGroup
	assigned := r.awaitAssigned()
	for i := range r.Consumers * r.readers() {
		options := append(r.reading(i%r.Consumers, r.groupName(i/r.Consumers)), kgo.FetchMaxBytes(r.MaxFetchBytes), kgo.FetchMaxPartitionBytes(r.MaxFetchBytes))
		if r.Groups > 0 {
			options = append(options, kgo.OnPartitionsAssigned(assigned.take))
		}
		client, err := r.client(options...)
		if err != nil {
			return err
		}
		defer client.Close()
		begun.Add(1)
		consumers.Go(func() error { return r.consumeOne(ctx, client, begun.Done, written, cancel) })
	}
	begun.Wait()
	assigned.wait(ctx)
	close(ready)
	err := consumers.Wait()
	if errors.Is(context.Cause(ctx), errAllRead) || errors.Is(err, errAllRead) {
		return nil
	}
	return err
}

// errAllRead ends the consumers.
var errAllRead = errors.New("all is read")

// readers is how often everything is read.
func (r *run) readers() int { return max(r.Groups, 1) }

// groupName is the name of one of the groups.
func (r *run) groupName(number int) string { return fmt.Sprintf("%s-group-%d", r.topics[0], number) }

// reading says what a consumer reads: as a member of its group, or its share of the partitions.
func (r *run) reading(number int, group string) []kgo.Opt {
	isolation := kgo.FetchIsolationLevel(kgo.ReadUncommitted())
	if r.TransactionRecords > 0 {
		isolation = kgo.FetchIsolationLevel(kgo.ReadCommitted())
	}
	if r.Groups > 0 {
		return []kgo.Opt{isolation, kgo.ConsumerGroup(group), kgo.ConsumeTopics(r.topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}
	}
	share := map[string]map[int32]kgo.Offset{}
	at := 0
	for _, topic := range r.topics {
		share[topic] = map[int32]kgo.Offset{}
		for partition := range r.Partitions {
			if at%r.Consumers == number {
				share[topic][partition] = kgo.NewOffset().AtStart()
			}
			at++
		}
	}
	return []kgo.Opt{isolation, kgo.ConsumePartitions(share)}
}

// consumeOne is one consumer. Whoever sees that all is read ends all of them.
func (r *run) consumeOne(ctx context.Context, client *kgo.Client, begun func(), written <-chan struct{}, end context.CancelCauseFunc) error {
	begin := sync.OnceFunc(begun)
	time.AfterFunc(metadataAgeMin, begin) // the first poll of an empty topic returns nothing
	for number := int64(0); ; {
		patience, cancel := context.WithTimeout(ctx, watchEvery)
		fetches := client.PollFetches(patience)
		cancel()
		begin()
		if err := fetches.Err0(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return errors.Join(context.Cause(ctx), err)
		}
		if err := r.take(fetches, &number); err != nil {
			return err
		}
		if done, err := r.allRead(written, time.Now()); done || err != nil {
			end(errAllRead)
			return err
		}
	}
}

// take counts what a poll got, and holds a sample of it against what was written: one value in checkEvery, by its number among them.
func (r *run) take(fetches kgo.Fetches, number *int64) error {
	now := time.Now()
	var records, size int64
	for each := fetches.RecordIter(); !each.Done(); *number++ {
		record := each.Next()
		sequence, intended, stamped, err := r.payload.stamp(record.Value, *number%checkEvery == 0)
		if err != nil {
			return err
		}
		if stamped && !r.phases.read(record.Partition, sequence, intended, now) {
			continue
		}
		if stamped {
			r.consumed.observed(now.Sub(intended))
		}
		records++
		size += int64(len(record.Value))
	}
	if records > 0 {
		r.consumed.add(records, size, now)
	}
	return nil
}

// allRead says whether all that was written is read. It is an error when nothing comes for too long.
func (r *run) allRead(written <-chan struct{}, now time.Time) (bool, error) {
	select {
	case <-written:
	default:
		return false, nil
	}
	produced, _ := r.produced.counts()
	consumed, _ := r.consumed.counts()
	due := produced * int64(r.readers())
	switch {
	case consumed == due:
		return true, nil
	case consumed > due:
		return false, fmt.Errorf("%d records were read, and %d were to be", consumed, due)
	case now.Sub(later(r.consumed.end(), r.produced.end())) > readPatience:
		return false, fmt.Errorf("nothing came for %v after %d of %d records", readPatience, consumed, due)
	}
	return false, nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
