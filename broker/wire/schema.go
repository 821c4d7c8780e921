package wire

import (
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
)

// schemaText holds the shape of every message of the reference's clients jar, written by genschema. A line a message, and
// below it a line a field, indented by its depth:
//
//	request|response KEY NAME VERSIONS flexible VERSIONS
//	 NAME TYPE VERSIONS [null VERSIONS] [tag NUMBER VERSIONS]
//
//go:embed schema.txt
var schemaText string

// versions is a range of a message's versions, both ends included; an empty one has first > last.
type versions struct{ first, last int16 }

func (v versions) has(version int16) bool { return v.first <= version && version <= v.last }

var noVersions = versions{first: 1, last: 0}

// kind is what a field looks like on the wire.
type kind uint8

const (
	kindFixed  kind = iota // size bytes
	kindString             // int16 length, or uvarint length + 1 where the version is flexible
	kindBytes              // int32 length, or uvarint length + 1
	kindStruct
)

// shape is a field of a message, or, as the message itself, a structure.
type shape struct {
	name     string
	kind     kind
	array    bool
	size     int // of one value of kindFixed, in bytes
	versions versions
	nullable versions
	tagged   versions
	tag      uint32
	fields   []*shape // of kindStruct
}

// messageShape is a request or a response.
type messageShape struct {
	name     string
	versions versions
	flexible versions
	shape
}

// schema is schemaText in memory. Never changed after it is made.
type schema struct {
	requests  map[int16]*messageShape
	responses map[int16]*messageShape
}

// messageSchema parses schemaText on first use. The text is part of the program, so a fault in it is a programmer's.
var messageSchema = sync.OnceValue(func() *schema {
	s, err := parseSchema(schemaText)
	if err != nil {
		panic("wire: schema.txt: " + err.Error())
	}
	return s
})

func parseSchema(text string) (*schema, error) {
	s := &schema{requests: map[int16]*messageShape{}, responses: map[int16]*messageShape{}}
	var open []*shape // the structure that lines of each depth belong to
	number := 0
	for line := range strings.Lines(text) {
		number++
		words := strings.Fields(line)
		depth := len(line) - len(strings.TrimLeft(line, " "))
		if depth == 0 {
			m, err := s.addMessage(words)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
			open = append(open[:0], &m.shape)
			continue
		}
		f, err := parseField(words)
		if err == nil && depth > len(open) {
			err = fmt.Errorf("field %s stands too deep", words[0])
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		parent := open[depth-1]
		parent.fields = append(parent.fields, f)
		open = append(open[:depth], f)
	}
	return s, nil
}

func (s *schema) addMessage(words []string) (*messageShape, error) {
	if len(words) != 6 || words[4] != "flexible" {
		return nil, fmt.Errorf("%q is not a message", words)
	}
	key, err := strconv.ParseInt(words[1], 10, 16)
	if err != nil {
		return nil, err
	}
	m := &messageShape{name: words[2], shape: shape{name: words[2], kind: kindStruct}}
	if m.versions, err = parseVersions(words[3]); err != nil {
		return nil, err
	}
	if m.flexible, err = parseVersions(words[5]); err != nil {
		return nil, err
	}
	switch words[0] {
	case "request":
		s.requests[int16(key)] = m
	case "response":
		s.responses[int16(key)] = m
	default:
		return nil, fmt.Errorf("%q is neither request nor response", words[0])
	}
	return m, nil
}

// fixedSizes are the types of a known size, in bytes.
var fixedSizes = map[string]int{
	"bool": 1, "int8": 1, "int16": 2, "uint16": 2, "int32": 4, "int64": 8, "float64": 8, "uuid": 16,
}

func parseField(words []string) (*shape, error) {
	if len(words) < 3 {
		return nil, fmt.Errorf("%q is not a field", words)
	}
	f := &shape{name: words[0], nullable: noVersions, tagged: noVersions}
	var element string
	element, f.array = strings.CutPrefix(words[1], "[]")
	switch element {
	case "struct":
		f.kind = kindStruct
	case "string":
		f.kind = kindString
	case "bytes", "records":
		f.kind = kindBytes
	default:
		if f.size = fixedSizes[element]; f.size == 0 {
			return nil, fmt.Errorf("field %s: unknown type %q", f.name, element)
		}
	}
	var err error
	if f.versions, err = parseVersions(words[2]); err != nil {
		return nil, err
	}
	rest := words[3:]
	if len(rest) >= 2 && rest[0] == "null" {
		if f.nullable, err = parseVersions(rest[1]); err != nil {
			return nil, err
		}
		rest = rest[2:]
	}
	if len(rest) >= 3 && rest[0] == "tag" {
		tag, err := strconv.ParseUint(rest[1], 10, 32)
		if err != nil {
			return nil, err
		}
		f.tag = uint32(tag)
		if f.tagged, err = parseVersions(rest[2]); err != nil {
			return nil, err
		}
		rest = rest[3:]
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("field %s: %q makes no sense", f.name, rest)
	}
	return f, nil
}

// parseVersions reads "3", "3-7", "3+" or "none".
func parseVersions(text string) (versions, error) {
	if text == "none" {
		return noVersions, nil
	}
	first, last, isRange := strings.Cut(text, "-")
	first, open := strings.CutSuffix(first, "+")
	low, err := strconv.ParseInt(first, 10, 16)
	if err != nil {
		return versions{}, err
	}
	high := low
	switch {
	case open:
		high = math.MaxInt16
	case isRange:
		if high, err = strconv.ParseInt(last, 10, 16); err != nil {
			return versions{}, err
		}
	}
	return versions{int16(low), int16(high)}, nil
}
