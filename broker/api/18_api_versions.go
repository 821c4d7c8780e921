package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
	"odradek/broker/wire"
)

// ApiVersions, key 18, versions 0 to 4: what is served, from the table that requests are parsed by, and the features of KIP-584. A
// request of a later version does not come here: the server answers it with version 0 and the range of this key (wire.Registry).
func (h *Handler) apiVersions(_ context.Context, _ call, req *kmsg.ApiVersionsRequest) *kmsg.ApiVersionsResponse {
	return h.versions.ApiVersions(req, featuresOf(h.Controller.Image()))
}

// featuresOf is what clients are told of features. The epoch is the metadata's version: it rises with every change, and others.
func featuresOf(img *metadata.Image) wire.Features {
	features := wire.Features{Epoch: int64(img.Version)}
	for _, f := range metadata.Features {
		features.Features = append(features.Features, wire.Feature{Name: f.Name, Min: f.Min, Max: f.Max, Finalized: img.FeatureLevel(f.Name)})
	}
	return features
}
