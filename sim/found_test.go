package sim

import (
	"bytes"
	"testing"

	"odradek/linearizability/verdict"
	"odradek/sim/found"
)

// foundInShort is how many of the bugs that universes have found are tried in a hurry: the newest.
const foundInShort = 1

// The bugs that universes have found stay away.
func TestFoundBugsStayAway(t *testing.T) {
	bugs := found.Bugs
	if testing.Short() && len(bugs) > foundInShort {
		bugs = bugs[len(bugs)-foundInShort:]
	}
	for _, bug := range bugs {
		t.Run(bug.Name, func(t *testing.T) {
			plan, err := bug.Plan()
			if err != nil {
				t.Fatal(err)
			}
			result, err := Run(Options{Plan: plan, Program: program(t)})
			if err != nil {
				t.Fatalf("%v; it was seen before as: %s", err, bug.Seen)
			}
			t.Logf("%s\n%s (%s)", result.Line(), bug.Seen, bug.Fixed)
			if result.Verdict != verdict.Pass {
				var words bytes.Buffer
				result.Explain(&words)
				t.Errorf("%s\nreplay with: bin/odradek sim --plan sim/found/plans/%s.json\nit was seen before as: %s", &words, bug.Name, bug.Seen)
			}
		})
	}
}
