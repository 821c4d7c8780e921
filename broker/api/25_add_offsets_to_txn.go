package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/txn"
)

// AddOffsetsToTxn, key 25, versions 0 to 4: the offsets of a group become part of a transaction: its partition of the offsets topic.
//
//	v2  PRODUCER_FENCED     v4  TRANSACTION_ABORTABLE (not told: that is not known here)
func (h *Handler) addOffsetsToTxn(_ context.Context, c call, req *kmsg.AddOffsetsToTxnRequest) {
	to := verdictCaller(func(err *kerr.Error) {
		resp := kmsg.NewPtrAddOffsetsToTxnResponse()
		resp.ErrorCode = codeIn(fencedAs(err, c.Version, versionFenced))
		c.reply(resp)
	})
	offsets := h.Controller.Image().Topics[GroupTopic]
	switch {
	case req.TransactionalID == "":
		to.Refuse(kerr.InvalidRequest)
		return
	case !h.mayTransact(c, OpWrite, req.TransactionalID):
		to.Refuse(kerr.TransactionalIDAuthorizationFailed)
		return
	case !h.mayGroup(c, OpRead, req.Group):
		to.Refuse(kerr.GroupAuthorizationFailed)
		return
	case offsets == nil:
		h.createInBackground(GroupTopic)
		to.Refuse(kerr.CoordinatorNotAvailable)
		return
	}
	claim := txn.Claim{TransactionalID: req.TransactionalID, ProducerID: req.ProducerID, ProducerEpoch: req.ProducerEpoch}
	partition := []txn.Partition{{Topic: GroupTopic, Index: coord.PartitionFor(req.Group, int32(len(offsets.Partitions)))}}
	h.Transactions.Do(req.TransactionalID, to, func(m *txn.Machine, now time.Time) coord.Effects {
		return m.Add(to, claim, partition, versionByClient, now)
	})
}

// verdictCaller is a coord.Caller who is told an error, nil when all is well.
type verdictCaller func(err *kerr.Error)

// Answer implements coord.Caller.
func (v verdictCaller) Answer(response any) {
	err, _ := response.(*kerr.Error)
	v(err)
}

// Refuse implements coord.Caller.
func (v verdictCaller) Refuse(err *kerr.Error) { v(err) }
