package decide

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// How often a password may be hashed, by Kafka's bounds for both mechanisms: fewer protect too little, more let one login keep
// a broker busy.
const (
	scramIterationsMin = 4096
	scramIterationsMax = 16384
)

// AlterUserSCRAMCredentials sets and removes credentials, each user on its own. A user that is named twice gets nothing done.
func (p *Plan) AlterUserSCRAMCredentials(req *kmsg.AlterUserSCRAMCredentialsRequest) *kmsg.AlterUserSCRAMCredentialsResponse {
	resp := req.ResponseKind().(*kmsg.AlterUserSCRAMCredentialsResponse)
	named := map[string]int{}
	decided := map[string]*failure{}
	for _, each := range req.Deletions {
		named[each.Name]++
		decided[each.Name] = p.checkDeletion(&each)
	}
	for _, each := range req.Upsertions {
		named[each.Name]++
		decided[each.Name] = checkUpsertion(&each)
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if named[name] > 1 {
			decided[name] = failf(kerr.DuplicateResource, "A user credential cannot be altered twice in the same request")
		}
		result := kmsg.NewAlterUserSCRAMCredentialsResponseResult()
		result.User = name
		result.ErrorCode, result.ErrorMessage = decided[name].wire()
		resp.Results = append(resp.Results, result)
	}
	for _, each := range req.Deletions {
		if decided[each.Name] == nil {
			p.add(&metadata.ScramRecord{User: metadata.ScramUser{Name: each.Name, Mechanism: each.Mechanism}, Remove: true})
		}
	}
	for _, each := range req.Upsertions {
		if decided[each.Name] == nil {
			p.add(&metadata.ScramRecord{User: metadata.ScramUser{Name: each.Name, Mechanism: each.Mechanism}, Credential: credentialOf(&each)})
		}
	}
	return resp
}

func checkScramUser(name string, mechanism int8) *failure {
	switch {
	case name == "":
		return failf(kerr.UnacceptableCredential, "Username must not be empty")
	case !slices.Contains(metadata.ScramMechanisms, mechanism):
		return failf(kerr.UnsupportedSaslMechanism, "Unknown SCRAM mechanism")
	}
	return nil
}

func (p *Plan) checkDeletion(want *kmsg.AlterUserSCRAMCredentialsRequestDeletion) *failure {
	if f := checkScramUser(want.Name, want.Mechanism); f != nil {
		return f
	}
	if p.Image().Scram[metadata.ScramUser{Name: want.Name, Mechanism: want.Mechanism}] == nil {
		return failf(kerr.ResourceNotFound, "Attempt to delete a user credential that does not exist")
	}
	return nil
}

func checkUpsertion(want *kmsg.AlterUserSCRAMCredentialsRequestUpsertion) *failure {
	if f := checkScramUser(want.Name, want.Mechanism); f != nil {
		return f
	}
	switch {
	case want.Iterations < scramIterationsMin:
		return failf(kerr.UnacceptableCredential, "Too few iterations")
	case want.Iterations > scramIterationsMax:
		return failf(kerr.UnacceptableCredential, "Too many iterations")
	case len(want.SaltedPassword) == 0:
		return failf(kerr.UnknownServerError, "The salted password is empty") // the code is the reference's
	}
	return nil
}

// credentialOf computes what is kept of a salted password (RFC 5802, section 3).
func credentialOf(want *kmsg.AlterUserSCRAMCredentialsRequestUpsertion) metadata.ScramCredential {
	var hashed func() hash.Hash = sha256.New
	if want.Mechanism == metadata.ScramSHA512 {
		hashed = sha512.New
	}
	sign := func(key []byte, text string) []byte {
		mac := hmac.New(hashed, key)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	stored := hashed()
	stored.Write(sign(want.SaltedPassword, "Client Key"))
	return metadata.ScramCredential{
		Salt: slices.Clone(want.Salt), StoredKey: stored.Sum(nil), ServerKey: sign(want.SaltedPassword, "Server Key"), Iterations: want.Iterations,
	}
}
