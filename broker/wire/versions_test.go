package wire

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestRegistry(t *testing.T) {
	r := NewRegistry(Range{18, 0, 4}, Range{0, 3, 13}, Range{3, 0, 12})
	if want := []Range{{0, 0, 13}, {3, 0, 12}, {18, 0, 4}}; !slices.Equal(r.Advertised(), want) {
		t.Errorf("advertised %v, want %v", r.Advertised(), want)
	}
	for _, test := range []struct {
		key, low, high int16
		ok             bool
	}{{0, 3, 13, true}, {3, 0, 12, true}, {1, 0, 0, false}, {-1, 0, 0, false}} {
		if low, high, ok := r.Supports(test.key); low != test.low || high != test.high || ok != test.ok {
			t.Errorf("key %d: %d, %d, %v", test.key, low, high, ok)
		}
	}
}

func TestRegistryRefuses(t *testing.T) {
	for name, ranges := range map[string][]Range{
		"the same key twice":                 {{3, 0, 1}, {3, 0, 1}},
		"an unknown key":                     {{999, 0, 0}},
		"a key that was removed":             {{4, 0, 0}},
		"a version below the schema's":       {{0, 0, 13}},
		"a version above the schema's":       {{0, 3, 14}},
		"a range that ends before it begins": {{3, 2, 1}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s went unnoticed", name)
				}
			}()
			NewRegistry(ranges...)
		}()
	}
}

func TestApiVersionsFeatures(t *testing.T) {
	r := NewRegistry(Range{18, 0, 4})
	features := Features{Epoch: 9, Features: []Feature{
		{Name: "from.nought", Min: 0, Max: 1, Finalized: 1}, {Name: "from.one", Min: 1, Max: 2},
	}}
	for version, want := range map[int16]int{3: 1, 4: 2} {
		req := &kmsg.ApiVersionsRequest{Version: version, ClientSoftwareName: "a", ClientSoftwareVersion: "1.0-x"}
		resp := r.ApiVersions(req, features)
		if len(resp.SupportedFeatures) != want || len(resp.FinalizedFeatures) != 1 || resp.FinalizedFeaturesEpoch != 9 {
			t.Errorf("v%d: %+v", version, resp)
		}
	}
}

func TestValidSoftware(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "franz-go": true, "1.22.2": true, "": false, "-a": false, "a.": false, "a b": false, "a_b": false, "ä": false,
	} {
		if validSoftware(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
