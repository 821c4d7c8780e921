package cleaner

import (
	"fmt"

	"odradek/broker/record"
)

// left is what this round leaves of a batch: the batch itself, another in its place, or nil. last says that it is the last of
// the segment that is being written.
func (r *round) left(batch record.Batch, last bool) (record.Batch, error) {
	newEpoch := batch.PartitionLeaderEpoch() != r.epoch
	r.epoch = batch.PartitionLeaderEpoch()
	if batch.BaseOffset() > r.keys.latest {
		return batch, nil
	}
	keepHeader := last || newEpoch || r.endsProducer(batch)
	discard, err := r.discards(batch)
	if err != nil {
		return nil, err
	}
	if batch.IsControl() {
		return r.leftOfControl(batch, discard, keepHeader)
	}
	kept, tombstones := []record.Record(nil), false
	if !discard {
		if kept, tombstones, err = r.survivors(batch); err != nil {
			return nil, err
		}
	}
	r.result.RecordsGone += int64(batch.NumRecords()) - int64(len(kept))
	return r.rebuilt(batch, kept, tombstones, keepHeader)
}

// rebuilt is the batch with the records that are kept. dated says that it needs a delete horizon.
func (r *round) rebuilt(batch record.Batch, kept []record.Record, dated, keepHeader bool) (record.Batch, error) {
	horizon, has := batch.DeleteHorizonMs()
	switch {
	case len(kept) == 0 && !keepHeader:
		return nil, nil
	case len(kept) == int(batch.NumRecords()) && (has || !dated):
		return batch, nil
	case dated && !has:
		horizon = r.options.NowMs + r.policy.DeleteRetentionMs
	}
	left, err := batch.Compacted(kept, horizon)
	if err != nil {
		return nil, fmt.Errorf("batch at %d: %w", batch.BaseOffset(), err)
	}
	return left, nil
}

// survivors are the records that stay: those that are the last of their key, and, among them, tombstones until the horizon of
// their batch.
func (r *round) survivors(batch record.Batch) (kept []record.Record, tombstones bool, err error) {
	horizon, has := batch.DeleteHorizonMs()
	expired := has && horizon <= r.options.NowMs
	before := int64(-1)
	for each, err := range batch.Records(decompressedMax) {
		if err == nil && each.Offset <= before {
			err = fmt.Errorf("%w: offset %d after %d", record.ErrCorrupt, each.Offset, before)
		}
		if err != nil {
			return nil, false, fmt.Errorf("batch at %d: %w", batch.BaseOffset(), err)
		}
		before = each.Offset
		stays := each.Offset > r.keys.latest
		if !stays && each.Key != nil {
			stays = r.keys.get(each.Key) <= each.Offset && (each.Value != nil || !expired)
		}
		if stays {
			kept = append(kept, each)
			tombstones = tombstones || each.Value == nil
		}
	}
	return kept, tombstones, nil
}

// leftOfControl keeps a marker while anything of its transaction is left, and then for delete.retention.ms.
func (r *round) leftOfControl(batch record.Batch, discard, keepHeader bool) (record.Batch, error) {
	horizon, has := batch.DeleteHorizonMs()
	var kept []record.Record
	if !discard || !has || horizon > r.options.NowMs {
		for each, err := range batch.Records(decompressedMax) {
			if err != nil {
				return nil, fmt.Errorf("batch at %d: %w", batch.BaseOffset(), err)
			}
			kept = append(kept, each)
		}
	}
	return r.rebuilt(batch, kept, discard && len(kept) > 0, keepHeader)
}

// endsProducer says that the batch holds what the log's last sequence number of its producer is known by.
func (r *round) endsProducer(batch record.Batch) bool {
	end, ok := r.producers[batch.ProducerID()]
	switch {
	case !ok || batch.ProducerID() == record.NoProducerID:
		return false
	case end.LastOffset >= 0:
		return batch.LastOffset() == end.LastOffset
	}
	return batch.IsControl() && batch.ProducerEpoch() == end.Epoch
}
