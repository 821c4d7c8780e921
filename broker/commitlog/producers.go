package commitlog

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"odradek/broker/record"
)

// batchesKept is how many batches of a producer are known again when they are sent twice: as many as a producer may have
// in flight (Kafka's ProducerStateEntry.NUM_BATCHES_TO_RETAIN).
const batchesKept = 5

// producerPurgeMs is how often expired producers are looked for, in milliseconds: Kafka's
// producer.id.expiration.check.interval.ms.
const producerPurgeMs = 600_000

// producerBatch is what is kept of a batch.
type producerBatch struct {
	lastSequence int32
	offsetDelta  int32
	lastOffset   int64
	timestamp    int64
}

func (b producerBatch) firstSequence() int32 {
	return record.SubSequence(b.lastSequence, b.offsetDelta)
}
func (b producerBatch) firstOffset() int64 { return b.lastOffset - int64(b.offsetDelta) }

// producer is what is known of one producer id.
type producer struct {
	epoch            int16
	coordinatorEpoch int32
	lastTimestamp    int64
	txnFirstOffset   int64 // of the open transaction, -1 when there is none
	batches          [batchesKept]producerBatch
	count            int8 // Invariant: batches[:count] are of epoch, oldest first
}

func unknownProducer() producer {
	return producer{epoch: record.NoProducerEpoch, coordinatorEpoch: -1, lastTimestamp: record.NoTimestamp, txnFirstOffset: -1}
}

func (p *producer) lastSequence() int32 {
	if p.count == 0 {
		return record.NoSequence
	}
	return p.batches[p.count-1].lastSequence
}

// duplicate finds the batch that was appended before with these very sequence numbers.
func (p *producer) duplicate(batch record.Batch) (producerBatch, bool) {
	if batch.ProducerEpoch() != p.epoch {
		return producerBatch{}, false
	}
	for _, known := range p.batches[:p.count] {
		if known.firstSequence() == batch.BaseSequence() && known.lastSequence == batch.LastSequence() {
			return known, true
		}
	}
	return producerBatch{}, false
}

// add takes in a batch that was appended at lastOffset.
func (p *producer) add(batch record.Batch, lastOffset int64) {
	p.setEpoch(batch.ProducerEpoch())
	if p.count == batchesKept {
		copy(p.batches[:], p.batches[1:])
		p.count--
	}
	p.batches[p.count] = producerBatch{batch.LastSequence(), batch.LastOffsetDelta(), lastOffset, batch.MaxTimestamp()}
	p.count++
	p.lastTimestamp = batch.MaxTimestamp()
}

// setEpoch starts a new epoch, of which nothing was appended yet.
func (p *producer) setEpoch(epoch int16) {
	if epoch != p.epoch {
		p.epoch, p.count = epoch, 0
	}
}

// checkSequence says whether batch may follow; Kafka's ProducerAppendInfo.checkSequence. known is the producer as it was
// before this append, p as the batches before this one in the append leave it.
func (p *producer) checkSequence(batch record.Batch, known *producer) error {
	first := batch.BaseSequence()
	if batch.ProducerEpoch() != p.epoch {
		// Of a producer that is not known, any sequence is accepted: its records may have been deleted (KIP-360).
		if first != 0 && p.epoch != record.NoProducerEpoch {
			return fmt.Errorf("%w: producer %d starts epoch %d, after %d, with sequence %d",
				ErrOutOfOrderSequence, batch.ProducerID(), batch.ProducerEpoch(), p.epoch, first)
		}
		return nil
	}
	last := p.lastSequence()
	inSequence := int64(first) == int64(last)+1 || first == 0 && last == math.MaxInt32
	if known.epoch != record.NoProducerEpoch && !inSequence {
		return fmt.Errorf("%w: producer %d epoch %d sent %d after %d",
			ErrOutOfOrderSequence, batch.ProducerID(), p.epoch, first, last)
	}
	return nil
}

// txn is a transaction that has records here: from the first of them to its marker, -1 while that has not come.
type txn struct{ producerID, first, last int64 }

// producerState is what the log knows of idempotent producers and of their transactions. It is a function of the records:
// a snapshot and the records after it give it back.
type producerState struct {
	producers map[int64]*producer
	ongoing   []txn // by first offset, rising
	completed []txn // whose markers may not be replicated yet
	purgedMs  int64
}

func newProducerState() producerState { return producerState{producers: map[int64]*producer{}} }

// lookup is the state of a producer, of an unknown one when there is none.
func (s *producerState) lookup(id int64) producer {
	if p, ok := s.producers[id]; ok {
		return *p
	}
	return unknownProducer()
}

// applyBatch takes in a batch that is in the log at its offsets. ok says that it ends a transaction by aborting it.
func (s *producerState) applyBatch(batch record.Batch) (ended AbortedTxn, ok bool) {
	id := batch.ProducerID()
	if id == record.NoProducerID {
		return AbortedTxn{}, false
	}
	var marker *record.Marker
	if batch.IsControl() {
		// A batch that can't be read was refused by the append, and cut off by the recovery.
		if marker, _ = markerOf(batch); marker == nil {
			return AbortedTxn{}, false
		}
	}
	p, ok := s.producers[id]
	if !ok {
		fresh := unknownProducer()
		p = &fresh
		s.producers[id] = p
	}
	if marker != nil {
		return s.endTxn(p, batch, *marker)
	}
	p.add(batch, batch.LastOffset())
	if batch.IsTransactional() && p.txnFirstOffset < 0 {
		p.txnFirstOffset = batch.BaseOffset()
		s.ongoing = append(s.ongoing, txn{id, batch.BaseOffset(), -1})
	}
	return AbortedTxn{}, false
}

func (s *producerState) endTxn(p *producer, batch record.Batch, marker record.Marker) (ended AbortedTxn, ok bool) {
	p.setEpoch(batch.ProducerEpoch())
	p.coordinatorEpoch = marker.CoordinatorEpoch
	p.lastTimestamp = batch.MaxTimestamp()
	if p.txnFirstOffset < 0 {
		return AbortedTxn{}, false
	}
	first := p.txnFirstOffset
	p.txnFirstOffset = -1
	s.ongoing = slices.DeleteFunc(s.ongoing, func(t txn) bool { return t.first == first })
	s.completed = append(s.completed, txn{batch.ProducerID(), first, batch.BaseOffset()})
	stable := batch.NextOffset()
	if len(s.ongoing) > 0 {
		stable = s.ongoing[0].first
	}
	return AbortedTxn{batch.ProducerID(), first, batch.LastOffset(), stable}, marker.Type == record.ControlAbort
}

// firstUnstable is the first offset of the transactions that are open, or whose marker is not below highWatermark.
func (s *producerState) firstUnstable(highWatermark int64) (offset int64, ok bool) {
	offset = math.MaxInt64
	if len(s.ongoing) > 0 {
		offset = s.ongoing[0].first
	}
	for _, t := range s.completed {
		if t.last >= highWatermark {
			offset = min(offset, t.first)
		}
	}
	return offset, offset != math.MaxInt64
}

// replicated forgets the transactions whose markers are below highWatermark.
func (s *producerState) replicated(highWatermark int64) {
	s.completed = slices.DeleteFunc(s.completed, func(t txn) bool { return t.last < highWatermark })
}

// expire forgets producers that have been silent for longer than expirationMs and have no open transaction.
func (s *producerState) expire(nowMs, expirationMs int64) {
	for id, p := range s.producers {
		if p.txnFirstOffset < 0 && nowMs-p.lastTimestamp >= expirationMs {
			delete(s.producers, id)
		}
	}
}

// Producers describes the producers that are remembered, by id.
func (l *Log) Producers() []ProducerInfo {
	l.mu.RLock()
	defer l.mu.RUnlock()
	all := make([]ProducerInfo, 0, len(l.producers.producers))
	for _, id := range slices.Sorted(maps.Keys(l.producers.producers)) {
		p := l.producers.producers[id]
		all = append(all, ProducerInfo{
			ID: id, Epoch: p.epoch, LastSequence: p.lastSequence(), LastTimestamp: p.lastTimestamp,
			CoordinatorEpoch: p.coordinatorEpoch, TxnStartOffset: p.txnFirstOffset,
		})
	}
	return all
}

// ProducerEnd is where a producer's batches end in the log.
type ProducerEnd struct {
	LastOffset int64 // of its last batch, -1 when it has only markers
	Epoch      int16
}

// ProducerEnds says, by producer id, where the producers that are remembered have got to.
func (l *Log) ProducerEnds() map[int64]ProducerEnd {
	l.mu.RLock()
	defer l.mu.RUnlock()
	ends := make(map[int64]ProducerEnd, len(l.producers.producers))
	for id, p := range l.producers.producers {
		end := ProducerEnd{LastOffset: -1, Epoch: p.epoch}
		if p.count > 0 {
			end.LastOffset = p.batches[p.count-1].lastOffset
		}
		ends[id] = end
	}
	return ends
}
