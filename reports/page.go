package reports

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
)

// page is what the template is filled with.
type page struct {
	Run
	frame
	Data template.JS
}

// Write writes the run's page. What is too much for a page is left out, and said so on it. Errors are the writer's.
func Write(w io.Writer, run Run) error {
	run = run.bounded()
	around, err := newFrame("universe", run.Title+": "+run.Verdict)
	if err != nil {
		return err
	}
	// json.Marshal escapes <, > and &, so that no text of a run can end the element that holds it.
	data, err := json.Marshal(run)
	if err != nil {
		return fmt.Errorf("the run as JSON: %w", err)
	}
	return pageTemplate.Execute(w, page{Run: run, frame: around, Data: template.JS(data)})
}

var pageTemplate = framed("universe", template.FuncMap{
	"seconds": seconds,
	"took":    took,
	"sign":    func(verdict string) string { return map[string]string{Pass: "✓", Fail: "✕"}[verdict] },
	"byKind":  byKind,
	"never":   func(at Time) bool { return at == Never },
	"list":    func(ids []int) string { return strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ", "), "[]") },
})

// numbered is a violation with its place in the run's.
type numbered struct {
	Violation
	Index int
}

// byKind groups violations, kinds in the order of their first.
func byKind(all []Violation) [][]numbered {
	var groups [][]numbered
	place := map[string]int{}
	for i, v := range all {
		k, known := place[v.Kind]
		if !known {
			k = len(groups)
			place[v.Kind] = k
			groups = append(groups, nil)
		}
		groups[k] = append(groups[k], numbered{v, i})
	}
	return groups
}

// seconds writes a time as the page's scripts do: "12.345 s".
func seconds(at Time) string {
	return fmt.Sprintf("%.3f s", (time.Duration(at) * time.Microsecond).Seconds())
}

// took writes a latency in milliseconds, as "5.567 ms".
func took(latency Time) string { return fmt.Sprintf("%.3f ms", float64(latency)/1000) }
