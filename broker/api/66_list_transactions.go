package api

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/txn"
)

// ListTransactions, key 66, versions 0 to 2: the transactional ids that this node coordinates (KIP-664).
//
//	v1  only transactions that are open for so long (KIP-994)     v2  only ids that match a pattern (KIP-1152)
func (h *Handler) listTransactions(_ context.Context, c call, req *kmsg.ListTransactionsRequest) {
	resp := kmsg.NewPtrListTransactionsResponse()
	filter, unknown, err := filterOf(c, req)
	resp.UnknownStateFilters = unknown
	if err != nil {
		resp.ErrorCode = err.Code
		c.reply(resp)
		return
	}
	if len(unknown) > 0 && len(filter.States) == 0 {
		c.reply(resp)
		return
	}
	var gathered *gather[[]kmsg.ListTransactionsResponseTransactionState]
	refused := func(_ int, err *kerr.Error) []kmsg.ListTransactionsResponseTransactionState {
		if err == kerr.CoordinatorLoadInProgress {
			gathered.mu.Lock()
			resp.ErrorCode = err.Code
			gathered.mu.Unlock()
		}
		return nil
	}
	done := func(parts [][]kmsg.ListTransactionsResponseTransactionState) {
		for _, each := range slices.Concat(parts...) {
			if resp.ErrorCode == 0 && h.mayTransact(c, OpDescribe, each.TransactionalID) {
				resp.TransactionStates = append(resp.TransactionStates, each)
			}
		}
		c.reply(resp)
	}
	h.Transactions.Each(func(n int) []coord.Caller {
		if gathered = newGather(n, refused, done); gathered == nil {
			return nil
		}
		return gathered.callers()
	}, func(m *txn.Machine, to coord.Caller, now time.Time) coord.Effects { return m.List(to, filter, now) })
}

// filterOf reads what is asked for; states of other names are told as unknown.
func filterOf(c call, req *kmsg.ListTransactionsRequest) (filter txn.Filter, unknown []string, err *kerr.Error) {
	filter = txn.Filter{Producers: req.ProducerIDFilters, OlderThanMs: -1}
	names := kmsg.TransactionStateStrings()
	for _, name := range req.StateFilters {
		if i := slices.Index(names, name); i >= 0 {
			filter.States = append(filter.States, txn.State(i))
		} else {
			unknown = append(unknown, name)
		}
	}
	if c.Version >= 1 {
		filter.OlderThanMs = req.DurationFilterMillis
	}
	if c.Version >= 2 && req.TransactionalIDPattern != nil && *req.TransactionalIDPattern != "" {
		pattern, compileErr := regexp.Compile("^(?:" + *req.TransactionalIDPattern + ")$")
		if compileErr != nil {
			return filter, unknown, kerr.InvalidRegularExpression
		}
		filter.Pattern = pattern
	}
	return filter, unknown, nil
}
