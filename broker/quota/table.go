package quota

import "odradek/broker/metadata"

// Kind is what is limited.
type Kind int8

// The kinds of limits for users and clients, and the one for addresses.
const (
	ProduceBytes Kind = iota
	FetchBytes
	// RequestPercent is processor time: 100 is all of one processor.
	RequestPercent
	Mutations
	Connections
)

// keys are the kinds' names in Kafka.
var keys = [...]string{"producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate", "connection_creation_rate"}

// Who asks: a user by its name and a client by what it calls itself.
type Who struct{ User, ClientID string }

// limitOf finds the limit that applies to somebody, and under which name what it has used is counted. ok is false without one.
func limitOf(quotas map[metadata.QuotaEntity]metadata.Quotas, kind Kind, who Who) (limit float64, sharer Who, ok bool) {
	named := func(name string) metadata.QuotaName { return metadata.QuotaName{Kind: metadata.QuotaNamed, Name: name} }
	user, client, anyone := named(who.User), named(who.ClientID), metadata.QuotaName{Kind: metadata.QuotaDefault}
	byUser, byClient := Who{User: who.User}, Who{ClientID: who.ClientID}
	for _, level := range [...]struct {
		entity metadata.QuotaEntity
		sharer Who
	}{
		{metadata.QuotaEntity{User: user, ClientID: client}, who},
		{metadata.QuotaEntity{User: user, ClientID: anyone}, who},
		{metadata.QuotaEntity{User: user}, byUser},
		{metadata.QuotaEntity{User: anyone, ClientID: client}, who},
		{metadata.QuotaEntity{User: anyone, ClientID: anyone}, who},
		{metadata.QuotaEntity{User: anyone}, byUser},
		{metadata.QuotaEntity{ClientID: client}, byClient},
		{metadata.QuotaEntity{ClientID: anyone}, byClient},
	} {
		if limit, ok := quotas[level.entity][keys[kind]]; ok {
			return limit, level.sharer, true
		}
	}
	return 0, Who{}, false
}

// addressLimit is how many connections an address may open in a second.
func addressLimit(quotas map[metadata.QuotaEntity]metadata.Quotas, ip string) (limit float64, ok bool) {
	own := metadata.QuotaEntity{IP: metadata.QuotaName{Kind: metadata.QuotaNamed, Name: ip}}
	if limit, ok := quotas[own][keys[Connections]]; ok {
		return limit, true
	}
	limit, ok = quotas[metadata.QuotaEntity{IP: metadata.QuotaName{Kind: metadata.QuotaDefault}}][keys[Connections]]
	return limit, ok
}
