package vectors

import (
	"encoding/base64"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// drawn is what is random in the id of a group's member.
var drawn = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// symbols names the ids that a script has met.
type symbols map[[16]byte]string

// tree turns a message into maps, lists, strings, numbers and nil: what is written and compared. Ids become symbols; an empty
// list and a null one are the same, as kmsg does not tell them apart. What describes a key is each broker's own words.
func (s symbols) tree(message any) any {
	return s.of(reflect.ValueOf(message))
}

func (s symbols) of(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return s.of(v.Elem())
	case reflect.Struct:
		fields := make(map[string]any)
		for i := range v.NumField() {
			field := v.Type().Field(i)
			switch {
			case field.Name == "Version" || field.Name == "UnknownTags" || !field.IsExported():
			case field.Name == "Documentation" && !v.Field(i).IsNil():
				fields[field.Name] = "(text)"
			default:
				fields[field.Name] = s.of(v.Field(i))
			}
		}
		return fields
	case reflect.Array: // only ids are
		id := v.Interface().([16]byte)
		switch name, known := s[id]; {
		case id == [16]byte{}:
			return ""
		case known:
			return "id of " + name
		}
		return "unknown id"
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if v.IsNil() {
				return nil
			}
			return base64.StdEncoding.EncodeToString(v.Bytes())
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = s.of(v.Index(i))
		}
		return list
	case reflect.Bool:
		return v.Bool()
	case reflect.String:
		return drawn.ReplaceAllString(v.String(), "(drawn)")
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return v.Uint()
	case reflect.Float64:
		return v.Float()
	}
	return v.Int()
}

// learnFrom takes names and ids of topics out of an answer.
func (s symbols) learnFrom(message any) { s.learn(reflect.ValueOf(message)) }

func (s symbols) learn(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			s.learn(v.Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Struct {
			for i := range v.Len() {
				s.learn(v.Index(i))
			}
		}
	case reflect.Struct:
		s.learnPair(v)
		for i := range v.NumField() {
			s.learn(v.Field(i))
		}
	}
}

func (s symbols) learnPair(v reflect.Value) {
	id, name := v.FieldByName("TopicID"), v.FieldByName("Topic")
	if !id.IsValid() || !name.IsValid() {
		return
	}
	if name.Kind() == reflect.Pointer {
		name = name.Elem()
	}
	if name.IsValid() && name.String() != "" && !id.IsZero() {
		// A topic that was made anew has one id, the latest.
		maps.DeleteFunc(s, func(_ [16]byte, known string) bool { return known == name.String() })
		s[id.Interface().([16]byte)] = name.String()
	}
}

// identity is what tells an element of a list from its neighbours; lists are sorted by it, as the reference's order is that
// of a hash table in most answers. An element without any keeps its place.
func identity(element any) string {
	fields, ok := element.(map[string]any)
	if !ok {
		return ""
	}
	var parts []string
	for _, name := range []string{"ApiKey", "ResourceType", "ResourceName", "Topic", "TopicID", "Partition", "Name", "NodeID", "Group", "GroupID", "Key", "Feature", "User", "Mechanism", "Type", "TransactionalID", "FirstOffset", "LastSequence", "MemberID"} {
		switch value := fields[name].(type) {
		case string:
			parts = append(parts, value)
		case float64:
			parts = append(parts, numberKey(value))
		}
	}
	if entity, ok := fields["Entity"].([]any); ok { // of a quota
		var names []string
		for _, part := range entity {
			names = append(names, fmt.Sprint(part))
		}
		slices.Sort(names)
		parts = append(parts, names...)
	}
	return strings.Join(parts, "\x00")
}
