package commitlog

import (
	"fmt"
	"math"

	"odradek/broker/env/sometimes"
	"odradek/broker/record"
)

// admit checks each batch of a produce request, as Kafka's LogValidator does, and returns the batches as the topic stores them:
// the same bytes, unless its compression.type is another than a batch's. What lookInside has no reason to look into is judged by
// the header alone.
func admit(batches []byte, from origin, cfg *Config, nowMs int64) (stored []byte, err error) {
	if len(batches) == 0 {
		return nil, fmt.Errorf("%w: no batch", record.ErrInvalid)
	}
	if int64(len(batches)) > cfg.SegmentBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrRecordListTooLarge, len(batches))
	}
	var count int64
	converted := false
	for rest := batches; len(rest) > 0; {
		batch, tail, err := record.Split(rest)
		if err != nil {
			return nil, err
		}
		if err := validate(batch, from, cfg); err != nil {
			return nil, err
		}
		other, err := lookInside(batch, from, cfg, nowMs)
		if err != nil {
			return nil, err
		}
		if other != nil && !converted {
			converted, stored = true, append(stored, batches[:len(batches)-len(rest)]...)
		}
		if other != nil {
			stored = append(stored, other...)
		} else if converted {
			stored = append(stored, batch...)
		}
		count += int64(batch.NumRecords())
		rest = tail
	}
	if count > math.MaxInt32 {
		return nil, fmt.Errorf("%w: %d records in one append", record.ErrInvalid, count)
	}
	if !converted {
		return batches, nil
	}
	if int64(len(stored)) > cfg.SegmentBytes {
		return nil, fmt.Errorf("%w: %d bytes, converted", ErrRecordListTooLarge, len(stored))
	}
	return stored, nil
}

// validate checks what a batch's header says of the batch itself.
func validate(batch record.Batch, from origin, cfg *Config) error {
	if int64(len(batch)) > cfg.MaxMessageBytes {
		return fmt.Errorf("%w: %d bytes", ErrMessageTooLarge, len(batch))
	}
	if err := batch.Validate(); err != nil {
		return err
	}
	if from == originClient && batch.IsControl() {
		return fmt.Errorf("%w: clients may not write control batches", record.ErrInvalid)
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
	if duplicates > 0 {
		sometimes.Reached(sometimes.RetryRecognised)
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
