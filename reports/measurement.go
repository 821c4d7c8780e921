package reports

import (
	"html/template"
	"io"
)

// A Measurement is all that the page of a benchmark shows: of one run, or of several sides beside each other. It is drawn when it is
// written, so that the page reads without a script.
type Measurement struct {
	Title    string
	Sides    []string // whom it compares, in the order of their colours; none for one alone
	Figures  []Figure // the few numbers at the top
	Commands []string // that give it again
	Words    []string // what a reader has to know before the figures
	Sections []Section
	Facts    []Fact   // of what it was made, and where
	Notes    []string // what else a reader should know
}

// A Section is a part of it with its own heading.
type Section struct {
	Name   string
	Words  []string
	Ratios []Ratio
	Charts []Chart
	Tables []Table
}

// A Table has the name of its row in the first column.
type Table struct {
	Name    string
	Columns []Column
	Rows    [][]string
}

// A Column is of numbers, or of words.
type Column struct {
	Name   string
	Number bool
}

// measured is what the template is filled with.
type measured struct {
	Measurement
	frame
}

// WriteMeasurement writes the measurement's page. Errors are the writer's.
func WriteMeasurement(w io.Writer, m Measurement) error {
	around, err := newFrame("measurement", m.Title)
	if err != nil {
		return err
	}
	return measurementTemplate.Execute(w, measured{m, around})
}

var measurementTemplate = framed("measurement", template.FuncMap{
	"drawn":  func(c Chart) template.HTML { return template.HTML(c.svg()) },
	"ratios": func(all []Ratio) template.HTML { return template.HTML(ratiosSVG(all)) },
})
