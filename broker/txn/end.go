package txn

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/coord"
)

// EndRequest is EndTxn.
type EndRequest struct {
	Claim
	Commit bool
	// Version is that of the client's transactions: 2 for those whose epoch is bumped.
	Version int16
	// Fresh is a producer id that nobody has, as for Init.
	Fresh int64
}

// End decides a transaction. The answer, a Producing, comes when the decision is committed; the markers are on their way
// then. It may also be NeedsProducerID. While the transaction before is being ended, of which the producer knows by its epoch,
// the request waits.
func (m *Machine) End(to coord.Caller, r EndRequest, now time.Time) coord.Effects {
	return m.end(to, r, true, now)
}

func (m *Machine) end(to coord.Caller, r EndRequest, waits bool, now time.Time) coord.Effects {
	t := m.transactions[r.TransactionalID]
	retry := t != nil && r.Version >= bumping && t.version >= bumping && t.state >= PrepareCommit && t.isNext(r.Claim)
	switch {
	case t == nil || r.ProducerID != t.producer && !retry:
		return reply(to, refusal(kerr.InvalidProducerIDMapping))
	case r.ProducerEpoch != t.epoch && !retry, t.epoch > epochExhausted && !t.preparing():
		return reply(to, refusal(kerr.ProducerFenced)) // nobody is told of the last epoch, with which is fenced
	}
	decided := PrepareAbort
	if r.Commit {
		decided = PrepareCommit
	}
	switch {
	case t.preparing() && r.Version >= bumping && !retry && waits && len(t.waiting) < waitersMax:
		m.wait(t, waiter{
			to: to, until: now.Add(waitMax),
			again:   func(now time.Time) coord.Effects { return m.end(to, r, false, now) },
			refused: func(err *kerr.Error) any { return refusal(err) },
		}, now)
		return coord.Effects{}
	case t.preparing() && (t.state == decided || r.Version >= bumping && !retry):
		return reply(to, refusal(kerr.ConcurrentTransactions))
	case t.preparing():
		return reply(to, refusal(kerr.InvalidTxnState))
	case t.state == Ongoing:
		return m.decide(to, t, decided, r, now)
	case t.state == complete(decided) && (retry || r.Version < bumping):
		return reply(to, Producing{ProducerID: t.producer, ProducerEpoch: t.epoch})
	case r.Version >= bumping && !retry && !r.Commit:
		// A transaction of version 2 may have no partition that the coordinator has heard of.
		return m.decide(to, t, decided, r, now)
	}
	return reply(to, refusal(kerr.InvalidTxnState))
}

// isNext says that a claim is of the epoch before this one, which ended with a transaction: its producer may not have heard of it.
func (t *transaction) isNext(c Claim) bool {
	return c.ProducerID == t.producer && int32(c.ProducerEpoch)+1 == int32(t.epoch) ||
		c.ProducerID == t.previous && c.ProducerEpoch == epochExhausted && t.epoch == 0
}

func complete(s State) State {
	if s == PrepareCommit {
		return CompleteCommit
	}
	return CompleteAbort
}

// decide ends a transaction as its client wants it.
func (m *Machine) decide(to coord.Caller, t *transaction, decided State, r EndRequest, now time.Time) coord.Effects {
	next := t.clone()
	next.version = r.Version
	answer := Producing{ProducerID: t.producer, ProducerEpoch: t.epoch}
	if r.Version >= bumping {
		if t.exhausted() && r.Fresh < 0 {
			return prompt(to, NeedsProducerID{})
		}
		next.epoch, next.lastEpoch = t.epoch+1, t.epoch
		answer.ProducerEpoch = next.epoch
		if t.exhausted() {
			next.next = r.Fresh
			answer = Producing{ProducerID: r.Fresh, ProducerEpoch: 0}
		}
	}
	return m.prepare(next, decided, now, coord.Reply{To: to, Response: answer})
}

// fence aborts a transaction whose producer is not to go on: it takes too long, or another producer has come.
func (m *Machine) fence(t *transaction, now time.Time) coord.Effects {
	next := t.clone()
	next.epoch, next.lastEpoch = t.epoch+1, t.epoch
	return m.prepare(next, PrepareAbort, now)
}

// prepare is the decision over a transaction. Its markers leave when that is committed.
func (m *Machine) prepare(next *transaction, decided State, now time.Time, replies ...coord.Reply) coord.Effects {
	if next.state != Ongoing {
		next.startMs = now.UnixMilli()
	}
	bumped := next.epoch != m.transactions[next.id].epoch
	next.state, next.updatedMs = decided, now.UnixMilli()
	return m.written(next, append(replies, coord.Reply{To: delivery{m.cfg.Sender, m.ending(next, bumped)}})...)
}

// ending is what a transaction's markers say.
func (m *Machine) ending(t *transaction, bumped bool) Ending {
	return Ending{
		TransactionalID: t.id, ProducerID: t.producer, ProducerEpoch: t.epoch, Committed: t.state == PrepareCommit, Bumped: bumped,
		CoordinatorEpoch: m.epoch, Partitions: t.sorted(),
	}
}

// deliver has the markers of a decided transaction sent, once everything that the machine knows is committed. Whether they bump
// the epoch is known by the version of the transaction; that one of version 1 was fenced its record does not say.
func (m *Machine) deliver(t *transaction) coord.Effects {
	t.again = time.Time{}
	return reply(delivery{m.cfg.Sender, m.ending(t, t.version >= bumping)}, nil)
}

// delivery is a coord.Caller: it is answered when the decision is committed.
type delivery struct {
	sender Sender
	ending Ending
}

func (d delivery) Answer(any)         { d.sender.Send(d.ending) }
func (d delivery) Refuse(*kerr.Error) { d.sender.Unsure(d.ending) }

// Ended says that every partition has its marker: the transaction is over, and the next may begin.
func (m *Machine) Ended(e Ending, now time.Time) coord.Effects {
	t := m.decided(e)
	if t == nil {
		return coord.Effects{}
	}
	t.again = now.Add(retryPause) // if it is refused
	m.arm(t, now)
	next := t.clone()
	next.state, next.updatedMs, next.partitions = complete(t.state), now.UnixMilli(), map[Partition]bool{}
	if t.next >= 0 {
		next.previous, next.producer, next.epoch, next.next = t.producer, t.next, 0, none
	}
	return m.written(next)
}

// Undelivered says that the markers are not on their way any more, and not everywhere.
func (m *Machine) Undelivered(e Ending, now time.Time) coord.Effects {
	if t := m.decided(e); t != nil {
		t.again = now.Add(retryPause)
		m.arm(t, now)
	}
	return coord.Effects{}
}

// decided is the transaction that an ending is of, nil when that is over.
func (m *Machine) decided(e Ending) *transaction {
	t := m.transactions[e.TransactionalID]
	if t == nil || !t.preparing() || t.producer != e.ProducerID || t.epoch != e.ProducerEpoch {
		return nil
	}
	return t
}
