package mutants

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

const sound = `title: a title
source: KIP-0
lost: records
finds: lost-write, phantom

file: a/b.go
<<<<
	old
====
	new
>>>>
`

func TestParse(t *testing.T) {
	m, err := Parse("name", sound)
	if err != nil {
		t.Fatal(err)
	}
	if m.Title != "a title" || len(m.Finds) != 2 || len(m.Edits) != 1 || m.Edits[0] != (Edit{"a/b.go", "\told", "\tnew"}) {
		t.Fatalf("%+v", m)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no title":        strings.Replace(sound, "title: a title\n", "", 1),
		"unknown field":   "colour: red\n" + sound,
		"no edit":         sound[:strings.Index(sound, "file:")],
		"no end":          strings.Replace(sound, ">>>>", "", 1),
		"no start":        strings.Replace(sound, "<<<<", "", 1),
		"changes nothing": strings.Replace(sound, "new", "old", 1),
		"loose text":      sound + "loose\n",
	} {
		if _, err := Parse(name, text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestKnownMutantsFitTheSource holds the catalogue to today's source: every mutant still has exactly one place to change.
func TestKnownMutantsFitTheSource(t *testing.T) {
	all, err := Known()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 8 {
		t.Errorf("%d mutants; eight at least are promised", len(all))
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if _, err := m.Overlay(root, t.TempDir()); err != nil {
			t.Error(err)
		}
	}
}
