package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// IncrementalAlterConfigs, key 44, versions 0 to 1: sets, deletes, appends to and subtracts from single configs (KIP-339). Decided by
// the active controller.
func (h *Handler) incrementalAlterConfigs(ctx context.Context, c call, req *kmsg.IncrementalAlterConfigsRequest) *kmsg.IncrementalAlterConfigsResponse {
	resp := kmsg.NewPtrIncrementalAlterConfigsResponse()
	forward := kmsg.NewPtrIncrementalAlterConfigsRequest()
	forward.Version, forward.ValidateOnly = 1, req.ValidateOnly
	refuse := func(r kmsg.IncrementalAlterConfigsRequestResource, err error) {
		answer := kmsg.NewIncrementalAlterConfigsResponseResource()
		answer.ResourceType, answer.ResourceName = r.ResourceType, r.ResourceName
		answer.ErrorCode, answer.ErrorMessage = codeOf(err), configMessage(err)
		resp.Resources = append(resp.Resources, answer)
	}
	for _, r := range req.Resources {
		err := h.mayAlter(c, r.ResourceType, r.ResourceName)
		for i := 0; i < len(r.Configs) && err == nil; i++ {
			err = h.checkChange(r.ResourceType, r.ResourceName, r.Configs[i].Name)
		}
		if err != nil {
			refuse(r, err)
			continue
		}
		forward.Resources = append(forward.Resources, r)
	}
	if len(forward.Resources) == 0 {
		return resp
	}
	decided, err := ask[*kmsg.IncrementalAlterConfigsResponse](ctx, h, 0, forward)
	if err != nil {
		for _, r := range forward.Resources {
			refuse(r, err)
		}
		return resp
	}
	resp.Resources = append(resp.Resources, decided.Resources...)
	return resp
}
