package config

import "fmt"

// nearest offers the name that an unknown one was most likely meant to be, for an error's hint; empty when none is near: one that
// takes more than three changes, or as many as a third of it, is another word and not a slip.
func nearest(name string) string {
	best, bestDistance := "", min(4, len(name)/3+1)
	for _, key := range Keys(ScopeBroker) {
		if d := distance(name, key.Name); d < bestDistance {
			best, bestDistance = key.Name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (is %s meant?)", best)
}

// distance is Levenshtein's: how many bytes have to be inserted, removed or replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // row[j]: from what was seen of a to b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
