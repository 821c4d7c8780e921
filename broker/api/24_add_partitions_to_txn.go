package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/txn"
)

// AddPartitionsToTxn, key 24, versions 0 to 5: partitions become part of a transaction, which begins with its first. Producers of
// version 1 ask by versions up to 3. Brokers ask by later ones, for several producers at once: whether a partition is part of
// a transaction, or, for producers of version 2, to make it part of it (KIP-890).
//
//	v2  PRODUCER_FENCED     v4  batches, and verification     v5  TRANSACTION_ABORTABLE
func (h *Handler) addPartitionsToTxn(_ context.Context, c call, req *kmsg.AddPartitionsToTxnRequest) {
	if c.Version >= versionAddBatched {
		h.addBatchesToTxn(c, req)
		return
	}
	asked := addition{id: req.TransactionalID}
	for _, topic := range req.Topics {
		asked.topics = append(asked.topics, kmsg.AddPartitionsToTxnRequestTransactionTopic{Topic: topic.Topic, Partitions: topic.Partitions})
	}
	done := func(codes additionCodes) {
		resp := kmsg.NewPtrAddPartitionsToTxnResponse()
		for _, topic := range req.Topics {
			answer := kmsg.NewAddPartitionsToTxnResponseTopic()
			answer.Topic = topic.Topic
			for _, index := range topic.Partitions {
				part := kmsg.NewAddPartitionsToTxnResponseTopicPartition()
				part.Partition = index
				part.ErrorCode = codeIn(fencedAs(codes[txn.Partition{Topic: topic.Topic, Index: index}], c.Version, versionFenced))
				answer.Partitions = append(answer.Partitions, part)
			}
			resp.Topics = append(resp.Topics, answer)
		}
		c.reply(resp)
	}
	asked.claim = txn.Claim{TransactionalID: req.TransactionalID, ProducerID: req.ProducerID, ProducerEpoch: req.ProducerEpoch}
	h.add(c, asked, additionCaller{asked, done})
}

// versionAddBatched is the first version that is for brokers.
const versionAddBatched = 4

// addition is one transaction's part of a request.
type addition struct {
	id     string
	claim  txn.Claim
	verify bool
	topics []kmsg.AddPartitionsToTxnRequestTransactionTopic
}

func (a addition) partitions() []txn.Partition {
	var all []txn.Partition
	for _, topic := range a.topics {
		for _, index := range topic.Partitions {
			all = append(all, txn.Partition{Topic: topic.Topic, Index: index})
		}
	}
	return all
}

// additionCodes are the answers for partitions, nil where all is well.
type additionCodes map[txn.Partition]*kerr.Error

func (a addition) all(err *kerr.Error) additionCodes {
	codes := additionCodes{}
	for _, p := range a.partitions() {
		codes[p] = err
	}
	return codes
}

// additionCaller is a coord.Caller.
type additionCaller struct {
	asked addition
	done  func(additionCodes)
}

// Answer implements coord.Caller.
func (a additionCaller) Answer(response any) {
	switch said := response.(type) {
	case *kerr.Error:
		a.done(a.asked.all(said))
	case []*kerr.Error:
		codes := additionCodes{}
		for i, p := range a.asked.partitions() {
			codes[p] = said[i]
		}
		a.done(codes)
	}
}

// Refuse implements coord.Caller.
func (a additionCaller) Refuse(err *kerr.Error) { a.done(a.asked.all(err)) }

// add asks this node's coordinator. When some partitions can't be added none are.
func (h *Handler) add(c call, a addition, to additionCaller) {
	byClient := c.Version < versionAddBatched
	if byClient && !h.mayTransact(c, OpWrite, a.id) {
		to.Refuse(kerr.TransactionalIDAuthorizationFailed)
		return
	}
	if refused := h.unaddable(c, a, byClient); refused != nil {
		to.done(refused)
		return
	}
	if a.id == "" {
		to.Refuse(kerr.InvalidRequest)
		return
	}
	h.Transactions.Do(a.id, to, func(m *txn.Machine, now time.Time) coord.Effects {
		switch {
		case a.verify:
			return m.Verify(to, a.claim, a.partitions())
		case byClient:
			return m.Add(to, a.claim, a.partitions(), versionByClient, now)
		}
		return m.Add(to, a.claim, a.partitions(), versionByBroker, now)
	})
}

// The versions of transactions whose partitions are added by clients, and by brokers.
const (
	versionByClient = 0
	versionByBroker = 2
)

// unaddable says why partitions can't be added, nil when all can.
func (h *Handler) unaddable(c call, a addition, byClient bool) additionCodes {
	img := h.Controller.Image()
	var codes additionCodes
	for _, p := range a.partitions() {
		var err *kerr.Error
		switch topic := img.Topics[p.Topic]; {
		case byClient && (isInternal(p.Topic) || !h.mayTopic(c, OpWrite, p.Topic)):
			err = kerr.TopicAuthorizationFailed
		case topic == nil || topic.Partition(p.Index) == nil:
			err = kerr.UnknownTopicOrPartition
		default:
			continue
		}
		if codes == nil {
			codes = a.all(kerr.OperationNotAttempted)
		}
		codes[p] = err
	}
	return codes
}

func (h *Handler) addBatchesToTxn(c call, req *kmsg.AddPartitionsToTxnRequest) {
	resp := kmsg.NewPtrAddPartitionsToTxnResponse()
	if !h.mayCluster(c, OpClusterAction) {
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		c.reply(resp)
		return
	}
	parts := newGather(len(req.Transactions), func(int, *kerr.Error) additionCodes { return nil }, func(parts []additionCodes) {
		for i := range req.Transactions {
			resp.Transactions = append(resp.Transactions, addedBatch(&req.Transactions[i], parts[i]))
		}
		c.reply(resp)
	})
	if parts == nil {
		return
	}
	for i := range req.Transactions {
		asked := &req.Transactions[i]
		a := addition{id: asked.TransactionalID, verify: asked.VerifyOnly, topics: asked.Topics}
		a.claim = txn.Claim{TransactionalID: asked.TransactionalID, ProducerID: asked.ProducerID, ProducerEpoch: asked.ProducerEpoch}
		h.add(c, a, additionCaller{a, func(codes additionCodes) { parts.set(i, codes) }})
	}
}

func addedBatch(asked *kmsg.AddPartitionsToTxnRequestTransaction, codes additionCodes) kmsg.AddPartitionsToTxnResponseTransaction {
	answer := kmsg.NewAddPartitionsToTxnResponseTransaction()
	answer.TransactionalID = asked.TransactionalID
	for _, topic := range asked.Topics {
		one := kmsg.NewAddPartitionsToTxnResponseTransactionTopic()
		one.Topic = topic.Topic
		for _, index := range topic.Partitions {
			part := kmsg.NewAddPartitionsToTxnResponseTransactionTopicPartition()
			part.Partition, part.ErrorCode = index, codeIn(codes[txn.Partition{Topic: topic.Topic, Index: index}])
			one.Partitions = append(one.Partitions, part)
		}
		answer.Topics = append(answer.Topics, one)
	}
	return answer
}
