package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/config"
)

// AlterConfigs, key 33, versions 0 to 2: replaces all that was set for a resource; what isn't named goes back to its default.
// Decided by the active controller. IncrementalAlterConfigs is the better one.
func (h *Handler) alterConfigs(ctx context.Context, c call, req *kmsg.AlterConfigsRequest) *kmsg.AlterConfigsResponse {
	resp := kmsg.NewPtrAlterConfigsResponse()
	forward := kmsg.NewPtrAlterConfigsRequest()
	forward.Version, forward.ValidateOnly = 2, req.ValidateOnly
	refuse := func(r kmsg.AlterConfigsRequestResource, err error) {
		answer := kmsg.NewAlterConfigsResponseResource()
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
	decided, err := ask[*kmsg.AlterConfigsResponse](ctx, h, 0, forward)
	if err != nil {
		for _, r := range forward.Resources {
			refuse(r, err)
		}
		return resp
	}
	resp.Resources = append(resp.Resources, decided.Resources...)
	return resp
}

// mayAlter authorises a change of a resource's configuration.
func (h *Handler) mayAlter(c call, kind kmsg.ConfigResourceType, name string) error {
	switch kind {
	case kmsg.ConfigResourceTypeTopic:
		if !h.mayTopic(c, OpAlterConfigs, name) {
			return kerr.TopicAuthorizationFailed
		}
		return nil
	case kmsg.ConfigResourceTypeBroker:
		if !h.mayCluster(c, OpAlterConfigs) {
			return kerr.ClusterAuthorizationFailed
		}
		if name != "" {
			return h.checkOwnID(name)
		}
		return nil
	case kmsg.ConfigResourceTypeGroupConfig:
		if !h.mayGroup(c, OpAlterConfigs, name) {
			return kerr.GroupAuthorizationFailed
		}
		return nil
	}
	return configErrorf(kerr.InvalidRequest, "Unknown resource type %d", kind)
}

// checkChange refuses a broker's key that takes effect at start only, and warns of one that takes none. The rest is for the
// controller to check.
func (h *Handler) checkChange(kind kmsg.ConfigResourceType, resource, key string) error {
	scope := config.ScopeBroker
	switch kind {
	case kmsg.ConfigResourceTypeTopic:
		scope = config.ScopeTopic
	case kmsg.ConfigResourceTypeGroupConfig:
		scope = config.ScopeGroup
	}
	if k := config.Lookup(scope, key); k != nil && !k.Dynamic {
		return configErrorf(kerr.InvalidRequest, "Cannot update these configs dynamically: [%s]", key)
	}
	if config.HasNoEffect(scope, key) {
		h.warnInert(resource, key)
	}
	return nil
}
