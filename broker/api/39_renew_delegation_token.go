package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// RenewDelegationToken, key 39, versions 1 to 2: refused, see createDelegationToken.
func (h *Handler) renewDelegationToken(context.Context, call, *kmsg.RenewDelegationTokenRequest) *kmsg.RenewDelegationTokenResponse {
	resp := kmsg.NewPtrRenewDelegationTokenResponse()
	resp.ErrorCode = kerr.DelegationTokenRequestNotAllowed.Code
	resp.ExpiryTimestamp = -1
	return resp
}
