package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DeleteAcls, key 31, versions 1 to 3. There is no authorizer.
func (h *Handler) deleteACLs(_ context.Context, c call, req *kmsg.DeleteACLsRequest) {
	resp := kmsg.NewPtrDeleteACLsResponse()
	err := noAuthorizer
	if !h.mayCluster(c, OpAlter) {
		err = kerr.ClusterAuthorizationFailed
	}
	for _, each := range req.Filters {
		if !knownACL(each.ResourceType, each.ResourcePatternType, each.Operation, each.PermissionType) {
			c.Disconnect(errUnknownACL)
			return
		}
		result := kmsg.NewDeleteACLsResponseResult()
		result.ErrorCode, result.ErrorMessage = codeOf(err), configMessage(err)
		resp.Results = append(resp.Results, result)
	}
	c.reply(resp)
}
