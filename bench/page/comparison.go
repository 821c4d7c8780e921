package page

import (
	"fmt"
	"slices"
	"strings"

	"odradek/bench/compare"
	"odradek/reports"
)

// Comparison is the page of two sides: how many times as good the first is, the figures of all rows, and for each thing that was
// measured the curves and the costs of both.
func Comparison(p compare.Page) reports.Measurement {
	m := reports.Measurement{
		Title: p.Title(), Sides: p.Sides[:], Commands: p.Commands, Words: p.How(),
		Sections: append(ratioSections(p), reports.Section{Name: "Figures", Tables: []reports.Table{figureTable(p)}}),
		Facts:    []reports.Fact{{Name: "Commit", Words: []string{p.Commit}}, {Name: "Date", Words: []string{p.Date}}, {Name: "Machine", Words: []string{p.Machine}}},
		Notes:    notes,
	}
	for _, g := range p.Groups {
		if len(g.Results[0]) == 0 {
			continue
		}
		sides := []Side{{g.Sides[0], g.Results[0]}, {g.Sides[1], g.Results[1]}}
		m.Sections = append(m.Sections, reports.Section{
			Name: spoken(g.Name), Words: []string{strings.Join(workload(g.Results[0][0].Workload), "; ") + "."}, Charts: charts(sides), Tables: tables(sides),
		})
	}
	return m
}

func spoken(name string) string { return strings.ReplaceAll(name, "_", " ") }

// ratioSections draw how many times better the first side is, and how much less CPU it takes.
func ratioSections(p compare.Page) []reports.Section {
	better := reports.Section{Name: "How many times better", Words: []string{
		fmt.Sprintf("Bars to the right of 1: %s is so many times as fast, as quick or as small; to the left it is %s. Lines are the extremes of the rounds.", p.Sides[0], p.Sides[1]),
	}}
	cheaper := reports.Section{Name: "How many times less CPU", Words: []string{"CPU-seconds of the brokers' processes for a GiB of values."}}
	var last compare.Row
	for _, row := range p.Rows() {
		if factor, low, high, ok := row.Better(); ok {
			cells := row.Cells()
			better.Ratios = append(better.Ratios, reports.Ratio{Name: spoken(row.Name), Factor: factor, Low: low, High: high, Words: fmt.Sprintf("%s and %s %s", cells[2], cells[3], row.Unit)})
		}
		again := slices.Equal(row.OursCPU, last.OursCPU) && slices.Equal(row.PeerCPU, last.PeerCPU) // the same runs by another measure
		if factor, low, high, ok := row.Cheaper(); ok && !again {
			cells := row.Cells()
			cheaper.Ratios = append(cheaper.Ratios, reports.Ratio{Name: spoken(row.Name), Factor: factor, Low: low, High: high, Words: fmt.Sprintf("%s and %s s/GiB", cells[6], cells[7])})
		}
		last = row
	}
	var all []reports.Section
	for _, section := range []reports.Section{better, cheaper} {
		if len(section.Ratios) > 0 {
			all = append(all, section)
		}
	}
	return all
}

func figureTable(p compare.Page) reports.Table {
	t := reports.Table{}
	for i, head := range append(p.Heads(), "p") {
		words := i < 2 || strings.HasPrefix(head, "limit") || i == 10
		t.Columns = append(t.Columns, reports.Column{Name: head, Number: !words})
	}
	t.Columns[0].Name = ""
	for _, row := range p.Rows() {
		t.Rows = append(t.Rows, append(row.Cells(), fmt.Sprintf("%.3f", compare.Significance(row.Ours, row.Peer))))
	}
	return t
}
