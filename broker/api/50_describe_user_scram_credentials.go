package api

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// DescribeUserScramCredentials, key 50, version 0: which users have which mechanisms (KIP-554); no users are all. Nothing of a
// credential is told but its number of iterations.
func (h *Handler) describeUserSCRAM(_ context.Context, c call, req *kmsg.DescribeUserSCRAMCredentialsRequest) *kmsg.DescribeUserSCRAMCredentialsResponse {
	resp := kmsg.NewPtrDescribeUserSCRAMCredentialsResponse()
	if !h.mayCluster(c, OpDescribe) {
		resp.ErrorCode, resp.ErrorMessage = codeOf(kerr.ClusterAuthorizationFailed), messageOf(kerr.ClusterAuthorizationFailed)
		return resp
	}
	img := h.Controller.Image()
	asked := map[string]int{}
	for _, user := range req.Users {
		asked[user.Name]++
	}
	if len(asked) == 0 {
		for user := range img.Scram {
			asked[user.Name] = 1
		}
	}
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		resp.Results = append(resp.Results, scramOf(img, name, asked[name]))
	}
	return resp
}

func scramOf(img *metadata.Image, name string, times int) kmsg.DescribeUserSCRAMCredentialsResponseResult {
	result := kmsg.NewDescribeUserSCRAMCredentialsResponseResult()
	result.User = name
	if times > 1 {
		text := "Cannot describe SCRAM credentials for the same user twice in a single request: " + name
		result.ErrorCode, result.ErrorMessage = kerr.DuplicateResource.Code, &text
		return result
	}
	for _, mechanism := range metadata.ScramMechanisms {
		if credential := img.Scram[metadata.ScramUser{Name: name, Mechanism: mechanism}]; credential != nil {
			info := kmsg.NewDescribeUserSCRAMCredentialsResponseResultCredentialInfo()
			info.Mechanism, info.Iterations = mechanism, credential.Iterations
			result.CredentialInfos = append(result.CredentialInfos, info)
		}
	}
	if len(result.CredentialInfos) == 0 {
		text := fmt.Sprintf("Attempt to describe a user credential that does not exist: %s", name)
		result.ErrorCode, result.ErrorMessage = kerr.ResourceNotFound.Code, &text
	}
	return result
}
