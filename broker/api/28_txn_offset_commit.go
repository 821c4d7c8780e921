package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group"
	"odradek/broker/metadata"
	"odradek/broker/txn"
	"odradek/broker/txn/enlist"
)

// The versions of TxnOffsetCommit in which its meaning changes.
const (
	versionCommitAbortable = 4 // TRANSACTION_ABORTABLE is known
	versionCommitAdds      = 5 // the group becomes part of the transaction by this (KIP-890)
)

// TxnOffsetCommit, key 28, versions 0 to 5: offsets that are committed with a transaction. The group's coordinator makes sure that the
// group is part of it, or, for producers of version 2, makes it so.
//
//	v2  leader epoch of the offset     v3  who commits, as a member (KIP-447)     v4  TRANSACTION_ABORTABLE     v5  KIP-890
func (h *Handler) txnOffsetCommit(ctx context.Context, c call, req *kmsg.TxnOffsetCommitRequest) {
	refuse := func(err *kerr.Error) { c.reply(group.TxnCommitResponse(req, err)) }
	switch {
	case !h.mayTransact(c, OpWrite, req.TransactionalID):
		refuse(kerr.TransactionalIDAuthorizationFailed)
		return
	case !h.mayGroup(c, OpRead, req.Group):
		refuse(kerr.GroupAuthorizationFailed)
		return
	}
	known, refused := h.txnCommittable(c, req)
	if len(known.Topics) == 0 {
		c.reply(refused)
		return
	}
	to := txnCommitter{asker[*kmsg.TxnOffsetCommitResponse]{c, func(err *kerr.Error) *kmsg.TxnOffsetCommitResponse {
		return group.TxnCommitResponse(known, err)
	}}, refused}
	if req.Group == "" {
		to.Refuse(kerr.InvalidGroupID)
		return
	}
	producer, err := h.enlistGroup(ctx, c, req)
	if err != nil {
		to.Refuse(err)
		return
	}
	h.Groups.Do(req.Group, to, func(m *group.Machine, now time.Time) coord.Effects {
		return m.CommitInTransaction(to, known, producer, now)
	})
}

// enlistGroup has the coordinator of the transaction asked about the group's partition of the offsets topic, if that needs to be.
func (h *Handler) enlistGroup(ctx context.Context, c call, req *kmsg.TxnOffsetCommitRequest) (coord.Producer, *kerr.Error) {
	producer := coord.Producer{ID: req.ProducerID, Epoch: req.ProducerEpoch}
	adds := c.Version >= versionCommitAdds
	for range verifyRoundsMax {
		index, guard, needed, err := h.Groups.BeginVerification(req.Group, req.ProducerID, req.ProducerEpoch)
		if err != nil {
			return producer, err.(*kerr.Error)
		}
		if !needed || guard == producer.Guard {
			break
		}
		producer.Guard = guard
		said := h.askCoordinator(ctx, enlist.Request{
			Claim:  txn.Claim{TransactionalID: req.TransactionalID, ProducerID: req.ProducerID, ProducerEpoch: req.ProducerEpoch},
			Verify: !adds, Partitions: []txn.Partition{{Topic: GroupTopic, Index: index}},
		})
		if said[0] != nil {
			return producer, asCoordinators(unverified(said[0], c.Version >= versionCommitAbortable, adds))
		}
	}
	return producer, nil
}

// asCoordinators is a partition's error as its coordinator would put it.
func asCoordinators(err *kerr.Error) *kerr.Error {
	switch err {
	case kerr.NotEnoughReplicas, kerr.UnknownTopicOrPartition:
		return kerr.CoordinatorNotAvailable
	}
	return err
}

// txnCommittable separates the partitions whose offsets may be committed from those that are answered with an error.
func (h *Handler) txnCommittable(c call, req *kmsg.TxnOffsetCommitRequest) (known *kmsg.TxnOffsetCommitRequest, refused *kmsg.TxnOffsetCommitResponse) {
	img := h.Controller.Image()
	some := *req
	some.Topics = nil
	refused = kmsg.NewPtrTxnOffsetCommitResponse()
	for _, asked := range req.Topics {
		topic, err := h.topicFor(c, OpRead, img, false, metadata.UUID{}, asked.Topic)
		kept, answer := asked, kmsg.NewTxnOffsetCommitResponseTopic()
		kept.Partitions, answer.Topic = nil, asked.Topic
		for _, part := range asked.Partitions {
			reason := err
			if reason == nil && topic.Partition(part.Partition) == nil {
				reason = kerr.UnknownTopicOrPartition
			}
			if reason == nil {
				kept.Partitions = append(kept.Partitions, part)
				continue
			}
			one := kmsg.NewTxnOffsetCommitResponseTopicPartition()
			one.Partition, one.ErrorCode = part.Partition, codeOf(reason)
			answer.Partitions = append(answer.Partitions, one)
		}
		if len(kept.Partitions) > 0 {
			some.Topics = append(some.Topics, kept)
		}
		if len(answer.Partitions) > 0 {
			refused.Topics = append(refused.Topics, answer)
		}
	}
	return &some, refused
}

// txnCommitter puts the coordinator's answer behind what was refused before.
type txnCommitter struct {
	asker[*kmsg.TxnOffsetCommitResponse]
	before *kmsg.TxnOffsetCommitResponse
}

// Answer implements coord.Caller.
func (o txnCommitter) Answer(response any) { o.merge(response.(*kmsg.TxnOffsetCommitResponse)) }

// Refuse implements coord.Caller.
func (o txnCommitter) Refuse(err *kerr.Error) { o.merge(o.refused(err)) }

func (o txnCommitter) merge(resp *kmsg.TxnOffsetCommitResponse) {
	for _, topic := range resp.Topics {
		merged := false
		for i := range o.before.Topics {
			if o.before.Topics[i].Topic == topic.Topic {
				o.before.Topics[i].Partitions = append(o.before.Topics[i].Partitions, topic.Partitions...)
				merged = true
			}
		}
		if !merged {
			o.before.Topics = append(o.before.Topics, topic)
		}
	}
	o.reply(o.before)
}
