package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/txn"
)

// EndTxn, key 26, versions 0 to 5: a transaction is committed or aborted. It is answered when that is decided for good; its markers
// are on their way then.
//
//	v2  PRODUCER_FENCED     v4  TRANSACTION_ABORTABLE     v5  the epoch is bumped, and told (KIP-890)
func (h *Handler) endTxn(_ context.Context, c call, req *kmsg.EndTxnRequest) {
	done := func(p txn.Producing) {
		resp := kmsg.NewPtrEndTxnResponse()
		resp.ErrorCode = codeIn(fencedAs(p.Err, c.Version, versionFenced))
		resp.ProducerID, resp.ProducerEpoch = p.ProducerID, p.ProducerEpoch
		c.reply(resp)
	}
	r := txn.EndRequest{
		Claim:  txn.Claim{TransactionalID: req.TransactionalID, ProducerID: req.ProducerID, ProducerEpoch: req.ProducerEpoch},
		Commit: req.Commit, Version: versionByClient,
	}
	if c.Version >= versionEndBumps {
		r.Version = versionByBroker
	}
	to := producing{h, req.TransactionalID, func(to coord.Caller, m *txn.Machine, fresh int64, now time.Time) coord.Effects {
		r.Fresh = fresh
		return m.End(to, r, now)
	}, done}
	switch {
	case req.TransactionalID == "":
		to.Refuse(kerr.InvalidRequest)
	case !h.mayTransact(c, OpWrite, req.TransactionalID):
		to.Refuse(kerr.TransactionalIDAuthorizationFailed)
	default:
		to.ask(-1)
	}
}

// versionEndBumps is the first version in which the producer's epoch is bumped.
const versionEndBumps = 5
