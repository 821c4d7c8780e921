package reports

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"strings"
	"time"
)

//go:embed page
var files embed.FS

// page is what the template is filled with.
type page struct {
	Run
	Style  template.CSS
	Script template.JS
	Data   template.JS
}

// Write writes the run's page. What is too much for a page is left out, and said so on it. Errors are the writer's.
func Write(w io.Writer, run Run) error {
	run = run.bounded()
	style, err := fs.ReadFile(files, "page/page.css")
	if err != nil {
		return err
	}
	script, err := scripts()
	if err != nil {
		return err
	}
	// json.Marshal escapes <, > and &, so that no text of a run can end the element that holds it.
	data, err := json.Marshal(run)
	if err != nil {
		return fmt.Errorf("the run as JSON: %w", err)
	}
	filled := page{Run: run, Style: template.CSS(style), Script: template.JS(script), Data: template.JS(data)}
	return pageTemplate.Execute(w, filled)
}

// scripts are the scripts of the page, in the order of their names, as one that leaves no name behind.
func scripts() (string, error) {
	names, err := fs.Glob(files, "page/*.js")
	if err != nil {
		return "", err
	}
	var all strings.Builder
	all.WriteString("(() => {\n\"use strict\";\n")
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return "", err
		}
		all.Write(text)
	}
	all.WriteString("})();\n")
	return all.String(), nil
}

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"seconds": seconds,
	"sign":    func(verdict string) string { return map[string]string{Pass: "✓", Fail: "✕"}[verdict] },
	"byKind":  byKind,
	"never":   func(at Time) bool { return at == Never },
	"list":    func(ids []int) string { return strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ", "), "[]") },
}).ParseFS(files, "page/page.html"))

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
