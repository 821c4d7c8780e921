package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ListPartitionReassignments, key 46, version 0: the partitions that are on their way to other replicas, all of them or those that are
// asked for. The active controller is asked, which knows of a move as soon as it is decided.
func (h *Handler) listPartitionReassignments(ctx context.Context, c call, req *kmsg.ListPartitionReassignmentsRequest) *kmsg.ListPartitionReassignmentsResponse {
	resp := kmsg.NewPtrListPartitionReassignmentsResponse()
	refuse := func(err error) *kmsg.ListPartitionReassignmentsResponse {
		resp.ErrorCode, resp.ErrorMessage = codeOf(err), messageOf(err)
		return resp
	}
	if !h.mayCluster(c, OpDescribe) {
		return refuse(kerr.ClusterAuthorizationFailed)
	}
	found, err := ask[*kmsg.ListPartitionReassignmentsResponse](ctx, h, req.TimeoutMillis, req)
	if err != nil {
		return refuse(err)
	}
	return found
}
