package api

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// InitProducerID, key 22, versions 0 to 5: an id for an idempotent producer. Ids come from blocks that the active controller hands
// out to nodes.
//
// A transactional id is refused with TRANSACTIONAL_ID_AUTHORIZATION_FAILED as long as there is no transaction coordinator: of
// the errors that the request knows, it is the one that every client takes as final, where others are tried again for ever
// (COORDINATOR_NOT_AVAILABLE) or by some clients (UNSUPPORTED_VERSION, by librdkafka).
func (h *Handler) initProducerID(ctx context.Context, c call, req *kmsg.InitProducerIDRequest) *kmsg.InitProducerIDResponse {
	resp := kmsg.NewPtrInitProducerIDResponse()
	resp.ProducerID, resp.ProducerEpoch = -1, -1
	id, err := h.newProducerID(ctx, c, req)
	if err != nil {
		resp.ErrorCode = codeOf(err)
		return resp
	}
	resp.ProducerID, resp.ProducerEpoch = id, 0
	return resp
}

func (h *Handler) newProducerID(ctx context.Context, c call, req *kmsg.InitProducerIDRequest) (int64, error) {
	switch {
	case req.TransactionalID != nil && *req.TransactionalID != "":
		return 0, kerr.TransactionalIDAuthorizationFailed
	case req.TransactionalID != nil:
		return 0, kerr.InvalidRequest
	case c.Version >= 3 && (req.ProducerID < 0) != (req.ProducerEpoch < 0):
		return 0, kerr.InvalidRequest
	case !h.mayCluster(c, OpIdempotentWrite):
		return 0, kerr.ClusterAuthorizationFailed
	}
	return h.ids.next(ctx, h)
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
			return 0, kerr.CoordinatorLoadInProgress // the producer is to try again
		}
		p.from, p.end = block.ProducerIDStart, block.ProducerIDStart+int64(block.ProducerIDLen)
	}
	id := p.from
	p.from++
	return id, nil
}
