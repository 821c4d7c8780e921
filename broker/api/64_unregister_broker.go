package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// UnregisterBroker, key 64, version 0: forgets a node that will not come back. Its replicas stay where they are assigned, so that it
// should have been drained before. Decided by the active controller.
func (h *Handler) unregisterBroker(ctx context.Context, c call, req *kmsg.UnregisterBrokerRequest) *kmsg.UnregisterBrokerResponse {
	resp := kmsg.NewPtrUnregisterBrokerResponse()
	if !h.mayCluster(c, OpAlter) {
		resp.ErrorCode, resp.ErrorMessage = codeOf(kerr.ClusterAuthorizationFailed), messageOf(kerr.ClusterAuthorizationFailed)
		return resp
	}
	decided, err := ask[*kmsg.UnregisterBrokerResponse](ctx, h, 0, req)
	if err != nil {
		resp.ErrorCode, resp.ErrorMessage = codeOf(err), messageOf(err)
		return resp
	}
	return decided
}
