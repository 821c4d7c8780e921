package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/txn"
)

// DescribeTransactions, key 65, version 0: the state of transactional ids that this node coordinates (KIP-664).
func (h *Handler) describeTransactions(_ context.Context, c call, req *kmsg.DescribeTransactionsRequest) {
	parts := newGather(len(req.TransactionalIDs), func(i int, err *kerr.Error) kmsg.DescribeTransactionsResponseTransactionState {
		refused := kmsg.NewDescribeTransactionsResponseTransactionState()
		refused.TransactionalID, refused.ErrorCode = req.TransactionalIDs[i], err.Code
		return refused
	}, func(parts []kmsg.DescribeTransactionsResponseTransactionState) {
		resp := kmsg.NewPtrDescribeTransactionsResponse()
		for _, each := range parts {
			each.Topics = h.describable(c, each.Topics)
			resp.TransactionStates = append(resp.TransactionStates, each)
		}
		c.reply(resp)
	})
	if parts == nil {
		return
	}
	for i, to := range parts.callers() {
		id := req.TransactionalIDs[i]
		switch {
		case id == "":
			to.Refuse(kerr.InvalidRequest)
		case !h.mayTransact(c, OpDescribe, id):
			to.Refuse(kerr.TransactionalIDAuthorizationFailed)
		default:
			h.Transactions.Do(id, to, func(m *txn.Machine, _ time.Time) coord.Effects { return m.Describe(to, id) })
		}
	}
}

// describable leaves out the topics that the peer is not to know of.
func (h *Handler) describable(c call, topics []kmsg.DescribeTransactionsResponseTransactionStateTopic) []kmsg.DescribeTransactionsResponseTransactionStateTopic {
	var kept []kmsg.DescribeTransactionsResponseTransactionStateTopic
	for _, topic := range topics {
		if h.mayTopic(c, OpDescribe, topic.Topic) {
			kept = append(kept, topic)
		}
	}
	return kept
}
