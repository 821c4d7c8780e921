package wire

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Range is the versions of an API that are served, both ends included.
type Range struct{ Key, Min, Max int16 }

// keyProduce is advertised from version 0, see Advertised.
const keyProduce = 0

// Registry is the table of what a listener serves. It is what Parse asks, and what ApiVersions is answered from, so that
// nothing is advertised that isn't done. It is never changed after it is made.
type Registry struct {
	ranges []Range          // in order of key
	byKey  map[int16]*Range // into ranges
}

// NewRegistry makes the table. A key declared twice, or a version that the schema or kmsg can't read, is a programmer's
// error and panics.
func NewRegistry(ranges ...Range) *Registry {
	r := &Registry{ranges: slices.Clone(ranges), byKey: make(map[int16]*Range, len(ranges))}
	slices.SortFunc(r.ranges, func(a, b Range) int { return cmp.Compare(a.Key, b.Key) })
	for i := range r.ranges {
		declared := &r.ranges[i]
		shape, req := messageSchema().requests[declared.Key], kmsg.RequestForKey(declared.Key)
		switch {
		case r.byKey[declared.Key] != nil:
			panic(fmt.Sprintf("wire: API key %d is declared twice", declared.Key))
		case shape == nil || req == nil:
			panic(fmt.Sprintf("wire: API key %d has no message", declared.Key))
		case declared.Min > declared.Max || !shape.versions.has(declared.Min) || !shape.versions.has(declared.Max),
			declared.Max > req.MaxVersion():
			panic(fmt.Sprintf("wire: %s can't be read in versions %d to %d", shape.name, declared.Min, declared.Max))
		}
		r.byKey[declared.Key] = declared
	}
	return r
}

// Supports tells the versions in which key is served; it is what Parse wants.
func (r *Registry) Supports(key int16) (minVersion, maxVersion int16, ok bool) {
	if declared := r.byKey[key]; declared != nil {
		return declared.Min, declared.Max, true
	}
	return 0, 0, false
}

// Advertised is what clients are told, in order of key. Produce begins at 0 although 3 is the first that is served, as
// in the reference (KAFKA-18659): older librdkafka looks for Produce 0 to 2 to learn what a broker can do, and can't
// compress when there is none. It does not send them; who does is disconnected, there as here.
func (r *Registry) Advertised() []Range {
	advertised := slices.Clone(r.ranges)
	for i := range advertised {
		if advertised[i].Key == keyProduce {
			advertised[i].Min = 0
		}
	}
	return advertised
}

// Feature is a feature of KIP-584, with the versions that are supported and the one that the cluster has settled on.
type Feature struct {
	Name      string
	Min, Max  int16
	Finalized int16 // 0 when not finalized, which is then not told
}

// Features is what ApiVersions v3 and later tells beyond the versions. Epoch rises with every change of what is
// finalized; -1 when it is not known.
type Features struct {
	Epoch    int64
	Features []Feature
}

// ApiVersions answers req: with the table and the features, or with INVALID_REQUEST when the client's name for its
// software is not one that KIP-511 allows.
func (r *Registry) ApiVersions(req *kmsg.ApiVersionsRequest, features Features) *kmsg.ApiVersionsResponse {
	resp := kmsg.NewPtrApiVersionsResponse()
	resp.SetVersion(req.Version)
	if req.Version >= 3 && !ValidClientSoftware(req) {
		resp.ErrorCode = kerr.InvalidRequest.Code
		return resp
	}
	for _, advertised := range r.Advertised() {
		key := kmsg.NewApiVersionsResponseApiKey()
		key.ApiKey, key.MinVersion, key.MaxVersion = advertised.Key, advertised.Min, advertised.Max
		resp.ApiKeys = append(resp.ApiKeys, key)
	}
	resp.FinalizedFeaturesEpoch = features.Epoch
	for _, f := range features.Features {
		// Clients before version 4 can't read a feature that begins at 0, and would fail on the whole (KAFKA-17011).
		if f.Min > 0 || req.Version >= 4 {
			supported := kmsg.NewApiVersionsResponseSupportedFeature()
			supported.Name, supported.MinVersion, supported.MaxVersion = f.Name, f.Min, f.Max
			resp.SupportedFeatures = append(resp.SupportedFeatures, supported)
		}
		if f.Finalized > 0 {
			finalized := kmsg.NewApiVersionsResponseFinalizedFeature()
			finalized.Name, finalized.MinVersionLevel, finalized.MaxVersionLevel = f.Name, f.Finalized, f.Finalized
			resp.FinalizedFeatures = append(resp.FinalizedFeatures, finalized)
		}
	}
	return resp
}

// UnsupportedApiVersions answers an ApiVersions of a version that isn't served: a body of version 0 with
// UNSUPPORTED_VERSION and the range of ApiVersions itself, by which the client tries again.
func (r *Registry) UnsupportedApiVersions(h Header) Response {
	resp := kmsg.NewPtrApiVersionsResponse()
	resp.ErrorCode = kerr.UnsupportedVersion.Code
	key := kmsg.NewApiVersionsResponseApiKey()
	key.ApiKey = keyApiVersions
	key.MinVersion, key.MaxVersion, _ = r.Supports(keyApiVersions)
	resp.ApiKeys = append(resp.ApiKeys, key)
	h.Version = 0
	return EncodeResponse(h, resp)
}

// ValidClientSoftware says whether the client's software name and version are such as KIP-511 allows: letters and digits,
// with dots and dashes between them.
func ValidClientSoftware(req *kmsg.ApiVersionsRequest) bool {
	return validSoftware(req.ClientSoftwareName) && validSoftware(req.ClientSoftwareVersion)
}

func validSoftware(name string) bool {
	for i := range len(name) {
		c := name[i]
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		inside := i > 0 && i < len(name)-1
		if !alphanumeric && !(inside && (c == '.' || c == '-')) {
			return false
		}
	}
	return name != ""
}
