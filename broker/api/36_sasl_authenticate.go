package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// SaslAuthenticate, key 36, versions 0 to 2. On a listener without SASL every peer counts as authenticated already.
func (h *Handler) saslAuthenticate(context.Context, call, *kmsg.SASLAuthenticateRequest) *kmsg.SASLAuthenticateResponse {
	resp := kmsg.NewPtrSASLAuthenticateResponse()
	text := "SaslAuthenticate request received after successful authentication"
	resp.ErrorCode, resp.ErrorMessage = kerr.IllegalSaslState.Code, &text
	return resp
}
