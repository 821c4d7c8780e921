package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AlterUserScramCredentials, key 51, version 0: sets and removes users' SCRAM credentials (KIP-554). Decided by the active controller.
func (h *Handler) alterUserSCRAM(ctx context.Context, c call, req *kmsg.AlterUserSCRAMCredentialsRequest) *kmsg.AlterUserSCRAMCredentialsResponse {
	refuse := func(err error) *kmsg.AlterUserSCRAMCredentialsResponse {
		resp := kmsg.NewPtrAlterUserSCRAMCredentialsResponse()
		told := map[string]bool{}
		add := func(user string) {
			if told[user] {
				return
			}
			told[user] = true
			result := kmsg.NewAlterUserSCRAMCredentialsResponseResult()
			result.User, result.ErrorCode, result.ErrorMessage = user, codeOf(err), messageOf(err)
			resp.Results = append(resp.Results, result)
		}
		for _, each := range req.Deletions {
			add(each.Name)
		}
		for _, each := range req.Upsertions {
			add(each.Name)
		}
		return resp
	}
	if !h.mayCluster(c, OpAlter) {
		return refuse(kerr.ClusterAuthorizationFailed)
	}
	decided, err := ask[*kmsg.AlterUserSCRAMCredentialsResponse](ctx, h, 0, req)
	if err != nil {
		return refuse(err)
	}
	return decided
}
