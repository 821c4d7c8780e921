package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/wire"
)

// ApiVersions, key 18, versions 0 to 4: what is served, from the table that requests are parsed by. A request of a later version
// does not come here: the server answers it with version 0 and the range of this key (wire.Registry).
//
// No feature of KIP-584 is told: those of the reference stand for transactions, group protocols and its own metadata log.
func (h *Handler) apiVersions(_ context.Context, _ call, req *kmsg.ApiVersionsRequest) *kmsg.ApiVersionsResponse {
	return h.versions.ApiVersions(req, wire.Features{Epoch: -1})
}
