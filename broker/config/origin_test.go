package config

import (
	"testing"
	"time"
)

// TestOrigin: where share groups begin, in Kafka's words.
func TestOrigin(t *testing.T) {
	for text, want := range map[string]Origin{
		"latest": {}, "earliest": {Earliest: true}, "by_duration:PT1H": {Ago: time.Hour}, "by_duration:P1DT2H3M4.5S": {Ago: 26*time.Hour + 3*time.Minute + 4500*time.Millisecond},
		"by_duration:P2D": {Ago: 48 * time.Hour}, "by_duration:PT0.5S": {Ago: 500 * time.Millisecond},
	} {
		if err := Check(ScopeGroup, "share.auto.offset.reset", text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got := (Layers{}).ShareGroup(map[string]string{"share.auto.offset.reset": text}).Origin; got != want {
			t.Errorf("%s is %+v", text, got)
		}
	}
	for _, text := range []string{"", "none", "by_duration", "by_duration:", "by_duration:P", "by_duration:PT", "by_duration:P1DT", "by_duration:-PT1H", "by_duration:PT-1H", "by_duration:PT0S", "by_duration:1h", "by_duration:PT99999999999H"} {
		if err := Check(ScopeGroup, "share.auto.offset.reset", text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
