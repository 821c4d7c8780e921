package config

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"num.partition":       " (is num.partitions meant?)",
		"log.retention.hoers": " (is log.retention.hours meant?)",
		"min.insync.replica":  " (is min.insync.replicas meant?)",
		"node.idd":            " (is node.id meant?)",
		"foo.bar":             "",
		"x":                   "",
		"":                    "",
	} {
		if got := nearest(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"abc", "abc", 0}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ab]{0,8}`)
		a, b, c := text.Draw(t, "a"), text.Draw(t, "b"), text.Draw(t, "c")
		if distance(a, b) != distance(b, a) || distance(a, c) > distance(a, b)+distance(b, c) || (distance(a, b) == 0) != (a == b) {
			t.Fatalf("not a distance: %q %q %q", a, b, c)
		}
	})
}
