package decide

import (
	"encoding/base64"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// TestScramCredential is RFC 7677's example of SCRAM-SHA-256: the server proves itself with the key that is kept.
func TestScramCredential(t *testing.T) {
	decode := func(text string) []byte {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	w := newWorld()
	req := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
	u := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
	u.Name, u.Mechanism, u.Iterations, u.Salt = "user", metadata.ScramSHA256, 4096, decode("W22ZaJ0SNY7soEsUEjb6gQ==")
	u.SaltedPassword = decode("xKSVEDI6tPlSysH6mUQZOeeOp01r6B3fcJbodRPcYV0=") // PBKDF2 of "pencil"
	req.Upsertions = append(req.Upsertions, u)
	w.decide(t, func(p *Plan) {
		if r := p.AlterUserSCRAMCredentials(req); r.Results[0].ErrorCode != 0 {
			t.Fatalf("%+v", r)
		}
	})
	got := w.image.Scram[metadata.ScramUser{Name: "user", Mechanism: metadata.ScramSHA256}]
	stored, server := "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=", "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
	if text := base64.StdEncoding.EncodeToString(got.StoredKey); text != stored {
		t.Errorf("stored key %s, want %s", text, stored)
	}
	if text := base64.StdEncoding.EncodeToString(got.ServerKey); text != server {
		t.Errorf("server key %s, want %s", text, server)
	}
}
