package reports

import "html"

// A Ratio says how many times as good the first side is as the second, and between which factors that lies.
type Ratio struct {
	Name      string
	Factor    float64 // above 1 the first is better
	Low, High float64 // of the single rounds
	Words     string  // the two sides' own figures
}

// The measures of the drawing of ratios.
const (
	ratioWidth, ratioLeft, ratioRight = 960, 230, 250
	ratioRow, ratioTop                = 24, 26
)

// ratiosSVG draws a bar a ratio from 1, that of equals, on a scale of decades.
func ratiosSVG(all []Ratio) string {
	values := []float64{1}
	for _, r := range all {
		values = append(values, r.Low, r.High, r.Factor)
	}
	x := Axis{Log: true}.over(values)
	x.from, x.to = ratioLeft, ratioWidth-ratioRight
	height := ratioTop + ratioRow*len(all) + 6
	var d drawing
	d.add(`<svg viewBox="0 0 %d %d" role="img" aria-label="Ratios">`, ratioWidth, height)
	for _, tick := range x.ticks {
		class := "grid"
		if tick.At == 1 {
			class = "axis"
		}
		d.line(x.at(tick.At), ratioTop-6, x.at(tick.At), float64(height), class)
		d.text(x.at(tick.At), ratioTop-11, "soft", "middle", tick.Words+" ×")
	}
	for i, r := range all {
		r.draw(&d, x, float64(ratioTop+ratioRow*i))
	}
	d.add(`</svg>`)
	return d.String()
}

func (r Ratio) draw(d *drawing, x scale, top float64) {
	class, from, to := "better", x.at(1), x.at(r.Factor)
	if r.Factor < 1 {
		class, from, to = "worse", to, from
	}
	middle := top + ratioRow/2
	d.text(ratioLeft-14, middle+4, "", "end", r.Name)
	d.add(`<g><title>%s</title><rect x="%.1f" y="%.1f" width="%.1f" height="12" class="%s"/>`, html.EscapeString(r.Name+": "+trimmed(r.Factor)+" ×, "+r.Words), from, middle-6, max(to-from, 1), class)
	d.line(x.at(r.Low), middle, x.at(r.High), middle, "whisker")
	d.line(x.at(r.Low), middle-4, x.at(r.Low), middle+4, "whisker")
	d.line(x.at(r.High), middle-4, x.at(r.High), middle+4, "whisker")
	d.add(`</g>`)
	d.text(ratioWidth-ratioRight+14, middle+4, "title", "start", trimmed(r.Factor)+" ×")
	d.text(ratioWidth-ratioRight+76, middle+4, "soft", "start", r.Words)
}
