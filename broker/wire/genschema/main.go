// Command genschema writes the shapes of Kafka's messages as broker/wire/schema.txt. It reads Kafka's clients jar, which
// holds the message definitions as JSON under common/message, from standard input:
//
//	go run ./broker/wire/genschema < kafka-clients.jar > broker/wire/schema.txt
//
// It is run by hand, when the reference moves to a new version; what it writes is checked against kmsg by wire's tests.
package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"sort"
	"strings"
)

// message is one JSON definition; only what the shape needs.
type message struct {
	Key           *int   `json:"apiKey"`
	Type          string `json:"type"`
	Name          string `json:"name"`
	Versions      string `json:"validVersions"`
	Flexible      string `json:"flexibleVersions"`
	Fields        []field
	CommonStructs []struct {
		Name   string
		Fields []field
	}
}

type field struct {
	Name     string
	Type     string
	Versions string
	Nullable string `json:"nullableVersions"`
	Tagged   string `json:"taggedVersions"`
	Tag      *int
	Fields   []field
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "genschema:", err)
		os.Exit(1)
	}
}

func run(jar io.Reader, out io.Writer) error {
	content, err := io.ReadAll(jar)
	if err != nil {
		return err
	}
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return err
	}
	var messages []*message
	for _, f := range archive.File {
		if ok, _ := path.Match("common/message/*.json", f.Name); !ok {
			continue
		}
		m, err := decode(f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if m.Key != nil && m.Versions != "none" && (m.Type == "request" || m.Type == "response") {
			messages = append(messages, m)
		}
	}
	if len(messages) == 0 {
		return errors.New("no message definitions in this jar")
	}
	sort.Slice(messages, func(i, j int) bool {
		a, b := messages[i], messages[j]
		return *a.Key < *b.Key || *a.Key == *b.Key && a.Type < b.Type
	})
	w := bufio.NewWriter(out)
	for _, m := range messages {
		m.write(w)
	}
	return w.Flush()
}

func decode(f *zip.File) (*message, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var plain strings.Builder // the definitions carry comments, each a line of its own
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(strings.TrimSpace(line), "//") {
			plain.WriteString(line)
		}
	}
	m := new(message)
	return m, json.Unmarshal([]byte(plain.String()), m)
}

func (m *message) write(w io.Writer) {
	fmt.Fprintf(w, "%s %d %s %s flexible %s\n", m.Type, *m.Key, m.Name, m.Versions, m.Flexible)
	m.writeFields(w, m.Fields, " ")
}

// writeFields writes a line a field, deeper by a space for each level: name, type, versions and, where they apply,
// "null" with versions and "tag" with its number and versions. The type of a structure is "struct", of an array "[]" and
// the type of an element.
func (m *message) writeFields(w io.Writer, fields []field, indent string) {
	for _, f := range fields {
		element, array := strings.CutPrefix(f.Type, "[]")
		nested := f.Fields
		for _, common := range m.CommonStructs {
			if common.Name == element {
				nested = common.Fields
			}
		}
		if nested != nil {
			element = "struct"
		}
		if array {
			element = "[]" + element
		}
		fmt.Fprintf(w, "%s%s %s %s", indent, f.Name, element, f.Versions)
		if f.Nullable != "" {
			fmt.Fprintf(w, " null %s", f.Nullable)
		}
		if f.Tag != nil {
			fmt.Fprintf(w, " tag %d %s", *f.Tag, f.Tagged)
		}
		fmt.Fprintln(w)
		m.writeFields(w, nested, indent+" ")
	}
}
