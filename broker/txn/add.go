package txn

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/coord"
)

// Claim is who says to be the producer of a transaction.
type Claim struct {
	TransactionalID string
	ProducerID      int64
	ProducerEpoch   int16
}

// claimed is the transaction whose producer's current epoch claims it.
func (m *Machine) claimed(c Claim) (*transaction, *kerr.Error) {
	t := m.transactions[c.TransactionalID]
	switch {
	case t == nil || c.ProducerID != t.producer:
		return nil, kerr.InvalidProducerIDMapping
	case c.ProducerEpoch != t.epoch:
		return nil, kerr.ProducerFenced
	}
	return t, nil
}

// Add makes partitions part of a transaction, which begins with its first. version is that of the client's transactions. While the one
// before is being ended the request waits. The answer is an *kerr.Error, nil when all is well.
func (m *Machine) Add(to coord.Caller, c Claim, partitions []Partition, version int16, now time.Time) coord.Effects {
	return m.add(to, c, partitions, version, true, now)
}

func (m *Machine) add(to coord.Caller, c Claim, partitions []Partition, version int16, waits bool, now time.Time) coord.Effects {
	t, err := m.claimed(c)
	switch {
	case err != nil:
		return reply(to, err)
	case t.preparing() && waits && len(t.waiting) < waitersMax:
		m.wait(t, waiter{
			to: to, until: now.Add(waitMax),
			again:   func(now time.Time) coord.Effects { return m.add(to, c, partitions, version, false, now) },
			refused: func(err *kerr.Error) any { return err },
		}, now)
		return coord.Effects{}
	case t.preparing():
		return reply(to, kerr.ConcurrentTransactions)
	case t.state == Ongoing && !slices.ContainsFunc(partitions, func(p Partition) bool { return !t.partitions[p] }):
		return reply(to, (*kerr.Error)(nil))
	}
	next := t.clone()
	if t.state != Ongoing {
		next.startMs = now.UnixMilli()
	}
	next.state, next.updatedMs, next.version = Ongoing, now.UnixMilli(), version
	for _, p := range partitions {
		next.partitions[p] = true
	}
	return m.written(next, coord.Reply{To: to, Response: (*kerr.Error)(nil)})
}

// wait keeps a request until the transaction is over.
func (m *Machine) wait(t *transaction, w waiter, now time.Time) {
	t.waiting = append(t.waiting, w)
	m.arm(t, now)
}

// Verify says of each partition whether it is part of the transaction. The answer is a []*kerr.Error, in the order of partitions.
func (m *Machine) Verify(to coord.Caller, c Claim, partitions []Partition) coord.Effects {
	t, err := m.claimed(c)
	if err == nil && t.preparing() {
		err = kerr.ConcurrentTransactions
	}
	all := make([]*kerr.Error, len(partitions))
	for i, p := range partitions {
		all[i] = err
		if err == nil && !t.partitions[p] {
			all[i] = kerr.TransactionAbortable
		}
	}
	return reply(to, all)
}
