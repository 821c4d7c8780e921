package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// CreateAcls, key 30, versions 1 to 3. There is no authorizer.
func (h *Handler) createACLs(_ context.Context, c call, req *kmsg.CreateACLsRequest) {
	resp := kmsg.NewPtrCreateACLsResponse()
	err := noAuthorizer
	if !h.mayCluster(c, OpAlter) {
		err = kerr.ClusterAuthorizationFailed
	}
	for _, each := range req.Creations {
		if !knownACL(each.ResourceType, each.ResourcePatternType, each.Operation, each.PermissionType) {
			c.Disconnect(errUnknownACL)
			return
		}
		result := kmsg.NewCreateACLsResponseResult()
		result.ErrorCode, result.ErrorMessage = codeOf(err), configMessage(err)
		resp.Results = append(resp.Results, result)
	}
	c.reply(resp)
}
