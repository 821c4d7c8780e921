package chaos

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// planBytesMax bounds a plan file: the largest valid schedule, written wide, is a tenth of it.
const planBytesMax = 64 << 20

// ReadPlan reads a plan and validates it. Every error names the place in the file and what is allowed there.
func ReadPlan(r io.Reader) (Plan, error) {
	text, err := io.ReadAll(io.LimitReader(r, planBytesMax+1))
	if err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	if len(text) > planBytesMax {
		return Plan{}, fmt.Errorf("plan: longer than %d bytes", planBytesMax)
	}
	// The version is looked at first: a plan of another version may have other fields, and that is not what is wrong with it.
	var version struct {
		Version *int `json:"odradek_plan"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return Plan{}, fmt.Errorf("plan: %w", locate(text, err))
	}
	if version.Version == nil {
		return Plan{}, errors.New(`plan: no "odradek_plan" that says the version`)
	}
	if *version.Version != PlanVersion {
		return Plan{}, fmt.Errorf("plan: odradek_plan %d: this program reads version %d", *version.Version, PlanVersion)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return Plan{}, fmt.Errorf("plan: %w", locate(text, err))
	}
	if err := knownFields("plan", tree, reflect.TypeFor[Plan]()); err != nil {
		return Plan{}, err
	}
	var p Plan
	if err := json.Unmarshal(text, &p); err != nil {
		return Plan{}, fmt.Errorf("plan: %w", locate(text, err))
	}
	if err := p.Validate(); err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	return p, nil
}

// WritePlan writes a plan so that people can read and edit it; ReadPlan gives back the same.
func WritePlan(w io.Writer, p Plan) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// locate turns the byte offset of a syntax error into a line.
func locate(text []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line := 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte{'\n'})
		return fmt.Errorf("line %d: %w", line, err)
	}
	return err
}

// knownFields walks JSON beside the type that it is to become, and refuses a field that the type lacks. The standard
// decoder can refuse it too, but knows neither the place nor what is allowed, and takes "Nodes" for "nodes".
func knownFields(path string, tree any, t reflect.Type) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch node := tree.(type) {
	case map[string]any:
		if t.Kind() != reflect.Struct {
			return nil
		}
		fields := jsonFields(t)
		for _, name := range sortedKeys(node) {
			field, ok := fields[name]
			if !ok {
				return fmt.Errorf("%s: unknown field %q: allowed are %s", path, name, strings.Join(sortedKeys(fields), ", "))
			}
			if err := knownFields(path+"."+name, node[name], field); err != nil {
				return err
			}
		}
	case []any:
		if t.Kind() != reflect.Slice {
			return nil
		}
		for i, element := range node {
			if err := knownFields(fmt.Sprintf("%s[%d]", path, i), element, t.Elem()); err != nil {
				return err
			}
		}
	}
	return nil
}

func jsonFields(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		fields[name] = t.Field(i).Type
	}
	return fields
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
