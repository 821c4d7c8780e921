package txn

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/coord"
	"odradek/broker/env/sometimes"
)

// InitRequest is InitProducerId with a transactional id.
type InitRequest struct {
	TransactionalID string
	TimeoutMs       int32
	// ProducerID and ProducerEpoch are what a producer that resumes (KIP-360) had; -1 without.
	ProducerID    int64
	ProducerEpoch int16
	// Fresh is a producer id that nobody has, -1 without: who asks without is answered NeedsProducerID if one is needed.
	Fresh int64
}

// Producing is an answer to who asks to begin or to end: the producer id and epoch to go on with.
type Producing struct {
	ProducerID    int64
	ProducerEpoch int16
	Err           *kerr.Error // nil when all is well
}

// NeedsProducerID is an answer: ask again, with a fresh producer id.
type NeedsProducerID struct{}

func refusal(err *kerr.Error) Producing { return Producing{none, none, err} }

// ValidTimeout says whether a transaction may take that long.
func (c *Config) ValidTimeout(ms int32) bool { return ms > 0 && ms <= c.TimeoutMaxMs }

// Init gives a transactional id to a producer and fences those that had it before. A transaction of theirs is aborted, and its
// client told to ask again. The answer is a Producing, or NeedsProducerID.
func (m *Machine) Init(to coord.Caller, r InitRequest, now time.Time) coord.Effects {
	if !m.cfg.ValidTimeout(r.TimeoutMs) {
		return prompt(to, refusal(kerr.InvalidTransactionTimeout))
	}
	t := m.transactions[r.TransactionalID]
	if t == nil {
		if r.Fresh < 0 {
			return prompt(to, NeedsProducerID{})
		}
		t = newTransaction(r.TransactionalID)
		t.producer = r.Fresh
	}
	resumes := r.ProducerID >= 0
	switch {
	case resumes && !t.knows(r.ProducerID, r.ProducerEpoch):
		return reply(to, refusal(kerr.ProducerFenced))
	case t.preparing():
		return reply(to, refusal(kerr.ConcurrentTransactions))
	case t.state == Ongoing:
		if resumes && (r.ProducerID != t.producer || r.ProducerEpoch != t.epoch) {
			return reply(to, refusal(kerr.ProducerFenced)) // Kafka lets it abort its successor's transaction
		}
		sometimes.Reached(sometimes.ProducerFenced)
		e := m.fence(t, now)
		e.Replies = append(e.Replies, coord.Reply{To: to, Response: refusal(kerr.ConcurrentTransactions)})
		return e
	}
	next := t.clone()
	next.state, next.timeoutMs, next.startMs, next.updatedMs = Empty, r.TimeoutMs, none, now.UnixMilli()
	current := !resumes || r.ProducerEpoch == t.epoch || t.epoch == none
	again := !current && t.lastEpoch != none && r.ProducerEpoch == t.lastEpoch // it has not heard of the bump
	switch {
	case !current && !again:
		return reply(to, refusal(kerr.ProducerFenced))
	case again && t.epoch <= epochExhausted:
	case t.exhausted() && r.Fresh < 0:
		return prompt(to, NeedsProducerID{})
	case t.exhausted():
		next.rotate(r.Fresh, resumes)
	default:
		next.lastEpoch, next.epoch = none, t.epoch+1
		if resumes {
			next.lastEpoch = t.epoch
		}
	}
	return m.written(next, coord.Reply{To: to, Response: Producing{ProducerID: next.producer, ProducerEpoch: next.epoch}})
}

// knows says whether a producer may be the one that has the transactional id; its epoch is looked at later. It may come
// again, not having heard that its id was exhausted.
func (t *transaction) knows(producer int64, epoch int16) bool {
	return t.epoch == none || producer == t.producer || producer == t.previous && epoch >= epochExhausted
}

// rotate gives the transactional id another producer id.
func (t *transaction) rotate(fresh int64, resumes bool) {
	t.lastEpoch = none
	if resumes {
		t.lastEpoch = t.epoch
	}
	t.previous, t.producer, t.epoch = t.producer, fresh, 0
}

// written is a decision to remember next, and to answer then.
func (m *Machine) written(next *transaction, replies ...coord.Reply) coord.Effects {
	if t := m.transactions[next.id]; t != nil {
		t.lastEpochThen = next.lastEpoch
	}
	return coord.Effects{Records: []coord.Record{next.record()}, Replies: replies}
}
