package compare

import (
	"fmt"
	"slices"
	"strings"
)

// Significance is the two-sided p of the Mann-Whitney U test, exact, that two samples are of the same distribution: small when
// they differ. Samples of ten or fewer are meant.
func Significance(a, b Sample) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 1
	}
	u := 0.0 // pairs in which a's is larger; a tie is half
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				u++
			case x == y:
				u += 0.5
			}
		}
	}
	u = min(u, float64(len(a)*len(b))-u)
	as, all := 0.0, 0.0
	for value, ways := range arrangements(len(a), len(b)) {
		all += ways
		if float64(value) <= u {
			as += ways
		}
	}
	return min(1, 2*as/all)
}

// arrangements counts, for each value of U, the orders of n and m things that have it.
func arrangements(n, m int) []float64 {
	if n == 0 || m == 0 {
		return []float64{1}
	}
	ways := make([]float64, n*m+1)
	for u, w := range arrangements(n-1, m) { // the largest is one of the n: it beats all m
		ways[u+m] += w
	}
	for u, w := range arrangements(n, m-1) {
		ways[u] += w
	}
	return ways
}

// different is the p below which a difference is told.
const different = 0.05

// Table compares two versions as benchstat does: medians with spread, and how much the newer differs, "~" when that may be
// chance.
func Table(old, new string, rows []Row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-36s %20s %20s %10s\n", "", old, new, "delta")
	line := func(name, unit string, before, after Sample) {
		delta := "~"
		if p := Significance(before, after); p < different && before.Median() != 0 {
			delta = fmt.Sprintf("%+.1f%%", 100*(after.Median()/before.Median()-1))
		}
		side := func(s Sample) string { return fmt.Sprintf("%s ± %.0f%%", number(s.Median()), 100*s.Spread()) }
		fmt.Fprintf(&b, "%-36s %20s %20s %10s (p=%.3f n=%d+%d)\n", name+" "+unit, side(before), side(after), delta,
			Significance(before, after), len(before), len(after))
	}
	for i, row := range rows {
		line(row.Name, row.Unit, row.Peer, row.Ours)
		again := i > 0 && slices.Equal(row.OursCPU, rows[i-1].OursCPU) // the same runs by another measure
		if row.OursCPU.Median() > 0 && !again {
			line(row.Name, "CPU s/GiB", row.PeerCPU, row.OursCPU)
		}
	}
	return b.String()
}
