package commitlog

import (
	"fmt"

	"odradek/broker/record"
)

// Guard allows a producer's first batch of a transaction into the log. It is taken out before the transaction coordinator is
// asked whether the partition is part of the transaction, and is void once a marker came in between: the transaction that the
// coordinator spoke of is over then, and the batch would begin one that nobody ends (KIP-890). The zero Guard allows nothing.
type Guard uint64

// verification is a transaction that may begin here.
type verification struct {
	guard   Guard
	epoch   int16
	begunMs int64
}

// BeginVerification takes out a guard for a producer's transactional batches. needed is false when they need none: its
// transaction has records here already, or transactions are not verified (transaction.partition.verification.enable).
func (l *Log) BeginVerification(producerID int64, epoch int16, nowMs int64) (guard Guard, needed bool) {
	if !l.config.Load().VerifyTransactions {
		return 0, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.producers.inTransaction(producerID, epoch) {
		return 0, false
	}
	if begun, ok := l.verifying[producerID]; ok && begun.epoch == epoch {
		return begun.guard, true
	}
	if l.verifying == nil {
		l.verifying = map[int64]verification{}
	}
	l.guards++
	l.verifying[producerID] = verification{l.guards, epoch, nowMs}
	return l.guards, true
}

// verified says whether a batch may be appended by what is known of its transaction. The caller holds writer.
func (l *Log) verified(batch record.Batch, after *producer, guard Guard) error {
	if !batch.IsTransactional() || batch.IsControl() || !l.config.Load().VerifyTransactions {
		return nil
	}
	if after.txnFirstOffset >= 0 && after.epoch == batch.ProducerEpoch() {
		return nil
	}
	l.mu.RLock()
	begun, ok := l.verifying[batch.ProducerID()]
	l.mu.RUnlock()
	if ok && begun.guard == guard && begun.epoch == batch.ProducerEpoch() {
		return nil
	}
	return fmt.Errorf("%w: producer %d epoch %d has no transaction here", ErrInvalidTxnState, batch.ProducerID(), batch.ProducerEpoch())
}

// endVerification forgets a guard: its transaction has begun here, or a marker has ended it. The caller holds mu.
func (l *Log) endVerification(batch record.Batch) {
	if len(l.verifying) > 0 && batch.IsTransactional() {
		delete(l.verifying, batch.ProducerID())
	}
}

// expireVerifications forgets the guards of producers that did not come back. The caller holds mu.
func (l *Log) expireVerifications(nowMs, expirationMs int64) {
	for id, v := range l.verifying {
		if nowMs-v.begunMs >= expirationMs {
			delete(l.verifying, id)
		}
	}
}

// inTransaction says whether a producer's transaction of this epoch has records here.
func (s *producerState) inTransaction(id int64, epoch int16) bool {
	p, ok := s.producers[id]
	return ok && p.txnFirstOffset >= 0 && p.epoch == epoch
}

// ProducerInfo is what the log knows of a producer.
type ProducerInfo struct {
	ID               int64
	Epoch            int16
	LastSequence     int32 // -1 when it has only markers
	LastTimestamp    int64 // milliseconds since 1970
	CoordinatorEpoch int32 // of its last marker, -1 without one
	TxnStartOffset   int64 // of the open transaction, -1 when there is none
}
