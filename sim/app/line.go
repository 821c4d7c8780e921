package app

import (
	"bytes"
	"encoding/json"
)

// The kinds of assertion.
const (
	Always     = "always"
	Sometimes  = "sometimes"
	Eventually = "eventually"
)

// Line is what an instance tells the host of an assertion. Other lines of its standard output are its own.
type Line struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// linePrefix sets a Line apart from what a program prints.
const linePrefix = "odradek assertion "

// AppendLine writes a line without its end.
func AppendLine(to []byte, line Line) []byte {
	text, err := json.Marshal(line)
	if err != nil {
		panic("app: a line has no JSON: " + err.Error()) // it is made of strings
	}
	return append(append(to, linePrefix...), text...)
}

// ParseLine reads what AppendLine wrote; false says that it is a line of the program's own.
func ParseLine(text []byte) (line Line, ok bool) {
	rest, ok := bytes.CutPrefix(text, []byte(linePrefix))
	if !ok || json.Unmarshal(rest, &line) != nil {
		return Line{}, false
	}
	return line, line.Kind == Always || line.Kind == Sometimes || line.Kind == Eventually
}
