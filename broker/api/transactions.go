package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/commitlog"
	"odradek/broker/coord"
	"odradek/broker/txn"
	"odradek/broker/txn/enlist"
)

// Transactions are the transaction coordinator's shards on this node; a coord.Runtime is one.
type Transactions interface {
	// Do has the machine of a transactional id's shard decide. caller is answered, then or later, or refused.
	Do(id string, caller coord.Caller, decide func(m *txn.Machine, now time.Time) coord.Effects)
	// Each has the machine of every shard decide, for a caller each, which newCallers makes for all of them.
	Each(newCallers func(n int) []coord.Caller, decide func(m *txn.Machine, caller coord.Caller, now time.Time) coord.Effects)
}

// Enlister asks the coordinator of a transaction about partitions; an enlist.Client is one.
type Enlister interface {
	Ask(ctx context.Context, r enlist.Request) []*kerr.Error
}

// versionFenced is the version of AddPartitionsToTxn, AddOffsetsToTxn and EndTxn that knows PRODUCER_FENCED; for InitProducerId it
// is versionInitFenced.
const (
	versionFenced     = 2
	versionInitFenced = 4
)

// fencedAs is PRODUCER_FENCED as clients of older versions know it.
func fencedAs(err *kerr.Error, version, known int16) *kerr.Error {
	if err == kerr.ProducerFenced && version < known {
		return kerr.InvalidProducerEpoch
	}
	return err
}

func (h *Handler) mayTransact(c call, operation Operation, id string) bool {
	return h.Authorizer(c.peer, operation, ResourceTransactionalID, id)
}

// producing is a coord.Caller who is answered with what a producer is to go on with. When that takes a new producer id, it gets
// one and asks again.
type producing struct {
	h      *Handler
	id     string
	decide func(to coord.Caller, m *txn.Machine, fresh int64, now time.Time) coord.Effects
	done   func(txn.Producing)
}

func (p producing) ask(fresh int64) {
	p.h.Transactions.Do(p.id, p, func(m *txn.Machine, now time.Time) coord.Effects { return p.decide(p, m, fresh, now) })
}

// Answer implements coord.Caller.
func (p producing) Answer(response any) {
	switch said := response.(type) {
	case txn.Producing:
		p.done(said)
	case txn.NeedsProducerID:
		if p.h.ctx.Err() != nil {
			p.Refuse(kerr.CoordinatorNotAvailable)
			return
		}
		p.h.background.Go(func() {
			fresh, err := p.h.ids.next(p.h.ctx, p.h)
			if err != nil {
				p.Refuse(kerr.CoordinatorLoadInProgress) // the producer is to try again
				return
			}
			p.ask(fresh)
		})
	}
}

// Refuse implements coord.Caller.
func (p producing) Refuse(err *kerr.Error) {
	p.done(txn.Producing{ProducerID: -1, ProducerEpoch: -1, Err: err})
}

// codeIn is the code of an error that may be nil.
func codeIn(err *kerr.Error) int16 {
	if err == nil {
		return 0
	}
	return err.Code
}

// unverified is what a client is told when its records could not be found part of a transaction. It tries again by itself only
// on some errors; newer ones know that the transaction is to be aborted.
func unverified(err *kerr.Error, knowsAbortable, adds bool) *kerr.Error {
	switch err {
	case kerr.ProducerFenced:
		return kerr.InvalidProducerEpoch
	case kerr.TransactionAbortable:
		if !knowsAbortable {
			return kerr.InvalidTxnState
		}
	case kerr.ConcurrentTransactions:
		if !adds {
			return kerr.NotEnoughReplicas
		}
	case kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator:
		return kerr.NotEnoughReplicas
	}
	return err
}

// verdict is what is known of a partition's records in a transaction before they are appended.
type verdict struct {
	guard commitlog.Guard
	err   *kerr.Error
}
