package api

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// ListConfigResources, key 74, versions 0 to 1: the names of what can be configured, and of groups and client metrics of what was
// (KIP-1142). Version 0 asks for client metrics, of which there are none here; version 1 for some types, or all when it names none.
func (h *Handler) listConfigResources(_ context.Context, c call, req *kmsg.ListConfigResourcesRequest) *kmsg.ListConfigResourcesResponse {
	resp := kmsg.NewPtrListConfigResourcesResponse()
	kinds := req.ResourceTypes
	switch {
	case !h.mayCluster(c, OpDescribeConfigs):
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		return resp
	case c.Version == 0:
		kinds = []int8{int8(kmsg.ConfigResourceTypeClientMetrics)}
	case len(kinds) == 0:
		kinds = configurable
	}
	for _, kind := range kinds {
		if !slices.Contains(configurable, kind) {
			resp.ErrorCode = kerr.UnsupportedVersion.Code
			return resp
		}
	}
	img := h.Controller.Image()
	for _, kind := range configurable {
		if !slices.Contains(kinds, kind) {
			continue
		}
		for _, name := range resourcesOf(img, kmsg.ConfigResourceType(kind)) {
			resource := kmsg.NewListConfigResourcesResponseConfigResource()
			resource.Name, resource.Type = name, kind
			resp.ConfigResources = append(resp.ConfigResources, resource)
		}
	}
	return resp
}

// configurable are the types that version 1 may ask for. Nothing here has a logger's level or client metrics to configure, so
// there are none to list.
var configurable = []int8{
	int8(kmsg.ConfigResourceTypeTopic), int8(kmsg.ConfigResourceTypeBroker), int8(kmsg.ConfigResourceTypeBrokerLogger),
	int8(kmsg.ConfigResourceTypeClientMetrics), int8(kmsg.ConfigResourceTypeGroupConfig),
}

func resourcesOf(img *metadata.Image, kind kmsg.ConfigResourceType) (names []string) {
	switch kind {
	case kmsg.ConfigResourceTypeTopic:
		names = slices.Collect(maps.Keys(img.Topics))
	case kmsg.ConfigResourceTypeBroker:
		for id := range img.Brokers {
			names = append(names, strconv.Itoa(int(id)))
		}
	case kmsg.ConfigResourceTypeGroupConfig:
		for resource := range img.Configs {
			if resource.Type == metadata.ResourceGroup {
				names = append(names, resource.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}
