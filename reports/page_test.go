package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func render(t *testing.T, run Run) []byte {
	t.Helper()
	var page bytes.Buffer
	if err := Write(&page, run); err != nil {
		t.Fatal(err)
	}
	return page.Bytes()
}

// embedded is the run that a page's scripts read.
func embedded(t *testing.T, page []byte) Run {
	t.Helper()
	_, rest, found := strings.Cut(string(page), `<script type="application/json" id="run">`)
	text, _, ended := strings.Cut(rest, "</script>")
	var run Run
	if err := json.Unmarshal([]byte(text), &run); !found || !ended || err != nil {
		t.Fatalf("the page has no run: %v", err)
	}
	return run
}

// valid is a run as JSON can hold it: bytes that are no UTF-8 come back replaced.
func valid(t *testing.T, run Run) Run {
	t.Helper()
	text, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	var back Run
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

func TestRunSurvivesJSON(t *testing.T) {
	run := sample()
	back := valid(t, run)
	for i := range run.Operations {
		want := run.Operations[i]
		want.What, want.Detail = strings.ToValidUTF8(want.What, "\ufffd"), strings.ToValidUTF8(want.Detail, "\ufffd")
		if back.Operations[i] != want {
			t.Fatalf("operation %d: %+v became %+v", i, want, back.Operations[i])
		}
	}
	if again := valid(t, back); !reflect.DeepEqual(again, back) {
		t.Error("a run that was read is not written as it was")
	}
	if !reflect.DeepEqual(embedded(t, render(t, run)), back) {
		t.Error("the page embeds another run")
	}
}

func TestRowsOfAnotherShapeAreRefused(t *testing.T) {
	for _, text := range []string{`[1,"node-1"]`, `[1,"node-1","x","y"]`, `["soon","node-1","x"]`, `{}`, `[`} {
		var line Line
		if err := json.Unmarshal([]byte(text), &line); err == nil {
			t.Errorf("%s is no line", text)
		}
		var operation Operation
		if err := json.Unmarshal([]byte(text), &operation); err == nil {
			t.Errorf("%s is no operation", text)
		}
	}
}

// What a run says stays text: the page has its own elements and no others.
func TestTextsOfARunStayText(t *testing.T) {
	tags := regexp.MustCompile(`(?i)<(/?(?:script|img|iframe|style)|!--)`)
	calm := sample()
	text, err := json.Marshal(calm)
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	replaced := bytes.ReplaceAll(text, quoted[1:len(quoted)-1], []byte("harmless"))
	if bytes.Equal(replaced, text) {
		t.Fatal("the sample has nothing hostile")
	}
	if err := json.Unmarshal(replaced, &calm); err != nil {
		t.Fatal(err)
	}
	got, want := tags.FindAllString(string(render(t, sample())), -1), tags.FindAllString(string(render(t, calm)), -1)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("a hostile run's page has the elements %v, a harmless one's %v", got, want)
	}
}

// A page is whole: it names nothing outside of itself.
func TestPagesAskForNothing(t *testing.T) {
	for _, page := range []string{string(render(t, Run{Title: "Seed 1", Verdict: Pass, Length: 1e6})), measure(t, Measurement{Title: "Benchmark", Commands: []string{"make bench"}, Sections: []Section{{Name: "Rate", Charts: []Chart{{Name: "Rate", Curves: []Curve{{Points: [][2]float64{{1, 2}, {2, 3}}}}}}}}})} {
		for _, pattern := range []string{`(?i)https?:`, `(?i)\ssrc\s*=`, `@import`, `url\((?:[^#)]|$)`, `(?i)<link`, `href="[^#]`, `fetch\(`, `XMLHttpRequest`, `\bimport\b`} {
			if found := regexp.MustCompile(pattern).FindString(page); found != "" {
				t.Errorf("the page has %q", found)
			}
		}
		if !strings.Contains(page, `Content-Security-Policy" content="default-src 'none'`) {
			t.Error("the page does not forbid the network")
		}
	}
}

// The page's bones can be read without a script.
func TestPageReadsWithoutScripts(t *testing.T) {
	page := string(render(t, sample()))
	for _, words := range []string{
		"<h1>Seed 42</h1>", "bin/odradek sim --seed 42", "00000000deadbeef", "What was violated", `id="violation-2"`, "1 more: lost-write",
		"sends &#34;value-60&#34;", "What was left open", "5s pause node/2 for 500ms", "links 1 ⇄ 3, 2 ⇄ 3", "nobody", "<noscript>",
	} {
		if !strings.Contains(page, words) {
			t.Errorf("the page lacks %q", words)
		}
	}
	if strings.Contains(string(render(t, passing())), "What was violated") {
		t.Error("a passing run's page speaks of violations")
	}
}

func TestPageOfAnEmptyRun(t *testing.T) {
	if back := embedded(t, render(t, Run{})); !reflect.DeepEqual(back, Run{}) {
		t.Errorf("it became %+v", back)
	}
}

// A huge run's page stays small, keeps what shows the violations, and says what it lacks.
func TestPageStaysSmall(t *testing.T) {
	const pageBytesMax = 3 << 20
	run := sample()
	for i := range 100_000 {
		at := Time(i) * 150
		run.Operations = append(run.Operations, Operation{Process: "producer-2", ID: int64(i), Kind: "send", Outcome: OutcomeOK, From: at, To: at + 10, Offset: -1, What: strings.Repeat("<", i%50)})
		run.Lines = append(run.Lines, Line{at, "node-2", "level=INFO msg=" + strings.Repeat(`"`, i%200)})
	}
	last := len(run.Operations)
	run.Operations = append(run.Operations, Operation{Process: "final", ID: 1, Kind: "poll", Outcome: OutcomeOK, From: 19_999_999, To: Never, Offset: -1, What: strings.Repeat("😀", 10_000)})
	run.Violations[0].Evidence[1].Operation = last
	for i := range 5_000 {
		run.Faults = append(run.Faults, Fault{Kind: "reset", Words: fmt.Sprint("reset ", i), Nodes: []int{1}})
		run.Partitions[0].Changes = append(run.Partitions[0].Changes, Change{At: Time(i), Leader: 1})
	}
	page := render(t, run)
	if len(page) > pageBytesMax {
		t.Errorf("the page has %d bytes", len(page))
	}
	kept := embedded(t, page)
	for i, e := range kept.Violations[0].Evidence {
		before, after := run.Operations[run.Violations[0].Evidence[i].Operation], kept.Operations[e.Operation]
		if before.Process != after.Process || before.ID != after.ID {
			t.Errorf("evidence %d pointed to %s %d and points to %s %d", i, before.Process, before.ID, after.Process, after.ID)
		}
	}
	for i := 1; i < len(kept.Operations); i++ {
		if o := kept.Operations[i]; o.Process == "producer-2" && kept.Operations[i-1].Process == "producer-2" && kept.Operations[i-1].ID >= o.ID {
			t.Fatalf("operation %d is out of its order", o.ID)
		}
	}
	said := strings.Join(kept.LeftOut, "\n")
	for _, words := range []string{"operations", "lines of the log", "faults", "changes of partition t0-0"} {
		if !strings.Contains(said, words) {
			t.Errorf("%q does not say that %s are missing", said, words)
		}
	}
	if len(kept.Operations) < 4_000 || len(kept.Lines) < 2_000 {
		t.Errorf("only %d operations and %d lines are left", len(kept.Operations), len(kept.Lines))
	}
	if run.Violations[0].Evidence[1].Operation != last {
		t.Error("the caller's run was changed")
	}
}

func TestNearness(t *testing.T) {
	moments := []Time{100, 200}
	for at, want := range map[Time]Time{0: 100, 100: 0, 149: 49, 151: 49, 260: 60} {
		if got := nearness(moments, at); got != want {
			t.Errorf("%d is %d from %v, not %d", at, want, moments, got)
		}
	}
}

type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteGivesBackTheWritersError(t *testing.T) {
	if err := Write(full{}, sample()); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

// What a failing run can do without is told where the violations are, and not where nothing was made smaller.
func TestTheLeastThatDoesIt(t *testing.T) {
	run := sample()
	page := string(render(t, run))
	for _, words := range []string{"The least that does it", "sealed by fault 2 of 4", `data-from="6000000" data-to="9000000"`, run.Smallest.Command} {
		if !strings.Contains(page, words) {
			t.Errorf("the page lacks %q", words)
		}
	}
	run.Smallest = nil
	if strings.Contains(string(render(t, run)), "The least that does it") {
		t.Error("a run that was not made smaller says that it was")
	}
}
