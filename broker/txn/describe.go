package txn

import (
	"regexp"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
)

// Describe is DescribeTransactions of one id; the answer is a kmsg.DescribeTransactionsResponseTransactionState.
func (m *Machine) Describe(to coord.Caller, id string) coord.Effects {
	resp := kmsg.NewDescribeTransactionsResponseTransactionState()
	resp.TransactionalID = id
	t := m.transactions[id]
	if t == nil {
		resp.ErrorCode = kerr.TransactionalIDNotFound.Code
		return reply(to, resp)
	}
	resp.State, resp.TimeoutMillis, resp.StartTimestamp = t.state.String(), t.timeoutMs, t.startMs
	resp.ProducerID, resp.ProducerEpoch = t.producer, t.epoch
	for _, p := range t.sorted() {
		if n := len(resp.Topics); n == 0 || resp.Topics[n-1].Topic != p.Topic {
			resp.Topics = append(resp.Topics, kmsg.DescribeTransactionsResponseTransactionStateTopic{Topic: p.Topic})
		}
		last := &resp.Topics[len(resp.Topics)-1]
		last.Partitions = append(last.Partitions, p.Index)
	}
	return reply(to, resp)
}

// Filter says which transactional ids to list.
type Filter struct {
	States    []State // none are all
	Producers []int64 // none are all
	// OlderThanMs leaves out transactions that were begun less long ago; -1 without.
	OlderThanMs int64
	// Pattern is what the whole id has to match, nil for any.
	Pattern *regexp.Regexp
}

// List lists the transactional ids of this shard; the answer is a []kmsg.ListTransactionsResponseTransactionState.
func (m *Machine) List(to coord.Caller, f Filter, now time.Time) coord.Effects {
	listed := []kmsg.ListTransactionsResponseTransactionState{}
	for _, id := range m.ids() {
		t := m.transactions[id]
		switch {
		case len(f.States) > 0 && !slices.Contains(f.States, t.state):
		case len(f.Producers) > 0 && !slices.Contains(f.Producers, t.producer):
		case f.OlderThanMs >= 0 && now.UnixMilli()-t.startMs <= f.OlderThanMs:
		case f.Pattern != nil && !f.Pattern.MatchString(id):
		default:
			one := kmsg.NewListTransactionsResponseTransactionState()
			one.TransactionalID, one.ProducerID, one.TransactionState = id, t.producer, t.state.String()
			listed = append(listed, one)
		}
	}
	return reply(to, listed)
}
