package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// UpdateFeatures, key 57, versions 0 to 2: raises and lowers the levels of features that the cluster settled on (KIP-584). Decided by
// the active controller, all of them or none.
//
//	v1  ways to downgrade, and trying it out (KIP-778)     v2  no results of single features
func (h *Handler) updateFeatures(ctx context.Context, c call, req *kmsg.UpdateFeaturesRequest) *kmsg.UpdateFeaturesResponse {
	resp := kmsg.NewPtrUpdateFeaturesResponse()
	if !h.mayCluster(c, OpAlter) {
		resp.ErrorCode, resp.ErrorMessage = codeOf(kerr.ClusterAuthorizationFailed), messageOf(kerr.ClusterAuthorizationFailed)
		return resp
	}
	forward := kmsg.NewPtrUpdateFeaturesRequest()
	forward.Version, forward.TimeoutMillis, forward.ValidateOnly = 2, req.TimeoutMillis, req.ValidateOnly
	for _, update := range req.FeatureUpdates {
		if c.Version == 0 {
			update.UpgradeType = 1
			if update.AllowDowngrade {
				update.UpgradeType = 2 // downgrade where nothing is lost by it
			}
		}
		forward.FeatureUpdates = append(forward.FeatureUpdates, update)
	}
	decided, err := ask[*kmsg.UpdateFeaturesResponse](ctx, h, req.TimeoutMillis, forward)
	if err != nil {
		resp.ErrorCode, resp.ErrorMessage = codeOf(err), messageOf(err)
		return resp
	}
	if c.Version < 2 && decided.ErrorCode == 0 {
		noError := "NONE" // as the reference has it
		for _, update := range req.FeatureUpdates {
			result := kmsg.NewUpdateFeaturesResponseResult()
			result.Feature, result.ErrorMessage = update.Feature, &noError
			decided.Results = append(decided.Results, result)
		}
	}
	return decided
}
