package reports

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
)

func measure(t *testing.T, m Measurement) string {
	t.Helper()
	var page bytes.Buffer
	if err := WriteMeasurement(&page, m); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// measurement is one made by hand: two sides, a fault, a gap, and texts that would like to be markup.
func measurement() Measurement {
	nan := math.NaN()
	return Measurement{
		Title: "Benchmark: sample", Sides: []string{"ours", hostile}, Figures: []Figure{{"records a second", "123 k"}, {hostile, hostile}}, Commands: []string{"make bench", hostile}, Words: []string{hostile},
		Sections: []Section{
			{Name: "Ratios", Ratios: []Ratio{{"produce 1KB rf1", 3.2, 2.1, 4.4, "124 and 38.1 MiB/s"}, {"consume 1KB rf3", 0.8, 0.7, 0.9, "<b>\"273\" & 342 MiB/s"}}},
			{Name: hostile, Words: []string{"words"}, Charts: []Chart{
				{Name: "Latency", Words: hostile, X: Axis{Name: "percent", Log: true, Ticks: []Tick{{1, "0"}, {10, "90"}, {100, "99"}}}, Y: Axis{Name: "ms", Log: true}, Curves: []Curve{
					{Name: "ours", Points: [][2]float64{{1, 0.2}, {10, 3}, {100, 70}}, Tips: []string{"", hostile, ""}},
					{Name: hostile, Side: 1, Points: [][2]float64{{1, 1}, {10, 30}, {100, 700}}},
					{Side: 1, Thin: true, Points: [][2]float64{{1, 2}, {10, 20}, {100, 900}}},
				}},
				{Name: "Rate", X: Axis{Name: "seconds"}, Y: Axis{Name: "records a second"}, Curves: []Curve{
					{Name: "written", Points: [][2]float64{{1, 20_000}, {2, 21_500}, {3, nan}, {4, 18_000}, {5, nan}, {6, 20_000}, {7, 19_000}}},
					{Name: "read", Dashed: true, Points: [][2]float64{{1, 19_000}, {2, 21_000}, {3, 300}, {4, 38_000}, {5, 20_000}, {6, 20_000}, {7, 19_000}}},
				}, Bands: []Band{{"crash node/2", 0, 2.5, 5}, {"peer, crash", 1, 2.6, 5.5}, {hostile, 0, 6, 6}}},
			}, Tables: []Table{{Name: "Figures", Columns: []Column{{Name: ""}, {"p50", true}, {"limit", false}}, Rows: [][]string{{"ours", "1.2", "client"}, {hostile, "3", hostile}}}}},
		},
		Facts: []Fact{{"Machine", []string{"2 cores", hostile}}}, Notes: []string{hostile},
	}
}

// What a measurement says stays text, and its drawings are whole: the page is well-formed as far as elements go.
func TestTextsOfAMeasurementStayText(t *testing.T) {
	page := measure(t, measurement())
	if tags := regexp.MustCompile(`(?i)<(img|iframe|!--)`).FindString(page); tags != "" || strings.Count(page, "<script") != 1 {
		t.Errorf("the page has %q, and %d scripts", tags, strings.Count(page, "<script"))
	}
	for _, drawing := range regexp.MustCompile(`(?s)<svg viewBox.*?</svg>`).FindAllString(page, -1) {
		decoder := xml.NewDecoder(strings.NewReader(strings.ToValidUTF8(strings.ReplaceAll(drawing, "\x00", ""), "")))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, drawing)
			}
		}
		if strings.Contains(drawing, "NaN") || strings.Contains(drawing, "Inf") {
			t.Errorf("no number in %s", drawing)
		}
	}
	for _, words := range []string{"Benchmark: sample", "<h2 id=\"h-0\">Ratios</h2>", "3.2 ×", "0.8 ×", "crash node/2, 2.5 s to 5.0 s", ">20 k<", ">99<", `class="curve s1 thin"`, `class="curve s0 dashed"`, `<th scope="row">ours</th>`} {
		if !strings.Contains(page, words) {
			t.Errorf("the page lacks %q", words)
		}
	}
	if measured := measure(t, Measurement{}); strings.Contains(measured, "<section") || strings.Contains(measured, "<svg") {
		t.Error("nothing has a section")
	}
}

func TestAxes(t *testing.T) {
	words := func(s scale) string {
		var all []string
		for _, tick := range s.ticks {
			all = append(all, tick.Words)
		}
		return strings.Join(all, " ")
	}
	for _, each := range []struct {
		axis      Axis
		values    []float64
		low, high float64
		ticks     string
	}{
		{Axis{}, []float64{3, 21}, 0, 21, "0 5 10 15 20"},
		{Axis{}, []float64{3, 24}, 0, 25, "0 5 10 15 20 25"},
		{Axis{}, []float64{0, 2_000_000}, 0, 2_000_000, "0 500 k 1 M 1.5 M 2 M"},
		{Axis{}, nil, 0, 10, "0 2 4 6 8 10"},
		{Axis{}, []float64{0}, 0, 1, "0 0.2 0.4 0.6 0.8 1"},
		{Axis{Log: true}, []float64{0.3, 70}, 0.2, 100, "0.2 0.5 1 2 5 10 20 50 100"},
		{Axis{Log: true}, []float64{0, 0.3, 7000}, 0.2, 10_000, "1 10 100 1000 10 k"},
		{Axis{Log: true}, []float64{5}, 5, 50, "5 10 20 50"},
		{Axis{Log: true, Ticks: []Tick{{1, "a"}, {10, "b"}, {100, "c"}}}, []float64{3, 20}, 1, 20, "a b"},
	} {
		s := each.axis.over(each.values)
		if math.Abs(s.low-each.low) > 1e-9 && each.values != nil || math.Abs(s.high-each.high) > 1e-6 || words(s) != each.ticks {
			t.Errorf("%v over %v: %v to %v, %s", each.axis, each.values, s.low, s.high, words(s))
		}
		if s.from, s.to = 10, 110; s.at(s.low) != 10 || math.Abs(s.at(s.high)-110) > 1e-9 || s.log && s.at(0) != 10 {
			t.Errorf("%v over %v is drawn from %v to %v", each.axis, each.values, s.at(s.low), s.at(s.high))
		}
	}
}
