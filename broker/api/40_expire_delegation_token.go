package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ExpireDelegationToken, key 40, versions 1 to 2: refused, see createDelegationToken.
func (h *Handler) expireDelegationToken(context.Context, call, *kmsg.ExpireDelegationTokenRequest) *kmsg.ExpireDelegationTokenResponse {
	resp := kmsg.NewPtrExpireDelegationTokenResponse()
	resp.ErrorCode = kerr.DelegationTokenRequestNotAllowed.Code
	resp.ExpiryTimestamp = -1
	return resp
}
