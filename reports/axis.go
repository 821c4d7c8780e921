package reports

import (
	"fmt"
	"math"
	"strconv"
)

// An Axis is a direction of a chart. Without ticks, it finds round ones.
type Axis struct {
	Name  string // with its unit
	Log   bool   // decades are of one length; what is not above 0 is at the begin
	Ticks []Tick
}

// A Tick is a value that is written at the axis.
type Tick struct {
	At    float64
	Words string
}

// scale is an axis with an extent, and where on the drawing it is.
type scale struct {
	log       bool
	low, high float64
	ticks     []Tick
	from, to  float64 // where low and high are drawn
}

// over is the axis for these values. A linear one begins at 0.
func (a Axis) over(values []float64) scale {
	s := scale{log: a.Log, ticks: a.Ticks, high: math.Inf(-1), low: math.Inf(1)}
	for _, v := range values {
		if !a.Log || v > 0 {
			s.low, s.high = min(s.low, v), max(s.high, v)
		}
	}
	if s.high < s.low { // there are none
		s.low, s.high = 1, 10
	}
	switch {
	case a.Log && len(a.Ticks) > 0:
		s.low, s.high = a.Ticks[0].At, max(s.high, a.Ticks[0].At*10)
	case a.Log:
		s.roundLog()
	default:
		s.low = 0
		s.roundLinear()
	}
	if len(s.ticks) == 0 {
		s.ticks = s.round()
	}
	kept := s.ticks[:0:0]
	for _, tick := range s.ticks {
		if tick.At >= s.low && tick.At <= s.high*(1+1e-9) {
			kept = append(kept, tick)
		}
	}
	s.ticks = kept
	return s
}

// roundLog takes the ends to 1, 2 or 5 in their decades.
func (s *scale) roundLog() {
	down, up := []float64{5, 2, 1}, []float64{1, 2, 5, 10}
	decade := func(v float64) float64 { return math.Pow(10, math.Floor(math.Log10(v))) }
	for _, m := range down {
		if v := m * decade(s.low); v <= s.low*(1+1e-9) {
			s.low = v
			break
		}
	}
	for _, m := range up {
		if v := m * decade(s.high); v >= s.high*(1-1e-9) {
			s.high = v
			break
		}
	}
	if s.high <= s.low {
		s.high = s.low * 10
	}
}

// stepsMost is how many steps a linear axis has at most.
const stepsMost = 8

func (s *scale) step() float64 {
	rough := max(s.high-s.low, 1e-9) / stepsMost
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= rough {
			return m * power
		}
	}
	return 10 * power
}

// roundLinear takes the upper end to a step, unless what is above the last step is little.
func (s *scale) roundLinear() {
	if step := s.step(); math.Mod(s.high, step) > step/4 {
		s.high = math.Ceil(s.high/step) * step
	}
	if s.high == 0 {
		s.high = 1
	}
}

// round is ticks at round values: steps, or decades with what lies between them where there are few.
func (s *scale) round() (ticks []Tick) {
	if !s.log {
		step := s.step()
		for i := 0; float64(i)*step <= s.high*(1+1e-9); i++ {
			ticks = append(ticks, Tick{float64(i) * step, short(float64(i) * step)})
		}
		return ticks
	}
	between := []float64{1}
	if s.high/s.low < 1000 {
		between = []float64{1, 2, 5}
	}
	for power := math.Floor(math.Log10(s.low)); power <= math.Ceil(math.Log10(s.high)); power++ {
		for _, m := range between {
			ticks = append(ticks, Tick{m * math.Pow(10, power), short(m * math.Pow(10, power))})
		}
	}
	return ticks
}

// at is where a value is drawn.
func (s *scale) at(v float64) float64 {
	share := (v - s.low) / (s.high - s.low)
	if s.log {
		share = math.Log(max(v, s.low)/s.low) / math.Log(s.high/s.low)
	}
	return s.from + share*(s.to-s.from)
}

// short writes a round number in few letters.
func short(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e4, "k"}} {
		if v >= unit.size*(1-1e-9) {
			if unit.name == "k" {
				unit.size = 1e3
			}
			return trimmed(v/unit.size) + " " + unit.name
		}
	}
	return trimmed(v)
}

func trimmed(v float64) string {
	text := fmt.Sprintf("%.3g", v)
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		return strconv.FormatFloat(number, 'f', -1, 64)
	}
	return text
}
