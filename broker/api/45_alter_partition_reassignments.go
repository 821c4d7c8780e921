package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AlterPartitionReassignments, key 45, versions 0 to 1: moves partitions to other replicas, or takes a move back (KIP-455). Decided by
// the active controller, which answers when the move has begun.
//
//	v1  may insist on the number of replicas that there are (KIP-860)
func (h *Handler) alterPartitionReassignments(ctx context.Context, c call, req *kmsg.AlterPartitionAssignmentsRequest) *kmsg.AlterPartitionAssignmentsResponse {
	resp := kmsg.NewPtrAlterPartitionAssignmentsResponse()
	refuse := func(err error) *kmsg.AlterPartitionAssignmentsResponse {
		resp.ErrorCode, resp.ErrorMessage = codeOf(err), messageOf(err)
		return resp
	}
	if !h.mayCluster(c, OpAlter) {
		return refuse(kerr.ClusterAuthorizationFailed)
	}
	forward := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	forward.Version, forward.TimeoutMillis, forward.Topics = 1, req.TimeoutMillis, req.Topics
	forward.AllowReplicationFactorChange = c.Version == 0 || req.AllowReplicationFactorChange
	decided, err := ask[*kmsg.AlterPartitionAssignmentsResponse](ctx, h, req.TimeoutMillis, forward)
	if err != nil {
		return refuse(err)
	}
	return decided
}
