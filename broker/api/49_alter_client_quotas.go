package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AlterClientQuotas, key 49, versions 0 to 1: sets and removes the limits of users, clients and addresses (KIP-546, KIP-612). Decided by
// the active controller; every node then holds its clients to them (package quota).
func (h *Handler) alterClientQuotas(ctx context.Context, c call, req *kmsg.AlterClientQuotasRequest) *kmsg.AlterClientQuotasResponse {
	refuse := func(err error) *kmsg.AlterClientQuotasResponse {
		resp := kmsg.NewPtrAlterClientQuotasResponse()
		for _, entry := range req.Entries {
			answer := kmsg.NewAlterClientQuotasResponseEntry()
			answer.ErrorCode, answer.ErrorMessage = codeOf(err), messageOf(err)
			for _, part := range entry.Entity {
				one := kmsg.NewAlterClientQuotasResponseEntryEntity()
				one.Type, one.Name = part.Type, part.Name
				answer.Entity = append(answer.Entity, one)
			}
			resp.Entries = append(resp.Entries, answer)
		}
		return resp
	}
	if !h.mayCluster(c, OpAlterConfigs) {
		return refuse(kerr.ClusterAuthorizationFailed)
	}
	decided, err := ask[*kmsg.AlterClientQuotasResponse](ctx, h, 0, req)
	if err != nil {
		return refuse(err)
	}
	return decided
}
