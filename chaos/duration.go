package chaos

import (
	"encoding/json"
	"fmt"
	"time"
)

// A Duration is a time.Duration that JSON shows as Go writes it: "1.5s".
type Duration time.Duration

// D returns d as the standard library's type.
func (d Duration) D() time.Duration { return time.Duration(d) }

// String is Go's notation: "1.5s".
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalJSON writes Go's notation as a string.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads Go's notation. A bare number is refused: it would not say its unit.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf(`duration %s is not a string such as "1.5s"`, b)
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf(`duration %q is not written as "1.5s", "20ms" or "2m"`, s)
	}
	*d = Duration(v)
	return nil
}
