package reports

import (
	"encoding/json"
	"fmt"
)

// The outcomes of operations.
const (
	OutcomeOK      = "ok"
	OutcomeFail    = "fail"    // it never took effect
	OutcomeUnknown = "unknown" // it ended without knowing, or did not end
)

// An Operation is what a client did. Its JSON is an array of the fields in their order: there are thousands.
type Operation struct {
	Process string
	ID      int64  // counts up within the process
	Kind    string // send, poll, assign, offsets
	Outcome string
	From    Time
	To      Time   // Never when it did not end
	Where   string // partitions, or empty
	Offset  int64  // -1 for none
	What    string // the value that was sent, the records that were read
	Detail  string // how it was asked for; the error
}

func (o *Operation) fields() []any {
	return []any{&o.Process, &o.ID, &o.Kind, &o.Outcome, &o.From, &o.To, &o.Where, &o.Offset, &o.What, &o.Detail}
}

// MarshalJSON writes the array.
func (o Operation) MarshalJSON() ([]byte, error) { return json.Marshal(o.fields()) }

// UnmarshalJSON reads the array.
func (o *Operation) UnmarshalJSON(text []byte) error {
	return unmarshalRow("operation", text, o.fields())
}

// A Line is a line of a log. Its JSON is an array of the fields in their order.
type Line struct {
	At   Time
	Who  string // a node's or client's name; "fault" and "exit" are the harness's own words
	Text string
}

func (l *Line) fields() []any { return []any{&l.At, &l.Who, &l.Text} }

// MarshalJSON writes the array.
func (l Line) MarshalJSON() ([]byte, error) { return json.Marshal(l.fields()) }

// UnmarshalJSON reads the array.
func (l *Line) UnmarshalJSON(text []byte) error { return unmarshalRow("line", text, l.fields()) }

func unmarshalRow(name string, text []byte, fields []any) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(raw) != len(fields) {
		return fmt.Errorf("%s: %d fields, %d are expected", name, len(raw), len(fields))
	}
	for i, field := range fields {
		if err := json.Unmarshal(raw[i], field); err != nil {
			return fmt.Errorf("%s, field %d: %w", name, i, err)
		}
	}
	return nil
}
