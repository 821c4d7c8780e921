package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// CreateDelegationToken, key 38, versions 1 to 3. Tokens (KIP-48) are for peers who authenticated, and none of the listeners here
// has anybody do so: it is refused, and so are the three requests that follow.
func (h *Handler) createDelegationToken(_ context.Context, c call, _ *kmsg.CreateDelegationTokenRequest) *kmsg.CreateDelegationTokenResponse {
	resp := kmsg.NewPtrCreateDelegationTokenResponse()
	resp.ErrorCode = kerr.DelegationTokenRequestNotAllowed.Code
	resp.PrincipalType, resp.PrincipalName = c.peer.Principal.Type, c.peer.Principal.Name
	resp.TokenRequesterPrincipalType, resp.TokenRequesterPrincipalName = c.peer.Principal.Type, c.peer.Principal.Name
	resp.IssueTimestamp, resp.ExpiryTimestamp, resp.MaxTimestamp = -1, -1, -1
	return resp
}
