package commitlog

import (
	"fmt"
	"math"

	"odradek/broker/record"
)

// validateSet checks each batch of a produce request, as Kafka's LogValidator does, but for what is inside the records: their
// timestamps are judged by those of the header (the first and the greatest); only keys are looked at, where there must be.
func validateSet(batches []byte, from origin, cfg *Config, nowMs int64) error {
	if len(batches) == 0 {
		return fmt.Errorf("%w: no batch", record.ErrInvalid)
	}
	if int64(len(batches)) > cfg.SegmentBytes {
		return fmt.Errorf("%w: %d bytes", ErrRecordListTooLarge, len(batches))
	}
	var count int64
	for rest := batches; len(rest) > 0; {
		batch, tail, err := record.Split(rest)
		if err != nil {
			return err
		}
		if int64(len(batch)) > cfg.MaxMessageBytes {
			return fmt.Errorf("%w: %d bytes", ErrMessageTooLarge, len(batch))
		}
		if err := batch.Validate(); err != nil {
			return err
		}
		if from == originClient && batch.IsControl() {
			return fmt.Errorf("%w: clients may not write control batches", record.ErrInvalid)
		}
		if from == originClient {
			if err := checkTimestamps(batch, cfg, nowMs); err != nil {
				return err
			}
			if err := checkKeys(batch, cfg); err != nil {
				return err
			}
		}
		count += int64(batch.NumRecords())
		rest = tail
	}
	if count > math.MaxInt32 {
		return fmt.Errorf("%w: %d records in one append", record.ErrInvalid, count)
	}
	return nil
}

// checkKeys refuses records without a key in a compacted topic, where nothing would ever replace them.
func checkKeys(batch record.Batch, cfg *Config) error {
	if !cfg.Compacted {
		return nil
	}
	var keyless []int32
	index := int32(0)
	for r, err := range batch.Records(decompressedMax) {
		if err != nil {
			return err
		}
		if r.Offset != batch.BaseOffset()+int64(index) {
			return fmt.Errorf("%w: record %d has offset %d", record.ErrInvalid, index, r.Offset-batch.BaseOffset())
		}
		if r.Key == nil {
			keyless = append(keyless, index)
		}
		index++
	}
	if keyless != nil {
		return &InvalidRecordsError{Indexes: keyless, Reason: "Compacted topic cannot accept message without key"}
	}
	return nil
}

func checkTimestamps(batch record.Batch, cfg *Config, nowMs int64) error {
	if batch.TimestampType() == record.LogAppendTime {
		return fmt.Errorf("%w: a producer may not stamp the log append time", ErrInvalidTimestamp)
	}
	if cfg.MessageTimestampType == record.LogAppendTime {
		return nil
	}
	earliest, latest := int64(math.MinInt64), int64(math.MaxInt64)
	if cfg.MessageTimestampBeforeMaxMs < math.MaxInt64 {
		earliest = nowMs - cfg.MessageTimestampBeforeMaxMs
	}
	if cfg.MessageTimestampAfterMaxMs < math.MaxInt64-nowMs {
		latest = nowMs + cfg.MessageTimestampAfterMaxMs
	}
	for _, timestamp := range [...]int64{batch.BaseTimestamp(), batch.MaxTimestamp()} {
		if timestamp != record.NoTimestamp && (timestamp < earliest || timestamp > latest) {
			return fmt.Errorf("%w: %d is not between %d and %d", ErrInvalidTimestamp, timestamp, earliest, latest)
		}
	}
	return nil
}

// checkProducers checks the producers' epochs and sequences over the set, without changing anything. ok says that the batches
// were appended before, at the offsets of known. A set holds either only such batches or none: to keep some of a request
// and not others would make its answer a lie.
func (l *Log) checkProducers(batches []byte, from origin, guard Guard) (known AppendInfo, ok bool, err error) {
	// What the batches of this set do to their producers, before it is in the log.
	var few [2]pendingProducer
	pending := few[:0]
	duplicates, count := 0, 0
	for batch := range eachBatch(batches) {
		count++
		id := batch.ProducerID()
		if id == record.NoProducerID {
			continue
		}
		at := findPending(pending, id)
		if at < 0 {
			before := l.producers.lookup(id)
			pending = append(pending, pendingProducer{id: id, before: before, after: before})
			at = len(pending) - 1
		}
		p := &pending[at]
		if from == originClient {
			if first, found := p.before.duplicate(batch); found {
				if duplicates == 0 {
					known = AppendInfo{FirstOffset: first.firstOffset(), LogAppendTime: -1, Duplicate: true}
					if l.config.Load().MessageTimestampType == record.LogAppendTime {
						known.LogAppendTime = first.timestamp
					}
				}
				known.LastOffset = first.lastOffset
				duplicates++
				continue
			}
		}
		if err := l.verified(batch, &p.after, guard); err != nil {
			return AppendInfo{}, false, err
		}
		if err := p.check(batch, from); err != nil {
			return AppendInfo{}, false, err
		}
	}
	if duplicates > 0 && duplicates < count {
		return AppendInfo{}, false, fmt.Errorf("%w: %d of %d batches were sent before", ErrOutOfOrderSequence, duplicates, count)
	}
	return known, duplicates > 0, nil
}

type pendingProducer struct {
	id            int64
	before, after producer
}

func findPending(pending []pendingProducer, id int64) int {
	for i := range pending {
		if pending[i].id == id {
			return i
		}
	}
	return -1
}

// check says whether batch may follow what the producer has appended, and takes it in.
func (p *pendingProducer) check(batch record.Batch, from origin) error {
	if batch.ProducerEpoch() < p.after.epoch {
		return fmt.Errorf("%w: producer %d epoch %d after %d", ErrInvalidProducerEpoch, p.id, batch.ProducerEpoch(), p.after.epoch)
	}
	if batch.IsControl() {
		marker, err := markerOf(batch)
		if err != nil {
			return err
		}
		if marker != nil {
			if from == originBumping && p.after.txnFirstOffset >= 0 && p.after.epoch == batch.ProducerEpoch() {
				return fmt.Errorf("%w: a marker of epoch %d, in which producer %d has a transaction", ErrInvalidProducerEpoch, p.after.epoch, p.id)
			}
			if marker.CoordinatorEpoch < p.after.coordinatorEpoch {
				return fmt.Errorf("%w: epoch %d after %d", ErrCoordinatorFenced, marker.CoordinatorEpoch, p.after.coordinatorEpoch)
			}
			p.after.setEpoch(batch.ProducerEpoch())
			p.after.coordinatorEpoch, p.after.txnFirstOffset = marker.CoordinatorEpoch, -1
		}
		return nil
	}
	if from == originClient {
		if err := p.after.checkSequence(batch, &p.before); err != nil {
			return err
		}
	}
	if p.after.txnFirstOffset >= 0 && !batch.IsTransactional() {
		return fmt.Errorf("%w: producer %d writes outside of its open transaction", ErrInvalidTxnState, p.id)
	}
	p.after.add(batch, 0)
	if batch.IsTransactional() && p.after.txnFirstOffset < 0 {
		p.after.txnFirstOffset = 0
	}
	return nil
}

// controlSizeMax bounds the records of a control batch, decompressed, in bytes.
const controlSizeMax = 64 << 10

// markerOf is the transaction marker in a control batch, nil when it holds another control record or none.
func markerOf(batch record.Batch) (*record.Marker, error) {
	for r, err := range batch.Records(controlSizeMax) {
		if err != nil {
			return nil, err
		}
		marker, ok, err := record.ParseMarker(r)
		if err != nil || !ok {
			return nil, err
		}
		return &marker, nil
	}
	return nil, nil
}
