package api

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// errUnknownACL says that a request has the kind of resource, pattern, operation or permission that means an unknown one. As
// with the reference, the connection ends over it.
var errUnknownACL = errors.New("an ACL request with unknown elements")

// noAuthorizer is what is said while there are no ACLs: everything is allowed, and nothing can be written down.
var noAuthorizer = configErrorf(kerr.SecurityDisabled, "No Authorizer is configured.")

// knownACL says whether none of the four parts is the one that means an unknown one.
func knownACL(resource kmsg.ACLResourceType, pattern kmsg.ACLResourcePatternType, operation kmsg.ACLOperation, permission kmsg.ACLPermissionType) bool {
	return resource != 0 && pattern != 0 && operation != 0 && permission != 0
}

// DescribeAcls, key 29, versions 1 to 3. There is no authorizer.
func (h *Handler) describeACLs(_ context.Context, c call, req *kmsg.DescribeACLsRequest) {
	if !knownACL(req.ResourceType, req.ResourcePatternType, req.Operation, req.PermissionType) {
		c.Disconnect(errUnknownACL)
		return
	}
	resp := kmsg.NewPtrDescribeACLsResponse()
	err := noAuthorizer
	if !h.mayCluster(c, OpDescribe) {
		err = kerr.ClusterAuthorizationFailed
	}
	resp.ErrorCode, resp.ErrorMessage = codeOf(err), configMessage(err)
	c.reply(resp)
}
