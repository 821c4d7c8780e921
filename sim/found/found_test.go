package found

import (
	"path"
	"strings"
	"testing"
)

// Every bug has a plan that can be read and words for each column; every plan has a row.
func TestTableIsWhole(t *testing.T) {
	rows := map[string]bool{}
	for _, bug := range Bugs {
		if rows[bug.Name] {
			t.Errorf("%s has two rows", bug.Name)
		}
		rows[bug.Name] = true
		if bug.Seen == "" || bug.Cause == "" || !strings.Contains(bug.Fixed, ": ") {
			t.Errorf("%s lacks words: %+v", bug.Name, bug)
		}
		if _, err := bug.Plan(); err != nil {
			t.Error(err)
		}
	}
	entries, err := plans.ReadDir("plans")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := strings.TrimSuffix(entry.Name(), path.Ext(entry.Name())); !rows[name] {
			t.Errorf("%s has no row in the table", entry.Name())
		}
	}
}
