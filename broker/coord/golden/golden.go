// Package golden reads the records that coordinators' tests are held against: what Kafka's coordinators wrote, or what ours once did.
package golden

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"odradek/broker/coord"
)

// Record is a record with the name that tests call it by.
type Record struct {
	Name string
	coord.Record
}

// Parse reads a file's text: a line each of a name, the key and the value in hex; a line that begins with "#" is a remark.
func Parse(t testing.TB, text string) []Record {
	t.Helper()
	var records []Record
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 3 {
			t.Fatalf("line %q", line)
		}
		key, keyErr := hex.DecodeString(fields[1])
		value, valueErr := hex.DecodeString(fields[2])
		if err := errors.Join(keyErr, valueErr); err != nil {
			t.Fatalf("%s: %v", fields[0], err)
		}
		records = append(records, Record{fields[0], coord.Record{Key: key, Value: value}})
	}
	return records
}
