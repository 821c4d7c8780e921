package compare

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"odradek/bench"
)

// A Group is one thing that two sides were measured in: their results, a round each, or figures of one kind.
type Group struct {
	Name    string // as "produce_1KB_rf1": the kind of row, then what was run
	Sides   [2]string
	Results [2][]*bench.Result
	Figures [2]Sample // where there are no results, in this unit
	Unit    string
}

// Rows are what the group compares.
func (g Group) Rows() []Row {
	if g.Unit != "" {
		return []Row{{Name: g.Name, Unit: g.Unit, Ours: g.Figures[0], Peer: g.Figures[1]}}
	}
	_, what, _ := strings.Cut(g.Name, "_")
	return Rows(what, g.Results[0], g.Results[1])
}

// limitSide is what stands in the second side's place where the machine's limit does.
const limitSide = "limit"

// ReadGroups reads a directory as bench/turns leaves it: NAME-SIDE-ROUND.json is a result, NAME-SIDE.UNIT has figures, one a line. The
// groups come in the order in which they were measured, figures last. A group that lacks a side is an error.
func ReadGroups(dir, first, second string) ([]Group, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	groups := map[string]*Group{}
	for _, entry := range entries {
		base, extension, _ := cutLast(entry.Name(), ".")
		if extension == "json" {
			base, _, _ = cutLast(base, "-")
		}
		name, side := sideOf(base, first, second)
		if name == "" {
			continue
		}
		g := groups[name]
		if g == nil {
			g = &Group{Name: name, Sides: [2]string{first, second}}
			groups[name] = g
		}
		if err := g.read(filepath.Join(dir, entry.Name()), extension, first, side); err != nil {
			return nil, err
		}
	}
	var all []Group
	for _, g := range groups {
		for i, side := range g.Sides {
			if len(g.Results[i]) == 0 && len(g.Figures[i]) == 0 {
				return nil, fmt.Errorf("%s: %s has nothing of %s", dir, g.Name, side)
			}
		}
		all = append(all, *g)
	}
	slices.SortFunc(all, func(a, b Group) int { return cmp.Or(cmp.Compare(a.began(), b.began()), cmp.Compare(a.Name, b.Name)) })
	return all, nil
}

func (g *Group) read(file, extension, first, side string) error {
	at := 1
	if side == first {
		at = 0
	} else {
		g.Sides[1] = side
	}
	if extension != "json" {
		figures, err := ReadFigures(file)
		g.Figures[at], g.Unit = figures, extension
		return err
	}
	result, err := ReadResult(file)
	g.Results[at] = append(g.Results[at], result)
	return err
}

// sideOf cuts the side's name off; name is empty when it is none of those that are asked for.
func sideOf(base, first, second string) (name, side string) {
	for _, side := range []string{first, second, limitSide} {
		if name, ok := strings.CutSuffix(base, "-"+side); ok {
			return name, side
		}
	}
	return "", ""
}

func cutLast(s, separator string) (before, after string, ok bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

// began orders groups: in seconds, figures after all results.
func (g Group) began() int64 {
	if len(g.Results[0]) == 0 {
		return 1 << 62
	}
	return g.Results[0][0].Began.Unix()
}

// ReadResult reads what `bench --json` wrote.
func ReadResult(file string) (*bench.Result, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	result := new(bench.Result)
	if err := json.Unmarshal(text, result); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return result, nil
}

// ReadFigures reads numbers, one a line.
func ReadFigures(file string) (Sample, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var figures Sample
	for line := range strings.Lines(string(text)) {
		figure, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		figures = append(figures, figure)
	}
	return figures, nil
}
