package vectors

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"reflect"
	"sort"
)

// Difference is a field in which an answer is not what the reference's was.
type Difference struct {
	Script, Step string
	// Path leads to the field: "CreateTopics.Topics[0].ErrorCode".
	Path      string
	Got, Want any
}

// String says it in a line.
func (d Difference) String() string {
	return fmt.Sprintf("%s: %s: %s is %s, the reference has %s", d.Script, d.Step, d.Path, show(d.Got), show(d.Want))
}

func show(v any) string {
	text := fmt.Sprintf("%#v", v)
	if len(text) > 300 {
		text = text[:300] + "…"
	}
	return text
}

// compare walks two trees that went through JSON. pattern is the path without indexes, as exceptions name it.
type compare struct {
	script, step string
	differences  []Difference
}

func (c *compare) differ(path string, got, want any) {
	c.differences = append(c.differences, Difference{c.script, c.step, path, got, want})
}

func (c *compare) values(path, pattern string, got, want any) {
	switch exceptionFor(c.step, pattern) {
	case ignored:
		return
	case presence:
		if isNone(got) != isNone(want) {
			c.differ(path, got, want)
		}
		return
	case atLeast:
		if isNone(got) && !isNone(want) {
			c.differ(path, got, want)
		}
		return
	case wholeBatches:
		got, want = trimBatches(got), trimBatches(want)
	case sameRecords:
		got, want = decompressed(got), decompressed(want)
	case subset:
		got, want = common(got, want)
	}
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			c.differ(path, got, want)
			return
		}
		c.structs(path, pattern, g, w)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			c.differ(path, got, want)
			return
		}
		sortByIdentity(g)
		sortByIdentity(w)
		for i := range w {
			c.values(fmt.Sprintf("%s[%d]", path, i), pattern+"[]", g[i], w[i])
		}
	default:
		if !reflect.DeepEqual(got, want) {
			c.differ(path, got, want)
		}
	}
}

func (c *compare) structs(path, pattern string, got, want map[string]any) {
	names := make([]string, 0, len(want))
	for name := range want {
		names = append(names, name)
	}
	sort.Strings(names)
	failed := want["ErrorCode"] != nil && want["ErrorCode"] != float64(0)
	for _, name := range names {
		if failed && exceptionFor(c.step, pattern+"."+name) == successes {
			continue
		}
		c.values(path+"."+name, pattern+"."+name, got[name], want[name])
	}
}

func isNone(v any) bool { return v == nil || v == "" || v == float64(0) || v == float64(-1) }

func sortByIdentity(list []any) {
	sort.SliceStable(list, func(i, j int) bool { return identity(list[i]) < identity(list[j]) })
}

func numberKey(v float64) string { return fmt.Sprintf("%020.0f", v) }

// common keeps of two lists the elements that got has, so that only those are compared.
func common(got, want any) (any, any) {
	g, _ := got.([]any)
	w, _ := want.([]any)
	has := make(map[string]bool, len(g))
	for _, element := range g {
		has[identity(element)] = true
	}
	kept := []any{}
	for _, element := range w {
		if has[identity(element)] {
			kept = append(kept, element)
		}
	}
	return got, kept
}

// trimBatches cuts base64-encoded record batches behind the last whole one.
func trimBatches(v any) any {
	text, ok := v.(string)
	if !ok {
		return v
	}
	records, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return v
	}
	const sizeEnd = 12 // of base offset and length
	whole := 0
	for len(records)-whole >= sizeEnd {
		size := int(int32(binary.BigEndian.Uint32(records[whole+8:]))) + sizeEnd
		if size < sizeEnd || size > len(records)-whole {
			break
		}
		whole += size
	}
	return base64.StdEncoding.EncodeToString(records[:whole])
}
