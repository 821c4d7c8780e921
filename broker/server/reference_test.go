package server

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"odradek/broker/wire"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// exchange is a case of testdata/reference.txt.
type exchange struct {
	name   string
	sent   []byte
	frames [][]byte // received, with their sizes; nil where the content depends on the broker's state
	open   bool     // the connection, afterwards
	ours   string   // how ours differs, "" if it doesn't
}

func readReference(t *testing.T) []exchange {
	t.Helper()
	text, err := os.ReadFile("testdata/reference.txt")
	if err != nil {
		t.Fatal(err)
	}
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var all []exchange
	var x *exchange
	var frame []byte
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		mark, rest, _ := strings.Cut(line, " ")
		switch mark {
		case "##":
			all = append(all, exchange{name: rest})
			x = &all[len(all)-1]
		case ">":
			x.sent = append(x.sent, unhex(rest)...)
		case "<":
			piece, last := strings.CutSuffix(rest, ".")
			frame = append(frame, unhex(strings.TrimSpace(piece))...)
			if last {
				x.frames, frame = append(x.frames, frame), nil
			}
		case "=":
			x.open = rest == "open"
		case "!":
			x.ours = rest
		}
	}
	return all
}

// referenceTable makes the registry and features that the reference told of itself.
func referenceTable(t *testing.T, all []exchange) (*wire.Registry, wire.Features) {
	t.Helper()
	resp := kmsg.NewPtrApiVersionsResponse()
	for _, x := range all {
		if x.name == "ApiVersions v4" {
			resp.SetVersion(4)
			if err := resp.ReadFrom(x.frames[0][8:]); err != nil {
				t.Fatal(err)
			}
		}
	}
	var ranges []wire.Range
	for _, key := range resp.ApiKeys {
		if key.ApiKey == 0 {
			key.MinVersion = 3 // the first there is
		}
		ranges = append(ranges, wire.Range{Key: key.ApiKey, Min: key.MinVersion, Max: key.MaxVersion})
	}
	features := wire.Features{Epoch: resp.FinalizedFeaturesEpoch}
	for _, supported := range resp.SupportedFeatures {
		f := wire.Feature{Name: supported.Name, Min: supported.MinVersion, Max: supported.MaxVersion}
		for _, finalized := range resp.FinalizedFeatures {
			if finalized.Name == f.Name {
				f.Finalized = finalized.MaxVersionLevel
			}
		}
		features.Features = append(features.Features, f)
	}
	return wire.NewRegistry(ranges...), features
}

// TestLikeTheReference sends what the reference was sent, and demands the same bytes back and the same end.
func TestLikeTheReference(t *testing.T) {
	all := readReference(t)
	if len(all) < 60 {
		t.Fatalf("only %d cases", len(all))
	}
	versions, features := referenceTable(t, all)
	_, network := start(t, Config{Versions: versions, Handler: handlerFunc(func(_ context.Context, call *Call) {
		switch req := call.Request.(type) {
		case *kmsg.ApiVersionsRequest:
			call.Reply(wire.EncodeResponse(call.Header, versions.ApiVersions(req, features)))
		case *kmsg.ProduceRequest:
			if req.Acks == 0 {
				call.NoReply()
				return
			}
			call.Reply(empty(call))
		default:
			call.Reply(empty(call))
		}
	})})
	for _, x := range all {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			open, frames := x.open, x.frames
			if strings.HasPrefix(x.ours, "closed") {
				open, frames = false, nil
			}
			c := dial(t, network)
			c.send(x.sent)
			for _, want := range frames {
				frame, err := c.reader.Next()
				if err != nil {
					t.Fatal("no answer: ", err)
				}
				if want != nil && !sameResponse(frame.Bytes, want[4:]) {
					t.Errorf("got  %x\nwant %x", frame.Bytes, want[4:])
				}
			}
			if !open {
				c.expectEnd()
				return
			}
			c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			if _, err := c.Read(make([]byte, 1)); !os.IsTimeout(err) {
				t.Errorf("the connection is not left open: %v", err)
			}
		})
	}
}

// sameResponse compares bytes. In ApiVersions the reference lists finalized features in no order of its own, and their
// epoch is its metadata log's end: those are put aside.
func sameResponse(got, want []byte) bool {
	return bytes.Equal(got, want) || bytes.Equal(withoutChance(got), withoutChance(want))
}

func withoutChance(response []byte) []byte {
	resp := kmsg.NewPtrApiVersionsResponse()
	resp.SetVersion(4)
	if err := resp.ReadFrom(response[4:]); err != nil {
		return response
	}
	resp.FinalizedFeaturesEpoch = 0
	slices.SortFunc(resp.FinalizedFeatures, func(a, b kmsg.ApiVersionsResponseFinalizedFeature) int {
		return strings.Compare(a.Name, b.Name)
	})
	return resp.AppendTo(response[:4:4])
}
