package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Kinds of endpoints that DescribeCluster can be asked for (KIP-919).
const (
	endpointBrokers     int8 = 1
	endpointControllers int8 = 2
)

// DescribeCluster, key 60, versions 0 to 2: the cluster's id, its nodes and its controller (KIP-700).
//
//	v1  kinds of endpoints (KIP-919): only brokers are told of here     v2  fenced nodes, when asked for (KIP-1073)
func (h *Handler) describeCluster(_ context.Context, c call, req *kmsg.DescribeClusterRequest) *kmsg.DescribeClusterResponse {
	resp := kmsg.NewPtrDescribeClusterResponse()
	resp.ControllerID = -1
	if kind := req.EndpointType; c.Version >= 1 && kind != endpointBrokers {
		code, text := kerr.UnsupportedEndpointType.Code, fmt.Sprintf("Unsupported endpoint type %d", kind)
		if kind == endpointControllers {
			code, text = kerr.MismatchedEndpointType.Code, "Controllers are not told of at a broker's listener"
		}
		resp.ErrorCode, resp.ErrorMessage = code, &text
		return resp
	}
	img := h.Controller.Image()
	resp.ClusterID, resp.ControllerID = img.ClusterID, h.controllerID()
	if req.IncludeClusterAuthorizedOperations {
		resp.ClusterAuthorizedOperations = h.operations(c, ResourceCluster, clusterName)
	}
	for _, b := range img.Brokers {
		if b.Fenced && !req.IncludeFencedBrokers {
			continue
		}
		broker := kmsg.NewDescribeClusterResponseBroker()
		broker.NodeID, broker.Host, broker.Port, broker.Rack = b.ID, b.Host, b.Port, nullable(b.Rack)
		broker.IsFenced = b.Fenced
		resp.Brokers = append(resp.Brokers, broker)
	}
	slices.SortFunc(resp.Brokers, func(a, b kmsg.DescribeClusterResponseBroker) int { return cmp.Compare(a.NodeID, b.NodeID) })
	return resp
}
