package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeQuorum, key 55, versions 0 to 2: the metadata quorum's leader, voters and observers, and how far each is (KIP-595). Answered by
// the active controller.
//
//	v1  when each was heard and had everything (KIP-836)     v2  directories, addresses of the voters (KIP-853)
func (h *Handler) describeQuorum(ctx context.Context, c call, req *kmsg.DescribeQuorumRequest) *kmsg.DescribeQuorumResponse {
	resp := kmsg.NewPtrDescribeQuorumResponse()
	if !h.mayCluster(c, OpDescribe) {
		resp.ErrorCode, resp.ErrorMessage = codeOf(kerr.ClusterAuthorizationFailed), messageOf(kerr.ClusterAuthorizationFailed)
		return resp
	}
	described, err := ask[*kmsg.DescribeQuorumResponse](ctx, h, 0, req)
	if err != nil {
		resp.ErrorCode, resp.ErrorMessage = codeOf(err), messageOf(err)
		return resp
	}
	return described
}
