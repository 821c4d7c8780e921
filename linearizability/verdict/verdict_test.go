package verdict

import (
	"reflect"
	"testing"
)

func TestVerdictOfAReport(t *testing.T) {
	var r Report
	if r.Verdict() != Pass {
		t.Errorf("an empty report is %s", r.Verdict())
	}
	r.Allow("x")
	r.Notes = []string{"n"}
	if r.Verdict() != Pass {
		t.Errorf("with an exception and a note, %s", r.Verdict())
	}
	r.Unknown = []string{"u"}
	if r.Verdict() != Unknown {
		t.Errorf("with something given up, %s", r.Verdict())
	}
	r.Add(Violation{Kind: Phantom})
	if r.Verdict() != Fail {
		t.Errorf("with a violation, %s", r.Verdict())
	}
}

func TestMergeKeepsCounts(t *testing.T) {
	var a, b Report
	for range PerKindMax + 5 {
		a.Add(Violation{Kind: LostWrite})
		b.Add(Violation{Kind: LostWrite})
		b.Add(Violation{Kind: Phantom})
	}
	b.Allow("x")
	b.Unknown, b.Notes = []string{"u"}, []string{"n"}
	a.Merge(b)
	if want := (map[Kind]int{LostWrite: 2 * (PerKindMax + 5), Phantom: PerKindMax + 5}); !reflect.DeepEqual(a.Counts, want) {
		t.Errorf("%v, want %v", a.Counts, want)
	}
	if len(a.Violations) != 2*PerKindMax || a.Total() != 3*(PerKindMax+5) {
		t.Errorf("%d kept, %d in all", len(a.Violations), a.Total())
	}
	if a.Allowed["x"] != 1 || len(a.Unknown) != 1 || len(a.Notes) != 1 {
		t.Errorf("%+v", a)
	}
}
