package api

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/txn"
)

// InitProducerID, key 22, versions 0 to 5: an id for an idempotent producer, or for one with a transactional id, whose predecessors
// are fenced. Ids come from blocks that the active controller hands out to nodes.
//
//	v3  a producer that resumes with the id and the epoch that it had (KIP-360)     v4  PRODUCER_FENCED
func (h *Handler) initProducerID(ctx context.Context, c call, req *kmsg.InitProducerIDRequest) {
	done := func(p txn.Producing) {
		resp := kmsg.NewPtrInitProducerIDResponse()
		resp.ProducerID, resp.ProducerEpoch = p.ProducerID, p.ProducerEpoch
		resp.ErrorCode = codeIn(fencedAs(p.Err, c.Version, versionInitFenced))
		c.reply(resp)
	}
	refuse := func(err *kerr.Error) { done(txn.Producing{ProducerID: -1, ProducerEpoch: -1, Err: err}) }
	switch {
	case req.TransactionalID != nil && *req.TransactionalID == "",
		c.Version >= 3 && (req.ProducerID < 0) != (req.ProducerEpoch < 0):
		refuse(kerr.InvalidRequest)
	case req.TransactionalID == nil:
		if !h.mayCluster(c, OpIdempotentWrite) {
			refuse(kerr.ClusterAuthorizationFailed)
			return
		}
		id, err := h.ids.next(ctx, h)
		if err != nil {
			refuse(kerr.CoordinatorLoadInProgress) // the producer is to try again
			return
		}
		done(txn.Producing{ProducerID: id})
	case !h.mayTransact(c, OpWrite, *req.TransactionalID):
		refuse(kerr.TransactionalIDAuthorizationFailed)
	default:
		h.initTransactional(c, req, done)
	}
}

func (h *Handler) initTransactional(c call, req *kmsg.InitProducerIDRequest, done func(txn.Producing)) {
	r := txn.InitRequest{TransactionalID: *req.TransactionalID, TimeoutMs: req.TransactionTimeoutMillis, ProducerID: -1, ProducerEpoch: -1}
	if c.Version >= 3 {
		r.ProducerID, r.ProducerEpoch = req.ProducerID, req.ProducerEpoch
	}
	producing{h, r.TransactionalID, func(to coord.Caller, m *txn.Machine, fresh int64, now time.Time) coord.Effects {
		r.Fresh = fresh
		return m.Init(to, r, now)
	}, done}.ask(-1)
}

// producerIDs is the rest of the block of producer ids that this node was given last.
type producerIDs struct {
	mu        sync.Mutex
	from, end int64
}

// next takes an id, after asking the controller for a block when there is none left; whoever comes meanwhile waits for it.
func (p *producerIDs) next(ctx context.Context, h *Handler) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.from == p.end {
		req := kmsg.NewPtrAllocateProducerIDsRequest()
		req.BrokerID, req.BrokerEpoch = h.NodeID, h.Controller.BrokerEpoch()
		block, err := ask[*kmsg.AllocateProducerIDsResponse](ctx, h, 0, req)
		if err == nil {
			err = kerr.ErrorForCode(block.ErrorCode)
		}
		if err == nil && (block.ProducerIDStart < 0 || block.ProducerIDLen <= 0) {
			err = kerr.UnknownServerError
		}
		if err != nil {
			h.Logger.Warn("no producer ids from the controller", "error", err)
			return 0, err
		}
		p.from, p.end = block.ProducerIDStart, block.ProducerIDStart+int64(block.ProducerIDLen)
	}
	id := p.from
	p.from++
	return id, nil
}
