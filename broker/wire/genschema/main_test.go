package main

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
)

func jar(t *testing.T, files map[string]string) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		f.Write([]byte(content))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestRun(t *testing.T) {
	in := jar(t, map[string]string{
		"common/message/BRequest.json": `{
			// a comment
			"apiKey": 2, "type": "request", "name": "BRequest", "validVersions": "0-3", "flexibleVersions": "2+",
			"fields": [
				{"name": "Items", "type": "[]Item", "versions": "0+", "nullableVersions": "1+"},
				{"name": "One", "type": "Item", "versions": "2+", "taggedVersions": "2+", "tag": 0},
				{"name": "Ids", "type": "[]uuid", "versions": "3+"}
			],
			"commonStructs": [{"name": "Item", "fields": [{"name": "Name", "type": "string", "versions": "0+"}]}]
		}`,
		"common/message/AResponse.json":      `{"apiKey": 1, "type": "response", "name": "AResponse", "validVersions": "0", "flexibleVersions": "none", "fields": []}`,
		"common/message/RemovedRequest.json": `{"apiKey": 3, "type": "request", "name": "RemovedRequest", "validVersions": "none"}`,
		"common/message/Header.json":         `{"type": "header", "name": "Header", "validVersions": "0"}`,
		"other.json":                         `not looked at`,
	})
	var out strings.Builder
	if err := run(in, &out); err != nil {
		t.Fatal(err)
	}
	want := `response 1 AResponse 0 flexible none
request 2 BRequest 0-3 flexible 2+
 Items []struct 0+ null 1+
  Name string 0+
 One struct 2+ tag 0 2+
  Name string 0+
 Ids []uuid 3+
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestRunFaults(t *testing.T) {
	for name, in := range map[string]*bytes.Buffer{
		"no jar":      bytes.NewBufferString("text"),
		"no messages": jar(t, map[string]string{"a": ""}),
		"no JSON":     jar(t, map[string]string{"common/message/A.json": "{"}),
	} {
		if err := run(in, &strings.Builder{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
