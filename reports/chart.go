package reports

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// A Chart is curves over an axis. Each of its texts is shown as it is.
type Chart struct {
	Name   string
	Words  string
	X, Y   Axis
	Curves []Curve
	Bands  []Band
}

// A Curve is points from left to right, joined by lines. One whose Y is NaN is a gap.
type Curve struct {
	Name   string // in the legend; empty for one that is not named there
	Side   int    // its colour
	Dashed bool
	Thin   bool // one of several of its kind
	Points [][2]float64
	Tips   []string // what each point says when it is pointed at, or nothing
}

// A Band is a stretch of X in which something was done.
type Band struct {
	Name     string
	Side     int // whose it is: its colour, and where its name is
	From, To float64
}

// Legend is the curves that are named in it.
func (c Chart) Legend() []Curve {
	var named []Curve
	for _, each := range c.Curves {
		if each.Name != "" {
			named = append(named, each)
		}
	}
	return named
}

// The drawing's measures, in its own units: about pixels.
const (
	chartWidth, chartHeight = 640, 260
	chartLeft, chartRight   = 52, 22
	chartTop, chartBottom   = 22, 34
	letterWidth             = 5.6
	bandNameHeight          = 12 // the first side's names are above the chart, the others' below one another in it
)

// drawing is an SVG in the making.
type drawing struct{ strings.Builder }

func (d *drawing) add(format string, values ...any) { fmt.Fprintf(d, format, values...) }

func (d *drawing) text(x, y float64, class, anchor, words string) {
	d.add(`<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`, x, y, class, anchor, html.EscapeString(words))
}

func (d *drawing) line(x1, y1, x2, y2 float64, class string) {
	d.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`, x1, y1, x2, y2, class)
}

func (c Chart) svg() string {
	var d drawing
	x, y := c.X.over(c.xs()), c.Y.over(c.ys())
	x.from, x.to = chartLeft, chartWidth-chartRight
	y.from, y.to = chartHeight-chartBottom, chartTop
	d.add(`<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, chartWidth, chartHeight, html.EscapeString(c.Name))
	c.drawAxes(&d, x, y)
	for _, band := range c.Bands {
		band.draw(&d, x)
	}
	for _, thin := range []bool{true, false} { // those of a kind below those that sum up
		for _, curve := range c.Curves {
			if curve.Thin == thin {
				curve.draw(&d, x, y)
			}
		}
	}
	d.add(`</svg>`)
	return d.String()
}

func (c Chart) xs() (all []float64) {
	for _, curve := range c.Curves {
		for _, p := range curve.Points {
			all = append(all, p[0])
		}
	}
	for _, band := range c.Bands {
		all = append(all, band.From, band.To)
	}
	return all
}

func (c Chart) ys() (all []float64) {
	for _, curve := range c.Curves {
		for _, p := range curve.Points {
			if !math.IsNaN(p[1]) {
				all = append(all, p[1])
			}
		}
	}
	return all
}

func (c Chart) drawAxes(d *drawing, x, y scale) {
	for _, tick := range y.ticks {
		at := y.at(tick.At)
		d.line(chartLeft, at, chartWidth-chartRight, at, "grid")
		d.text(chartLeft-6, at+4, "soft", "end", tick.Words)
	}
	for _, tick := range x.ticks {
		at := x.at(tick.At)
		d.line(at, chartHeight-chartBottom, at, chartHeight-chartBottom+4, "axis")
		d.text(at, chartHeight-chartBottom+16, "soft", "middle", tick.Words)
	}
	d.line(chartLeft, chartHeight-chartBottom, chartWidth-chartRight, chartHeight-chartBottom, "axis")
	d.text(chartWidth-chartRight, chartHeight-4, "soft small", "end", c.X.Name)
	d.text(2, 10, "soft small", "start", c.Y.Name)
}

func (b Band) draw(d *drawing, x scale) {
	from, to := x.at(b.From), x.at(b.To)
	d.add(`<g><title>%s</title>`, html.EscapeString(fmt.Sprintf("%s, %.1f s to %.1f s", b.Name, b.From, b.To)))
	d.add(`<rect x="%.1f" y="%d" width="%.1f" height="%d" class="band s%d"/>`, from, chartTop, max(to-from, 1), chartHeight-chartTop-chartBottom, b.Side)
	d.line(from, chartTop-6, from, chartHeight-chartBottom, "band-edge")
	if room := chartWidth - from; room > letterWidth*float64(len(b.Name)) && (b.To == b.From || to-from > letterWidth*float64(len(b.Name))) {
		d.text(from+3, float64(chartTop-3+b.Side*bandNameHeight), "small", "start", b.Name)
	}
	d.add(`</g>`)
}

func (c Curve) draw(d *drawing, x, y scale) {
	class := fmt.Sprintf("curve s%d", c.Side)
	if c.Dashed {
		class += " dashed"
	}
	if c.Thin {
		class += " thin"
	}
	var path strings.Builder
	var alone [][2]float64 // points between gaps: no line shows them
	open := false
	for i, p := range c.Points {
		if math.IsNaN(p[1]) {
			open = false
			continue
		}
		if !open && (i+1 == len(c.Points) || math.IsNaN(c.Points[i+1][1])) {
			alone = append(alone, p)
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", map[bool]string{true: "L", false: "M"}[open], x.at(p[0]), y.at(p[1]))
		open = true
	}
	d.add(`<path d="%s" class="%s"/>`, path.String(), class)
	for _, p := range alone {
		d.add(`<circle cx="%.1f" cy="%.1f" r="2" class="dot s%d"/>`, x.at(p[0]), y.at(p[1]), c.Side)
	}
	for i, words := range c.Tips {
		if p := c.Points[i]; words != "" && !math.IsNaN(p[1]) {
			d.add(`<circle cx="%.1f" cy="%.1f" r="4" class="point"><title>%s</title></circle>`, x.at(p[0]), y.at(p[1]), html.EscapeString(words))
		}
	}
}
