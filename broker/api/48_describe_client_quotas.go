package api

import (
	"context"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// The ways in which a part of a filter matches.
const (
	matchExactly kmsg.QuotasMatchType = 0
	matchDefault kmsg.QuotasMatchType = 1
	matchAny     kmsg.QuotasMatchType = 2
)

// DescribeClientQuotas, key 48, versions 0 to 1: the limits of the entities that a filter lets through (KIP-546). Each of its parts must
// be there and match, and when it is strict no others may be there.
func (h *Handler) describeClientQuotas(_ context.Context, c call, req *kmsg.DescribeClientQuotasRequest) *kmsg.DescribeClientQuotasResponse {
	resp := kmsg.NewPtrDescribeClientQuotasResponse()
	err := checkFilter(req)
	if !h.mayCluster(c, OpDescribeConfigs) {
		err = kerr.ClusterAuthorizationFailed
	}
	if err != nil {
		resp.ErrorCode, resp.ErrorMessage = codeOf(err), configMessage(err)
		return resp
	}
	resp.Entries = []kmsg.DescribeClientQuotasResponseEntry{} // null would be no answer: the Java client falls over it
	for entity, limits := range h.Controller.Image().Quotas {
		if filterMatches(req, entity) {
			resp.Entries = append(resp.Entries, quotaEntry(entity, limits))
		}
	}
	slices.SortFunc(resp.Entries, func(a, b kmsg.DescribeClientQuotasResponseEntry) int {
		return slices.Compare(entityWords(a.Entity), entityWords(b.Entity))
	})
	return resp
}

func quotaEntry(entity metadata.QuotaEntity, limits metadata.Quotas) kmsg.DescribeClientQuotasResponseEntry {
	entry := kmsg.NewDescribeClientQuotasResponseEntry()
	for _, part := range partsOf(entity) {
		if part.name.Kind == metadata.QuotaAbsent {
			continue
		}
		one := kmsg.NewDescribeClientQuotasResponseEntryEntity()
		one.Type = part.kind
		if part.name.Kind == metadata.QuotaNamed {
			one.Name = &part.name.Name
		}
		entry.Entity = append(entry.Entity, one)
	}
	for key, limit := range limits {
		value := kmsg.NewDescribeClientQuotasResponseEntryValue()
		value.Key, value.Value = key, limit
		entry.Values = append(entry.Values, value)
	}
	slices.SortFunc(entry.Values, func(a, b kmsg.DescribeClientQuotasResponseEntryValue) int { return strings.Compare(a.Key, b.Key) })
	return entry
}

func entityWords(parts []kmsg.DescribeClientQuotasResponseEntryEntity) (words []string) {
	for _, part := range parts {
		words = append(words, part.Type)
		if part.Name != nil {
			words = append(words, *part.Name)
		}
	}
	return words
}

type quotaPart struct {
	kind string
	name metadata.QuotaName
}

func partsOf(e metadata.QuotaEntity) []quotaPart {
	return []quotaPart{{"client-id", e.ClientID}, {"ip", e.IP}, {"user", e.User}}
}

func checkFilter(req *kmsg.DescribeClientQuotasRequest) error {
	seen := map[string]bool{}
	for _, part := range req.Components {
		switch {
		case part.EntityType == "":
			return configErrorf(kerr.InvalidRequest, "Invalid empty entity type.")
		case seen[part.EntityType]:
			return configErrorf(kerr.InvalidRequest, "Entity type %s cannot appear more than once in the filter.", part.EntityType)
		case part.EntityType != "user" && part.EntityType != "client-id" && part.EntityType != "ip":
			return configErrorf(kerr.UnsupportedVersion, "Unsupported entity type %s", part.EntityType)
		case part.MatchType == matchExactly && part.Match == nil:
			return configErrorf(kerr.InvalidRequest, "Request specified MATCH_TYPE_EXACT, but set match string to null.")
		case part.MatchType == matchDefault && part.Match != nil:
			return configErrorf(kerr.InvalidRequest, "Request specified MATCH_TYPE_DEFAULT, but also specified a match string.")
		case part.MatchType == matchAny && part.Match != nil:
			return configErrorf(kerr.InvalidRequest, "Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.")
		case part.MatchType < matchExactly || part.MatchType > matchAny:
			return configErrorf(kerr.InvalidRequest, "Unknown match type %d", part.MatchType)
		}
		seen[part.EntityType] = true
	}
	if seen["ip"] && len(seen) > 1 {
		return configErrorf(kerr.InvalidRequest, "Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.")
	}
	return nil
}

func filterMatches(req *kmsg.DescribeClientQuotasRequest, entity metadata.QuotaEntity) bool {
	for _, part := range partsOf(entity) {
		at := slices.IndexFunc(req.Components, func(c kmsg.DescribeClientQuotasRequestComponent) bool { return c.EntityType == part.kind })
		if at < 0 {
			if req.Strict && part.name.Kind != metadata.QuotaAbsent {
				return false
			}
			continue
		}
		wanted := &req.Components[at]
		matches := part.name.Kind != metadata.QuotaAbsent
		switch wanted.MatchType {
		case matchExactly:
			matches = part.name == metadata.QuotaName{Kind: metadata.QuotaNamed, Name: *wanted.Match}
		case matchDefault:
			matches = part.name.Kind == metadata.QuotaDefault
		}
		if !matches {
			return false
		}
	}
	return true
}
