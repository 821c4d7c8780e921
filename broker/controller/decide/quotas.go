package decide

import (
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// quotaKey says what a limit may be.
type quotaKey struct {
	forAddresses bool // else for users and clients
	whole        bool // no fractions
}

// quotaKeys are all limits, under Kafka's names.
var quotaKeys = map[string]quotaKey{
	"producer_byte_rate":       {whole: true},
	"consumer_byte_rate":       {whole: true},
	"request_percentage":       {},
	"controller_mutation_rate": {},
	"connection_creation_rate": {forAddresses: true, whole: true},
}

// AlterClientQuotas sets and removes limits, each entity on its own (KIP-546, KIP-612). Errors are those of Kafka's
// ClientQuotaControlManager; like there, an entity that comes twice is answered once, by an error, and its first entry counts.
func (p *Plan) AlterClientQuotas(req *kmsg.AlterClientQuotasRequest) *kmsg.AlterClientQuotasResponse {
	resp := req.ResponseKind().(*kmsg.AlterClientQuotasResponse)
	at := map[metadata.QuotaEntity]int{}
	for i := range req.Entries {
		entry := &req.Entries[i]
		entity, parts, f := readEntity(entry)
		if first, twice := at[entity]; twice && f == nil {
			answer := &resp.Entries[first]
			answer.ErrorCode, answer.ErrorMessage = failf(kerr.InvalidRequest, "Ignoring duplicate entity %s", nameOf(parts)).wire()
			continue
		}
		if f == nil {
			at[entity] = len(resp.Entries)
			f = p.alterQuotas(entity, entry, parts, req.ValidateOnly)
		}
		answer := kmsg.NewAlterClientQuotasResponseEntry()
		answer.ErrorCode, answer.ErrorMessage = f.wire()
		for _, part := range parts {
			one := kmsg.NewAlterClientQuotasResponseEntryEntity()
			one.Type, one.Name = part.Type, part.Name
			answer.Entity = append(answer.Entity, one)
		}
		resp.Entries = append(resp.Entries, answer)
	}
	return resp
}

// readEntity reads whom an entry is for; of a part that comes twice the last counts.
func readEntity(entry *kmsg.AlterClientQuotasRequestEntry) (e metadata.QuotaEntity, parts []kmsg.AlterClientQuotasRequestEntryEntity, f *failure) {
	for _, part := range entry.Entity {
		if same := slices.IndexFunc(parts, func(o kmsg.AlterClientQuotasRequestEntryEntity) bool { return o.Type == part.Type }); same >= 0 {
			parts[same] = part
		} else {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return e, nil, failf(kerr.InvalidRequest, "Invalid empty client quota entity")
	}
	for _, part := range parts {
		name := metadata.QuotaName{Kind: metadata.QuotaDefault}
		if part.Name != nil {
			name = metadata.QuotaName{Kind: metadata.QuotaNamed, Name: *part.Name}
		}
		switch {
		case part.Type == "user":
			e.User = name
		case part.Type == "client-id":
			e.ClientID = name
		case part.Type == "ip":
			e.IP = name
		default:
			return e, parts, failf(kerr.InvalidRequest, "Unhandled client quota entity type: %s", part.Type)
		}
		if part.Name != nil && *part.Name == "" {
			return e, parts, failf(kerr.InvalidRequest, "Empty %s not supported", part.Type)
		}
	}
	if e.IP.Kind != metadata.QuotaAbsent && len(parts) > 1 {
		return e, parts, failf(kerr.InvalidRequest, "Invalid quota entity combination, IP entity should not be combined with User or ClientId")
	}
	return e, parts, nil
}

func nameOf(parts []kmsg.AlterClientQuotasRequestEntryEntity) string {
	var words []string
	for _, part := range parts {
		name := "<default>"
		if part.Name != nil {
			name = *part.Name
		}
		words = append(words, part.Type+"="+name)
	}
	return strings.Join(words, ", ")
}

func (p *Plan) alterQuotas(entity metadata.QuotaEntity, entry *kmsg.AlterClientQuotasRequestEntry, parts []kmsg.AlterClientQuotasRequestEntryEntity, validateOnly bool) *failure {
	if _, err := netip.ParseAddr(entity.IP.Name); entity.IP.Kind == metadata.QuotaNamed && err != nil {
		return failf(kerr.InvalidRequest, "%s is not a valid IP address.", entity.IP.Name)
	}
	for i, op := range entry.Ops {
		if slices.ContainsFunc(entry.Ops[:i], func(other kmsg.AlterClientQuotasRequestEntryOp) bool { return other.Key == op.Key }) {
			return failf(kerr.InvalidRequest, "Ignoring duplicate entity %s", nameOf(parts))
		}
		if f := checkQuota(entity, &op); f != nil {
			return f
		}
	}
	if validateOnly {
		return nil
	}
	for _, op := range entry.Ops {
		current, set := p.Image().Quotas[entity][op.Key]
		switch {
		case op.Remove && set:
			p.add(&metadata.QuotaRecord{Entity: entity, Key: op.Key, Remove: true})
		case !op.Remove && (!set || current != op.Value):
			p.add(&metadata.QuotaRecord{Entity: entity, Key: op.Key, Value: op.Value})
		}
	}
	return nil
}

func checkQuota(entity metadata.QuotaEntity, op *kmsg.AlterClientQuotasRequestEntryOp) *failure {
	key, known := quotaKeys[op.Key]
	if !known || key.forAddresses != (entity.IP.Kind != metadata.QuotaAbsent) {
		return failf(kerr.InvalidRequest, "Invalid configuration key %s", op.Key)
	}
	const almost = 1e-6 // what is so near to a whole number is one
	switch {
	case op.Remove:
		return nil
	case !(op.Value > 0):
		return failf(kerr.InvalidRequest, "Quota %s must be greater than 0", op.Key)
	case math.IsInf(op.Value, 0) || key.whole && op.Value > math.MaxInt64:
		return failf(kerr.InvalidRequest, "%s is too large.", op.Key)
	case key.whole && math.Abs(op.Value-math.Round(op.Value)) > almost:
		return failf(kerr.InvalidRequest, "%s cannot be a fractional value.", op.Key)
	}
	return nil
}
