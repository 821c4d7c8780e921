package cleaner

import (
	"context"
	"errors"
	"fmt"

	"odradek/broker/commitlog"
	"odradek/broker/record"
)

// decompressedMax bounds what one batch is decompressed to, in bytes: a round holds one at a time.
const decompressedMax = 256 << 20

// Options bound what a round uses.
type Options struct {
	MapBytes    int64   // of the offset map (log.cleaner.dedupe.buffer.size, a thread's share)
	LoadFactor  float64 // share of the map's slots that may be taken (log.cleaner.io.buffer.load.factor)
	BufferBytes int     // collected before they are written (log.cleaner.io.buffer.size, a thread's share)
	// Throttle, when set, is told of every piece of I/O, in bytes, and returns when more may be done.
	Throttle func(ctx context.Context, bytes int) error
	NowMs    int64
}

// Result says what a round did.
type Result struct {
	// NextDirty is where the dirty part begins now: the plan's End, or less when the offset map was full.
	NextDirty    int64
	BytesBefore  int64 // of what was rewritten
	BytesAfter   int64
	Keys         int
	RecordsRead  int64 // in the dirty part
	RecordsGone  int64
	MapExhausted bool
}

// Clean runs one round on a log. Nobody else may clean it meanwhile; everything else may go on. After an error, or when ctx
// ends, the log is whole, with some of its segments cleaned perhaps; the round is to be begun again. Errors: the log's,
// record.ErrCorrupt and its like for batches that can't be read.
func Clean(ctx context.Context, log *commitlog.Log, plan Plan, policy Policy, o Options) (Result, error) {
	if o.Throttle == nil {
		o.Throttle = func(context.Context, int) error { return nil }
	}
	r := &round{ctx: ctx, log: log, plan: plan, policy: policy, options: o, result: Result{NextDirty: plan.FirstDirty}}
	if err := r.read(); err != nil {
		return r.result, fmt.Errorf("read the dirty part: %w", err)
	}
	if r.keys.latest < plan.FirstDirty {
		return r.result, nil
	}
	r.producers = log.ProducerEnds()
	for _, g := range group(log.Segments(), r.keys.latest+1, policy.SegmentBytes) {
		if err := r.rewrite(g); err != nil {
			return r.result, fmt.Errorf("clean %d to %d: %w", g.base, g.next, err)
		}
	}
	r.result.NextDirty = r.keys.latest + 1
	return r.result, nil
}

// round is one run of Clean.
type round struct {
	ctx     context.Context
	log     *commitlog.Log
	plan    Plan
	policy  Policy
	options Options
	result  Result

	keys      *offsetMap
	aborted   *abortedTxns
	producers map[int64]commitlog.ProducerEnd
	open      map[int64]bool // producers with a batch of a transaction since its last marker
	epoch     int32          // of the batch before, as the log is rewritten from its beginning
}

// errEnough ends a walk through the log.
var errEnough = errors.New("enough")

// read fills the offset map from the dirty part.
func (r *round) read() error {
	r.open, r.epoch = map[int64]bool{}, -1
	r.keys = newOffsetMap(r.options.MapBytes, r.options.LoadFactor, r.plan.End-r.plan.FirstDirty)
	err := r.each(r.plan.FirstDirty, r.plan.End, r.learn)
	r.result.Keys = r.keys.count
	if errors.Is(err, errEnough) {
		r.result.MapExhausted = true
		return nil
	}
	return err
}

// each visits the batches of which all offsets are before end, from the one that holds from on.
func (r *round) each(from, end int64, visit func(record.Batch) error) error {
	var failed error
	err := r.log.EachBatch(from, func(batch record.Batch) bool {
		if batch.LastOffset() >= end {
			return false
		}
		if failed = r.options.Throttle(r.ctx, len(batch)); failed == nil {
			failed = r.ctx.Err()
		}
		if failed == nil {
			failed = visit(batch)
		}
		return failed == nil
	})
	return errors.Join(failed, err)
}

// learn takes a batch's keys into the map.
func (r *round) learn(batch record.Batch) error {
	if batch.IsTransactional() && r.aborted == nil {
		r.aborted = &abortedTxns{}
		// The markers of what is dirty may lie behind it.
		if err := r.each(r.plan.FirstDirty, r.plan.Stable, r.aborted.observe); err != nil {
			return err
		}
	}
	if batch.IsControl() || r.aborted.holds(batch) {
		r.keys.latest = batch.LastOffset()
		return nil
	}
	for each, err := range batch.Records(decompressedMax) {
		if err != nil {
			return fmt.Errorf("batch at %d: %w", batch.BaseOffset(), err)
		}
		r.result.RecordsRead++
		if each.Offset >= r.plan.FirstDirty && each.Key != nil && !r.keys.put(each.Key, each.Offset) {
			return errEnough
		}
		r.keys.latest = each.Offset
	}
	r.keys.latest = batch.LastOffset()
	return nil
}

// rewrite writes a run of segments anew.
func (r *round) rewrite(g span) error {
	replacement, err := r.log.Replace(g.base, g.next, r.options.BufferBytes)
	if err != nil {
		return err
	}
	before, changed := int64(0), false
	err = replacement.Each(func(batch record.Batch) error {
		before += int64(len(batch))
		left, err := r.left(batch, batch.NextOffset() == g.next)
		if err == nil && left != nil {
			err = replacement.Append(left)
		}
		changed = changed || len(left) != len(batch) || &left[0] != &batch[0]
		if err == nil {
			err = r.options.Throttle(r.ctx, len(batch)+len(left))
		}
		if err == nil {
			err = r.ctx.Err()
		}
		return err
	})
	r.result.BytesBefore += before
	r.result.BytesAfter += replacement.Size()
	if err != nil || !changed && g.segments == 1 {
		replacement.Discard()
		return err
	}
	return replacement.Commit()
}
