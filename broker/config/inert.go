package config

import (
	_ "embed"
	"regexp"
	"strings"
)

// inertNames lists the broker-level keys of Kafka 4.3 that the tables lack: nothing here acts on them, and their
// values aren't looked at. A name leaves the file when it gets its entry in a table.
//
//go:embed inert.txt
var inertNames string

var inert = func() map[string]bool {
	names := make(map[string]bool)
	for name := range strings.FieldsSeq(inertNames) {
		names[name] = true
	}
	return names
}()

// Keys of one listener, and those that Kafka hands to a plug-in by their prefix.
var prefixed = regexp.MustCompile(`^(listener\.name\.[^.]+|rsm\.config|rlmm\.config|metrics\.jmx|ssl|sasl|config\.providers)\..+`)

// IsKnownInert says whether a broker-level key is Kafka's but has no meaning here yet.
func IsKnownInert(name string) bool {
	return inert[name] || Lookup(ScopeBroker, name) == nil && prefixed.MatchString(name)
}
