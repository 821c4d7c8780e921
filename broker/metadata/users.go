package metadata

import "cmp"

// QuotaName is one part of a quota's entity: not there, a name, or the default for all names that have no quota of their own.
type QuotaName struct {
	Kind QuotaKind
	Name string // of kind QuotaNamed
}

// QuotaKind says what a QuotaName is.
type QuotaKind int8

// The kinds of QuotaName.
const (
	QuotaAbsent  QuotaKind = 0
	QuotaNamed   QuotaKind = 1
	QuotaDefault QuotaKind = 2
)

// QuotaEntity is whom a quota is for (KIP-546): a user, a client id, both together, or an address.
type QuotaEntity struct {
	User, ClientID, IP QuotaName
}

// Quotas are an entity's limits by Kafka's keys (producer_byte_rate and the like).
type Quotas map[string]float64

// The mechanisms of SCRAM, numbered as in Kafka.
const (
	ScramSHA256 int8 = 1
	ScramSHA512 int8 = 2
)

// ScramMechanisms are all mechanisms.
var ScramMechanisms = []int8{ScramSHA256, ScramSHA512}

// ScramUser is a user with one of its mechanisms.
type ScramUser struct {
	Name      string
	Mechanism int8
}

// ScramCredential is what a server keeps of a user's password (RFC 5802): it proves the password and can't be used as one.
type ScramCredential struct {
	Salt, StoredKey, ServerKey []byte
	Iterations                 int32
}

func compareQuotaNames(a, b QuotaName) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

func compareEntities(a, b QuotaEntity) int {
	return cmp.Or(compareQuotaNames(a.User, b.User), compareQuotaNames(a.ClientID, b.ClientID), compareQuotaNames(a.IP, b.IP))
}

func compareScramUsers(a, b ScramUser) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Mechanism, b.Mechanism))
}
